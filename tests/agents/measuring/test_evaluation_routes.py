"""The routes of benchmarks: question sets in and out, a run from start to report, and who may."""

from __future__ import annotations

import json
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agents.measuring import question_sets
from tests.agents.scripted_eval import ROOT, scripted
from tests.fakes import FakeLLMServer
from tests.reports import METRIC, system_name
from tests.service_bench import ServiceBench, until

LINE = {
    "id": "q1", "question": "When do backups run?", "kind": "fact", "answer": "At two.",
    "gold": [{"document": "work/backups.md", "quote": "night at two", "start": 29, "end": 41}],
}  # fmt: skip


@pytest.fixture
def scripted_bench(bench: ServiceBench, monkeypatch: pytest.MonkeyPatch) -> ServiceBench:
    """A service whose benchmarks are scripted; ``quick`` unless a test says otherwise."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    bench.app.evaluations.program.command = tuple(scripted("quick"))
    return bench


def upload(bench: ServiceBench, text: str, name: str = "mine.jsonl") -> Any:
    return bench.http.post("/v1/question-sets", files={"file": (name, text.encode())})


def sets(bench: ServiceBench) -> dict[str, Any]:
    return {found.pop("name"): found for found in bench.get("/v1/question-sets")["question_sets"]}


def start(bench: ServiceBench, status: int = 201, **fields: Any) -> Any:
    body = {"question_set": "sample", "collection": "work", **fields}
    return bench.post("/v1/evaluations", body, status)


def finished(bench: ServiceBench, id: str) -> Any:
    path = f"/v1/evaluations/{id}"
    until(lambda: bench.get(path)["state"] not in ("queued", "running"), 30)
    return bench.get(path)


def test_the_sample_and_the_feedback_are_there_from_the_start(bench: ServiceBench) -> None:
    listed = sets(bench)
    assert listed["sample"]["origin"] == "sample"
    assert listed["sample"]["questions"] > listed["sample"]["answerable"] > 0
    assert listed["feedback"] == {
        "origin": "feedback", "questions": 0, "answerable": 0, "error": None, "left_out": {},
    }  # fmt: skip


def test_a_question_set_is_uploaded_downloaded_and_deleted(bench: ServiceBench) -> None:
    reply = upload(bench, json.dumps(LINE))
    assert reply.status_code == 201
    assert reply.json() == {
        "name": "mine", "origin": "uploaded", "questions": 1, "answerable": 1, "error": None,
    }  # fmt: skip
    assert sets(bench)["mine"]["questions"] == 1
    back = bench.http.get("/v1/question-sets/mine")
    assert json.loads(back.text) == LINE
    assert back.headers["content-disposition"].startswith("attachment")
    bench.call("DELETE", "/v1/question-sets/mine", 204)
    bench.call("GET", "/v1/question-sets/mine", 404)


def save(bench: ServiceBench, name: str, status: int = 201, **question: Any) -> Any:
    return bench.post(f"/v1/question-sets/{name}/questions", question, status)


def place(bench: ServiceBench, source: str, quote: str) -> dict[str, Any]:
    """Where a quote stands, as a question names it."""
    documents = bench.get("/v1/documents")["documents"]
    (id,) = (d["id"] for d in documents if d["source"].endswith(source))
    start = bench.get(f"/v1/documents/{id}/text")["text"].index(quote)
    return {"document": id, "start": start, "end": start + len(quote)}


def lines(bench: ServiceBench, name: str) -> list[Any]:
    return [
        json.loads(line) for line in bench.http.get(f"/v1/question-sets/{name}").text.splitlines()
    ]


def test_questions_are_added_one_by_one_to_a_set_that_they_make(bench: ServiceBench) -> None:
    source = place(bench, "backups.md", "every night at two")
    made = save(bench, "mine", text="When do  backups run?", sources=[source])
    assert (made["name"], made["questions"], made["answerable"]) == ("mine", 1, 1)
    assert not made["replaced"]
    save(bench, "mine", text="Who is the director?", unanswerable=True)
    answerable, unanswerable = lines(bench, "mine")
    assert answerable["question"] == "When do backups run?"
    (gold,) = answerable["gold"]
    assert (gold["quote"], gold["start"]) == ("every night at two", source["start"])
    assert gold["document"].endswith("backups.md")
    assert (unanswerable["kind"], unanswerable["gold"]) == ("unanswerable", [])
    counts = sets(bench)["mine"]
    assert (counts["questions"], counts["answerable"]) == (2, 1)


def test_a_question_asked_again_takes_the_place_of_the_first(bench: ServiceBench) -> None:
    upload(bench, json.dumps({**LINE, "note": "kept as it is"}))
    save(bench, "mine", text="When is lunch?", unanswerable=True)
    source = place(bench, "lunch.txt", "opens at noon")
    again = save(bench, "mine", text="when is LUNCH?", sources=[source])
    assert (again["replaced"], again["questions"]) == (True, 2)
    first, second = lines(bench, "mine")
    assert first == {**LINE, "note": "kept as it is"}
    assert second["gold"][0]["quote"] == "opens at noon"


def test_a_saved_question_is_measured(scripted_bench: ServiceBench) -> None:
    save(scripted_bench, "mine", text="When is lunch?", unanswerable=True)
    id = start(scripted_bench, question_set="mine")["id"]
    assert finished(scripted_bench, id)["state"] == "done"


@pytest.mark.parametrize(
    ("name", "question", "status", "why"),
    [
        ("mine", {"text": "What?"}, 400, "'unanswerable': true"),
        ("mine", {"text": " ", "unanswerable": True}, 400, "text"),
        ("sample", {"text": "What?", "unanswerable": True}, 409, "already"),
        ("feedback", {"text": "What?", "unanswerable": True}, 409, "already"),
        ("a!b", {"text": "What?", "unanswerable": True}, 400, "cannot name a question set"),
        (
            "mine",
            {"text": "What?", "sources": [{"document": "nix", "start": 0, "end": 2}]},
            404,
            "nix",
        ),
    ],
)
def test_a_question_that_is_none_is_refused_and_makes_no_set(
    bench: ServiceBench, name: str, question: dict[str, Any], status: int, why: str
) -> None:
    assert why in save(bench, name, status, **question)["error"]["message"]
    assert set(sets(bench)) == {"sample", "feedback"}


def test_a_question_is_not_added_to_a_broken_set(bench: ServiceBench) -> None:
    upload(bench, json.dumps(LINE))
    path = bench.home / "eval" / "questions" / "mine.jsonl"
    path.write_text("{")
    refused = save(bench, "mine", 400, text="What?", unanswerable=True)
    assert "line 1" in refused["error"]["message"]
    assert path.read_text() == "{"


def test_questions_saved_at_once_are_all_kept(bench: ServiceBench) -> None:
    texts = [f"What is number {n}?" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda text: save(bench, "mine", text=text, unanswerable=True), texts))
    assert {line["question"] for line in lines(bench, "mine")} == set(texts)


@pytest.mark.parametrize(
    ("name", "text", "status", "why"),
    [
        ("mine.jsonl", "{", 400, "'mine.jsonl', line 1"),
        ("mine.jsonl", json.dumps(LINE) + "\n" + json.dumps(LINE), 400, "line 2"),
        ("mine.jsonl", "", 400, "'mine.jsonl' is empty"),
        ("mine.txt", json.dumps(LINE), 400, "cannot name a question set"),
        ("..jsonl", json.dumps(LINE), 400, "cannot name a question set"),
        ("../../mine!.jsonl", json.dumps(LINE), 400, "cannot name a question set"),
        ("sample.jsonl", json.dumps(LINE), 409, "already"),
    ],
)
def test_a_broken_question_set_is_refused_and_not_kept(
    bench: ServiceBench, name: str, text: str, status: int, why: str
) -> None:
    reply = upload(bench, text, name)
    assert reply.status_code == status
    assert why in reply.json()["error"]["message"]
    assert set(sets(bench)) == {"sample", "feedback"}


def test_an_upload_is_bounded(bench: ServiceBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_sets, "MOST_BYTES", 20)
    reply = upload(bench, json.dumps(LINE))
    assert (reply.status_code, "split it" in reply.text) == (400, True)


def test_a_set_that_is_broken_by_hand_does_not_hide_the_others(bench: ServiceBench) -> None:
    upload(bench, json.dumps(LINE))
    folder = bench.home / "eval" / "questions"
    (folder / "mine.jsonl").write_text("{")
    assert "'mine.jsonl', line 1" in sets(bench)["mine"]["error"]


@pytest.mark.parametrize("name", ["..%2Fsecret", "nix", "%2e%2e"])
def test_names_reach_only_question_sets(bench: ServiceBench, name: str) -> None:
    (bench.home / "eval").mkdir()
    (bench.home / "eval" / "secret.jsonl").write_text(json.dumps(LINE))
    assert bench.http.get(f"/v1/question-sets/{name}").status_code in (404, 405)
    assert start(bench, 404, question_set="../secret")["error"]["type"] == "NotFound"


def test_an_evaluation_from_start_to_report(scripted_bench: ServiceBench) -> None:
    bench = scripted_bench
    id = start(bench, fusions=["dense", "hybrid", "dense"], k=3)["id"]
    done = finished(bench, id)
    assert done["state"] == "done"
    assert done["name"] == "sample on work"
    assert (done["doing"], done["done"], done["total"]) == ("searching", 3, 3)
    assert done["report"]["metric"] == METRIC
    folder = bench.home / "eval" / "results" / id
    grid = tomllib.loads((folder / "grid.toml").read_text())
    assert grid == {
        "questions": "sample.jsonl",
        "documents": "collection:work",
        "grid": {
            "chunker": ["recursive"], "size": [200], "fusion": ["dense", "hybrid"], "k": [3],
        },
    }  # fmt: skip
    assert (folder / "sample.jsonl").is_file()
    (listed,) = bench.get("/v1/evaluations")["evaluations"]
    assert listed == {**done, "report": None}
    rows = bench.get(f"/v1/evaluations/{id}/queries", params={"stage": "lost", "limit": 1})
    assert (rows["total"], rows["queries"][0]["query"]) == (1, "q2")
    html = bench.http.get(f"/v1/evaluations/{id}/report.html")
    assert html.text == "<p>ok</p>"
    assert html.headers["content-disposition"].startswith("attachment")
    bench.call("DELETE", f"/v1/evaluations/{id}", 204)
    bench.get(f"/v1/evaluations/{id}", 404)


def test_two_systems_are_compared(scripted_bench: ServiceBench) -> None:
    bench = scripted_bench
    id = start(bench)["id"]
    finished(bench, id)
    named = {"a": f"{id}:{system_name('dense')}", "b": f"{id}:{system_name('hybrid')}"}
    told = bench.get("/v1/evaluations/compare", params=named)
    assert "is better than" in told["sentence"]
    bench.get("/v1/evaluations/compare", 404, params={"a": id, "b": "nix"})


def test_a_running_evaluation_is_cancelled_and_goes_on(scripted_bench: ServiceBench) -> None:
    bench = scripted_bench
    bench.app.evaluations.program.command = tuple(scripted("slow"))
    id = start(bench)["id"]
    path = f"/v1/evaluations/{id}"
    until(lambda: bench.get(path)["total"] == 3, 30)
    bench.get(f"{path}/queries", 409)
    assert bench.get(path)["report"] is None
    assert bench.post(f"{path}/cancel")["state"] == "cancelled"
    bench.app.evaluations.program.command = tuple(scripted("quick"))
    until(lambda: bench.http.post(f"{path}/resume").status_code == 200)
    assert finished(bench, id)["state"] == "done"
    bench.post(f"{path}/resume", status=409)


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"collection": "nix"}, 404, "no collection 'nix'"),
        ({"question_set": "nix"}, 404, "no question set 'nix'"),
        ({"question_set": "feedback"}, 400, "no questions from feedback yet"),
        ({"chunkers": ["nix"]}, 400, "nix"),
        ({"sizes": [4]}, 400, "sizes"),
        ({"fusions": ["psychic"]}, 400, "fusions"),
        ({"sizes": list(range(100, 120)), "chunkers": ["recursive"] * 20, "k": 0}, 400, "k"),
    ],
)
def test_what_cannot_be_measured_is_refused_and_leaves_nothing(
    bench: ServiceBench, fields: dict[str, Any], status: int, why: str
) -> None:
    assert why in start(bench, status, **fields)["error"]["message"]
    assert bench.get("/v1/evaluations") == {"evaluations": []}
    assert list((bench.home / "eval").rglob("grid.toml")) == []


def test_too_many_systems_are_refused(bench: ServiceBench) -> None:
    from ingest.chunking import strategy_names

    names = list(strategy_names())
    wanted = {"chunkers": names, "sizes": list(range(100, 120))}
    refused = start(bench, 400, **wanted, fusions=["dense", "lexical", "hybrid"])
    assert "systems" in refused["error"]["message"]


def test_feedback_in_the_chat_becomes_what_is_measured_with(
    scripted_bench: ServiceBench, llm: FakeLLMServer
) -> None:
    bench = scripted_bench
    llm.say("Thirty days [1].")
    _, message = bench.answer()
    bench.post("/v1/feedback", {"message": message["id"], "rating": 1}, 201)
    assert sets(bench)["feedback"]["answerable"] == 1
    id = start(bench, question_set="feedback")["id"]
    finished(bench, id)
    file: Path = bench.home / "eval" / "results" / id / "feedback.jsonl"
    (question,) = map(json.loads, file.read_text().splitlines())
    assert question["answer"] == message["content"]
    assert question["gold"][0]["quote"] == message["citations"][0]["quote"]
    assert start(bench, 400, question_set="feedback", collection="vault")["error"]["message"]


def test_only_the_owner_measures(bench: ServiceBench) -> None:
    key = bench.app.users.add("ada")
    headers = {"Authorization": f"Bearer {key}"}
    for method, path in [
        ("GET", "/v1/question-sets"), ("GET", "/v1/evaluations"),
        ("GET", "/v1/evaluations/nix"), ("POST", "/v1/evaluations/nix/cancel"),
    ]:  # fmt: skip
        reply = bench.http.request(method, path, headers=headers)
        assert (reply.status_code, "owner of this machine" in reply.text) == (403, True)
