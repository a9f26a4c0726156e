"""A client that goes away ends the work at the model's server too, and nothing is left behind."""

import os
import threading
import time
from collections.abc import Callable

import pytest

from tests.service_bench import ASK, ServiceBench, until

BODY = {"model": "alcove", "stream": True, "messages": [{"role": "user", "content": ASK}]}


def left_at_once(bench: ServiceBench, number: int) -> float:
    """Ask, leave (every other time before the first word), and give the seconds until the server knows."""
    assert bench.llm is not None
    gone, asked = bench.llm.gone, len(bench.llm.chats)
    waiting = bool(number % 2)
    bench.llm.say("They ", end="endless", gap=0.02, first_delay=90.0 if waiting else 0.0)
    with bench.http.stream("POST", "/v1/chat/completions", json=BODY) as reply:
        lines = reply.iter_lines()
        until(lambda: len(bench.llm.chats) > asked)  # type: ignore[union-attr]
        while not waiting and "They" not in next(lines):
            pass
    began = time.monotonic()
    until(lambda: bench.llm.gone > gone)  # type: ignore[union-attr]
    return time.monotonic() - began


def held() -> tuple[int, int]:
    """Threads and open files of this process."""
    return threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")  # noqa: PTH112
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.full)])
def test_clients_that_leave_end_the_work_soon_and_leave_nothing(
    bench: ServiceBench, times: int, record_property: Callable[[str, object], None]
) -> None:
    for number in range(4):  # what is made once: connections, workers of pools
        left_at_once(bench, number)
    until(lambda: bench.app.runs.active == 0)
    before = held()
    took = sorted(left_at_once(bench, number) for number in range(times))
    record_property("p50_s", took[len(took) // 2])
    record_property("max_s", took[-1])
    if times >= 100:  # a figure for a machine that does nothing else
        assert took[-1] < 1
    until(lambda: bench.app.runs.active == 0)
    until(lambda: held()[0] <= before[0] + 2 and held()[1] <= before[1] + 4)
