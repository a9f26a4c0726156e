"""Benchmarks of the service: one at a time, stopped without leftovers, taken up again after a crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.measuring.evaluation_program import progress, reason
from agents.measuring.evaluation_results import LOST, Asked, queries, report
from agents.measuring.evaluations import Evaluation, Evaluations
from corpus.errors import Conflict, Damaged, NotFound, OperatorError, UserError
from corpus.home import Home
from tests.agents.scripted_eval import ROOT, scripted
from tests.reports import METRIC, system_name, write_report
from tests.service_bench import until

Maker = Callable[..., Evaluations]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Home(tmp_path)


@pytest.fixture
def made(home: Home) -> Iterator[Maker]:
    """Makes evaluations that run a scripted program; closed at the end."""
    kept: list[Evaluations] = []

    def make(how: str) -> Evaluations:
        evaluations = Evaluations(home, scripted(how))
        evaluations.start()
        kept.append(evaluations)
        return evaluations

    yield make
    for evaluations in kept:
        evaluations.close()


def submit(evaluations: Evaluations, name: str = "first") -> Evaluation:
    return evaluations.submit(name, {"question_set": "sample"}, lambda _: "[grid]\n")


def ended(item: Evaluation) -> str:
    until(lambda: item.state not in ("queued", "running"), 30)
    return item.state


def pids(home: Home, item: Evaluation) -> list[int]:
    """The processes of a slow program, once it runs."""
    told = home.root / "eval" / "results" / item.id / "pids"
    until(told.exists, 30)
    return [int(word) for word in told.read_text().split()]


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_benchmark_runs_and_has_results(made: Maker) -> None:
    evaluations = made("quick")
    item = submit(evaluations)
    assert ended(item) == "done"
    assert (item.doing, item.done, item.total, item.error) == ("searching", 3, 3, None)
    found = report(evaluations.results(item.id))
    assert found["systems"][0]["name"] == system_name("dense")
    assert evaluations.listed() == [item]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("broken", "no gold quote stands in the documents; name the folder they are about"),
        ("crash", "the benchmark ended unexpectedly: ZeroDivisionError: division by zero"),
        ("empty", "the benchmark ended unexpectedly"),
    ],
)
def test_a_benchmark_that_fails_says_why(made: Maker, how: str, why: str) -> None:
    evaluations = made(how)
    item = submit(evaluations)
    assert (ended(item), item.error) == ("failed", why)
    with pytest.raises(Conflict, match="failed"):
        evaluations.results(item.id)


def test_a_program_that_cannot_be_run_is_named(home: Home, made: Maker) -> None:
    evaluations = made("quick")
    evaluations.program.command = ("/no/such/program",)
    item = submit(evaluations)
    assert (ended(item), item.error) == (
        "failed", "'/no/such/program' cannot be run (No such file or directory)",
    )  # fmt: skip


def test_one_runs_at_a_time_and_cancelling_leaves_no_process(home: Home, made: Maker) -> None:
    evaluations = made("slow")
    first, second = submit(evaluations), submit(evaluations, "second")
    running = pids(home, first)
    assert (first.state, second.state) == ("running", "queued")
    evaluations.cancel(second.id)
    evaluations.cancel(first.id)
    assert (first.state, second.state) == ("cancelled", "cancelled")
    until(lambda: all(map(gone, running)), 10)
    evaluations.delete(first.id)
    assert not (home.root / "eval" / "results" / first.id).exists()
    assert evaluations.listed() == [second]


def test_what_is_at_work_is_not_deleted(home: Home, made: Maker) -> None:
    evaluations = made("slow")
    item = submit(evaluations)
    pids(home, item)
    with pytest.raises(Conflict, match="cancel it first"):
        evaluations.delete(item.id)


def test_a_stop_of_the_service_interrupts_and_leaves_no_process(home: Home, made: Maker) -> None:
    evaluations = made("slow")
    first, second = submit(evaluations), submit(evaluations, "second")
    running = pids(home, first)
    evaluations.close()
    assert (first.state, first.error, second.state) == ("interrupted", None, "interrupted")
    until(lambda: all(map(gone, running)), 10)
    again = made("quick")
    item = again.resume(first.id)
    assert ended(item) == "done"
    assert {i.id: i.state for i in again.listed()} == {first.id: "done", second.id: "interrupted"}


KILLED = """
import sys, time
from pathlib import Path
from agents.measuring.evaluations import Evaluations
from corpus.home import Home
evaluations = Evaluations(Home(Path(sys.argv[1])), sys.argv[2:])
evaluations.start()
print(evaluations.submit("killed", {}, lambda _: "[grid]").id, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_service_that_is_killed(home: Home, made: Maker) -> None:
    command = [sys.executable, "-P", "-c", KILLED, str(home.root), *scripted("slow")]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    id = service.stdout.readline().strip()
    running = pids(home, Evaluation(id, "", "", ""))
    service.send_signal(signal.SIGKILL)
    service.wait(10)
    service.stdout.close()
    until(lambda: all(map(gone, running)), 10)
    left = made("quick").get(id)
    assert (left.name, left.state) == ("killed", "interrupted")


def test_a_record_that_is_broken_takes_nothing_else_along(home: Home, made: Maker) -> None:
    folder = home.root / "eval" / "results" / "abc"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text('{"id": "abc"')
    evaluations = made("quick")
    assert ended(submit(evaluations)) == "done"
    assert len(evaluations.listed()) == 1


def test_a_record_that_names_another_folder_is_not_followed(home: Home, made: Maker) -> None:
    folder = home.root / "eval" / "results" / "abc"
    folder.mkdir(parents=True)
    record = {"id": "../..", "name": "x", "state": "running", "created": ""}
    (folder / "evaluation.json").write_text(json.dumps(record))
    evaluations = made("quick")
    assert evaluations.listed() == []
    assert not (home.root / "evaluation.json").exists()
    with pytest.raises(NotFound):
        evaluations.delete("../..")
    assert folder.exists()


def test_the_next_one_runs_though_the_state_of_one_cannot_be_written(
    home: Home, made: Maker
) -> None:
    evaluations = made("slow")
    first, second = submit(evaluations), submit(evaluations, "second")
    running = pids(home, first)
    evaluations.program.command = tuple(scripted("quick"))
    (home.root / "eval" / "results" / first.id / "evaluation.json.tmp").mkdir()  # in the way
    evaluations.cancel(first.id)
    until(lambda: all(map(gone, running)), 10)
    assert (first.state, ended(second)) == ("cancelled", "done")


def test_results_that_are_being_written_are_not_shown(home: Home, made: Maker) -> None:
    write_report(home.root / "eval" / "results" / ".grid-x1")
    assert made("quick").listed() == []


def test_what_cannot_be_prepared_leaves_nothing(home: Home, made: Maker) -> None:
    def prepare(_: Path) -> str:
        raise UserError("there is no such question set")

    evaluations = made("quick")
    with pytest.raises(UserError, match="no such"):
        evaluations.submit("x", {}, prepare)
    assert evaluations.listed() == []
    assert list((home.root / "eval" / "results").iterdir()) == []


def test_results_of_the_command_line_are_shown_and_deleted_too(home: Home, made: Maker) -> None:
    folder = home.root / "eval" / "results" / "chunking"
    write_report(folder)
    evaluations = made("quick")
    (item,) = evaluations.listed()
    assert (item.id, item.state) == ("chunking", "done")
    assert report(evaluations.results("chunking"))["metric"] == METRIC
    with pytest.raises(Conflict, match="ended early"):
        evaluations.resume("chunking")
    evaluations.delete("chunking")
    assert not folder.exists()


@pytest.mark.parametrize("id", ["", ".", "..", "../results", "/etc", "nix", "x\0y"])
def test_ids_reach_only_what_is_there(home: Home, made: Maker, id: str) -> None:
    evaluations = made("quick")
    for use in (evaluations.get, evaluations.results, evaluations.cancel, evaluations.delete):
        with pytest.raises(NotFound):
            use(id)
    assert (home.root / "eval").exists() is False


def test_two_are_compared_in_a_sentence(home: Home, made: Maker) -> None:
    evaluations = made("quick")
    for name in ("a", "b"):
        write_report(home.root / "eval" / "results" / name)
    told = evaluations.compare(f"a:{system_name('dense')}", "b")
    assert told["sentence"].startswith("b is better than a:recursive")
    with pytest.raises(NotFound):
        evaluations.compare("a", "nix")
    evaluations.program.command = tuple(scripted("broken"))
    with pytest.raises(UserError, match="no question in common"):
        evaluations.compare("a", "b")
    evaluations.program.command = ("/no/such/program",)
    with pytest.raises(OperatorError, match="cannot be run"):
        evaluations.compare("a", "b")


def test_lines_that_are_no_progress_are_kept_as_reasons() -> None:
    assert progress('{"doing": "x", "done": 1, "total": 2}') == ("x", 1, 2)
    assert progress('{"doing": "x"}') is None
    assert progress("[1]") is None
    assert reason([]) == "the benchmark ended unexpectedly"
    assert reason(["alcove: Say it.", "x"]) == "Say it."


# The rows


def test_rows_are_filtered_and_paged(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    write_report(folder)
    first = queries(folder, Asked(limit=4))
    assert (len(first["queries"]), first["total"], first["next"]) == (4, 9, 4)
    last = queries(folder, Asked(after=8, limit=4))
    assert (len(last["queries"]), last["next"]) == (1, None)
    dense = queries(folder, Asked(system=system_name("dense"), words="BACKUPS"))
    assert [row["query"] for row in dense["queries"]] == ["q1", "q2"]
    assert "found" not in dense["queries"][0]
    for stage in (LOST, "not retrieved"):
        (lost,) = queries(folder, Asked(stage=stage))["queries"]
        assert (lost["query"], lost["stage"]) == ("q2", "not retrieved")
    assert queries(folder, Asked(stage="split apart"))["total"] == 0


def test_one_question_is_given_with_its_passages(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    write_report(folder)
    (row,) = queries(folder, Asked(system=system_name("dense"), query="q2"))["queries"]
    assert row["found"][0]["rank"] == 1
    assert row["gold"][0]["document"] == "backups.md"


def test_results_that_are_damaged_say_so(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"report\.json"):
        report(tmp_path)
    (tmp_path / "report.json").write_text("[" * 100_000)
    with pytest.raises(Damaged, match=r"report\.json"):
        report(tmp_path)
    (tmp_path / "report.json").write_text("[]")
    (tmp_path / "queries.jsonl").write_text('{"system": 1}\n')
    with pytest.raises(Damaged, match="damaged"):
        report(tmp_path)
    with pytest.raises(Damaged, match=r"queries\.jsonl"):
        queries(tmp_path, Asked())
