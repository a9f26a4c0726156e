"""The doctor of a running service: asking never waits, what was found is kept, and nothing is left of a look."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.health.doctor import Doctor
from agents.settings import Settings
from tests.service_bench import until

SAYS = """
import json, sys, pathlib
told = json.loads(sys.stdin.readline())
count = pathlib.Path({count!r})
count.write_text(count.read_text() + "." if count.exists() else ".")
print(json.dumps({{"name": "home", "finding": told["corpus"]["home"], "advice": "", "level": "good"}}), flush=True)
"""
WAITS = "import time\nwhile not pathlib.Path({go!r}).exists(): time.sleep(0.02)\n"
Maker = Callable[..., Doctor]


@pytest.fixture
def doctor(tmp_path: Path) -> Iterator[Maker]:
    """Makes doctors that look with a script."""
    made: list[Doctor] = []

    def make(script: str, **options: object) -> Doctor:
        names = {"count": str(tmp_path / "count"), "go": str(tmp_path / "go")}
        settings = Settings.load(tmp_path / "home", {}, {})
        program = (sys.executable, "-c", script.format(**names))
        made.append(Doctor(settings, program, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def ended(one: Doctor) -> None:
    until(lambda: not one.diagnosis().looking, 60)


def test_asking_does_not_wait_and_tells_what_is_known_so_far(doctor: Maker, tmp_path: Path) -> None:
    one = doctor(SAYS + WAITS)
    first = one.diagnosis()
    assert (first.findings, first.checked, first.looking) == ((), None, True)
    until(lambda: one.diagnosis().findings, 60)
    assert one.diagnosis().looking
    (tmp_path / "go").touch()
    ended(one)
    last = one.diagnosis()
    assert last.checked is not None
    assert [f.finding for f in last.findings] == [str(tmp_path / "home")]


def test_what_was_found_is_kept_until_it_is_old_or_somebody_wants_it_anew(
    doctor: Maker, tmp_path: Path
) -> None:
    now = [0.0]
    one = doctor(SAYS, keep_s=100.0, clock=lambda: now[0])
    one.diagnosis()
    ended(one)
    now[0] = 99.0
    assert not one.diagnosis().looking
    now[0] = 101.0
    again = one.diagnosis()
    assert again.looking
    assert again.findings  # those of before, meanwhile
    ended(one)
    one.look()
    ended(one)
    assert (tmp_path / "count").read_text() == "..."


def test_a_look_that_fails_says_so_and_is_not_begun_again_at_every_question(
    doctor: Maker, tmp_path: Path
) -> None:
    one = doctor(SAYS + "sys.exit(3)")
    one.diagnosis()
    ended(one)
    found = one.diagnosis()
    assert not found.looking
    assert [(f.name, f.state) for f in found.findings] == [("home", "good"), ("doctor", "advice")]
    assert found.findings[-1].advice == "run `alcove doctor`"
    assert (tmp_path / "count").read_text() == "."


def test_a_look_that_takes_too_long_is_ended(doctor: Maker) -> None:
    one = doctor(SAYS + WAITS, patience_s=0.5)
    one.diagnosis()
    ended(one)
    assert one.diagnosis().findings[-1].name == "doctor"


def test_a_look_ends_with_the_service(doctor: Maker) -> None:
    one = doctor(SAYS + WAITS)
    until(lambda: one.diagnosis().findings, 60)
    one.close()
    assert one._process is not None
    assert one._process.poll() is not None
    assert not one.diagnosis().looking
