"""A load test tells the times that a server really took, and is not fooled by one that stalls."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from corpus.errors import ModelUnavailable, UserError
from eval.load.client import Sample, Server, at_rate, fixed_users
from eval.load.figures import Level, percentiles
from eval.load.prompts import prompts
from eval.load.report import compared, load_report, markdown, plot, read_report, shares
from eval.speed import app
from serving.plan.speed import Speed
from tests.fakes import FakeLLMServer

SERVER = Path(__file__).with_name("timed_server.py")


@contextmanager
def timed(first: float, gap: float, tokens: int, *stall: float) -> Iterator[str]:
    command = [sys.executable, str(SERVER), *map(str, (first, gap, tokens, *stall))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


def _real(url: str) -> list[list[float]]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/times") as reply:
        rows: list[list[float]] = json.load(reply)
        return rows


def test_the_times_told_are_those_that_the_server_took() -> None:
    with timed(1.5, 0.2, 11) as url:  # long, so that 5 % are more than a busy machine delays
        samples = fixed_users(Server(url, "timed"), prompts(300, 1), 4, 8, 60)
        real = _real(url)
    found = Level(4, None, samples).json()
    first = 1000 * median(row[1] - row[0] for row in real)
    between = 1000 * median((row[-1] - row[1]) / (len(row) - 2) for row in real)
    assert found["ttft_ms"]["p50"] == pytest.approx(first, rel=0.05)
    assert found["inter_token_ms"]["p50"] == pytest.approx(between, rel=0.05)
    whole = 1000 * median(row[-1] - row[0] for row in real)
    assert found["end_to_end_ms"]["p50"] == pytest.approx(whole, rel=0.05)
    span = max(row[-1] for row in real) - min(row[0] for row in real)
    assert found["tokens_per_s"] == pytest.approx(8 * 11 / span, rel=0.05)
    assert (found["n"], found["failed"], found["answer_tokens_mean"]) == (8, 0, 11)


def test_a_server_that_stalls_is_seen_when_requests_are_due_whatever_it_does() -> None:
    stall = (1.0, 3.0)
    with timed(0.01, 0.0, 2, *stall) as url:
        open_loop = at_rate(Server(url, "timed"), prompts(50, 1), 20.0, 100, 1)
    with timed(0.01, 0.0, 2, *stall) as url:
        one_user = fixed_users(Server(url, "timed"), prompts(50, 1), 1, 400, 5.0)
    slow = Level(0, 20.0, open_loop).json()["ttft_ms"]
    hidden = Level(1, None, one_user).json()["ttft_ms"]
    assert slow["p95"] > 2000  # requests of three of five seconds had to wait
    assert hidden["p95"] < 1000  # one user sees a single slow answer
    assert all(sample.sent >= sample.due for sample in open_loop)


def test_requests_at_a_rate_are_due_as_often_as_was_asked() -> None:
    with timed(0.0, 0.0, 2) as url:
        samples = at_rate(Server(url, "timed"), prompts(50, 1), 200.0, 200, 7)
    gaps = np.diff([s.due for s in samples])
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.25)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 200)).pvalue > 0.001


def test_what_failed_is_counted_and_in_no_time() -> None:
    good = Sample(0.0, 0.0, 1.0, (0.5, 1.0), 10, 2)
    found = Level(2, None, [good, Sample(0.0, 0.0, 9.0, error="status 500: x")]).json()
    assert (found["n"], found["failed"], found["errors"]) == (1, 1, {"status 500: x": 1})
    assert found["end_to_end_ms"]["p99"] == 1000
    none = Level(2, None, [Sample(0.0, 0.0, 9.0, error="gone")]).json()
    assert (none["n"], "ttft_ms" in none) == (0, False)


def test_intervals_hold_the_median_as_often_as_they_say() -> None:
    draw = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        low, high = percentiles(list(draw.exponential(100, 60)))["p50_ci95"]
        held += low <= 100 * np.log(2) <= high
    assert held >= 88


def test_prompts_share_their_rules_and_nothing_else() -> None:
    made = list(islice(prompts(1500, 3), 5))
    assert len({p[0]["content"] for p in made}) == 1
    assert len({p[-1]["content"] for p in made}) == 5
    for prompt in made:
        length = sum(len(message["content"]) for message in prompt)
        assert 0.8 * 6000 < length < 1.35 * 6000
    again = [p[-1]["content"].rpartition("Question:")[2] for p in islice(prompts(1500, 3), 5)]
    assert again == [p[-1]["content"].rpartition("Question:")[2] for p in made]


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no text"):
        next(prompts(100, 1, tmp_path))


def _level(users: int, scale: float = 1.0) -> dict[str, Any]:
    samples = [Sample(0.0, 0.0, scale * (2 + i / 100), (scale * 0.5, scale * (2 + i / 100)), 1500, 101)
               for i in range(20)]  # fmt: skip
    return Level(users, None, samples).json()


def test_two_runs_are_compared_level_by_level() -> None:
    slow = load_report({"model": "a", "url": "u"}, [_level(1, 2.0), _level(5)], False)
    fast = load_report({"model": "b", "url": "u"}, [_level(1), _level(10)], False)
    (row,) = compared(slow, fast)
    assert (row["level"], row["ttft_ms_ratio"], row["ttft_ms_apart"]) == ("1", 0.5, True)
    assert row["tokens_per_s_ratio"] == 2.0


def test_random_weights_are_said_to_be_everywhere() -> None:
    report = load_report({"model": "<m>", "url": "u"}, [_level(1), _level(2)], True)
    assert "random weights" in report["notes"][0]
    assert "random weights" in markdown(report)
    page = plot(report)
    assert "random weights" in page
    assert "&lt;m&gt;" in page
    assert "src=" not in page
    assert load_report({"model": "m", "url": "u"}, [], False)["notes"] == []


def test_shares_are_of_the_plan_s_ceilings() -> None:
    level = _level(1)
    speed = Speed(100.0, 2000.0, 6000.0, None)
    found = shares(level, speed)
    assert found["decode_share"] == round(level["tokens_per_s"] / 2000, 4)
    both = level["tokens_per_s"] / 2000 + level["prompt_tokens_per_s"] / 6000
    assert found["ceiling_share"] == pytest.approx(both, abs=1e-4)
    assert (found["decode_ceiling_tok_s"], found["prefill_ceiling_tok_s"]) == (2000, 6000)
    assert shares(level, Speed(None, None, None, None)) == {}


def test_the_command_writes_json_markdown_and_a_plot(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with timed(0.02, 0.002, 10) as url:
        ran = CliRunner().invoke(
            app,
            ["llm", url, "--users", "1,2", "--rates", "20", "--requests", "4", "--prompt-tokens", "200",
             "--plan", "llama-3.1-8b", "--machine", "dgx-spark", "--out", str(out), "--json"],
            catch_exceptions=False,
        )  # fmt: skip
    report = json.loads(ran.stdout)
    assert [_["users"] for _ in report["levels"]] == [1, 2, None]
    assert report["levels"][2]["requests_due_per_s"] == 20
    assert report["levels"][0]["decode_share"] > 0
    assert read_report(out / "report.json") == report
    assert (out / "report.md").read_text().startswith("# timed at http://127.0.0.1:")
    assert (out / "plot.html").read_text().count("<svg") == 2


def _fails(*arguments: str) -> Exception:
    ran = CliRunner().invoke(app, ["llm", *arguments])
    assert ran.exception is not None
    return ran.exception  # type: ignore[return-value]


def test_what_cannot_be_measured_is_said_in_words(tmp_path: Path) -> None:
    assert isinstance(_fails("http://127.0.0.1:9/v1"), ModelUnavailable)
    assert "does not list its models" in str(_fails("http://127.0.0.1:9/v1"))
    assert "no model 'none'" in str(_fails("http://127.0.0.1:9/v1", "--plan", "none"))
    assert "--users holds 'x'" in str(_fails("http://127.0.0.1:9/v1", "--users", "1,x"))
    assert "--rates holds '-1'" in str(_fails("http://127.0.0.1:9/v1", "--rates=-1"))
    (tmp_path / "r.json").write_text("{}")
    given = ("http://127.0.0.1:9/v1", "--against", str(tmp_path / "r.json"))
    assert "holds no load test" in str(_fails(*given))
    with FakeLLMServer() as llm:
        llm.fail(500)
        assert "did not answer: status 500" in str(_fails(llm.url))
