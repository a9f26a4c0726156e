"""What the service says of itself: to its owner all of it, to others what concerns them."""

from __future__ import annotations

from tests.fakes import FakeLLMServer
from tests.service_bench import Json, ServiceBench, until


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def part(told: Json, name: str) -> Json:
    found: Json = next(p for p in told["parts"] if p["name"] == name)
    return found


def test_the_owner_is_told_of_index_memory_and_parts(bench: ServiceBench) -> None:
    told = bench.get("/v1/status")
    assert told["index"] == {
        "chunks": 3,
        "vectors": 3,
        "bytes": told["index"]["bytes"],
        "kind": "exact",
    }
    assert told["index"]["bytes"] > 1000
    assert told["memory"]["process_bytes"] > 10 * 2**20
    assert told["encoder"]["why"] == "test"
    assert [p["name"] for p in told["parts"]] == [
        *("search", "language model", "ingestion", "memory", "disk")
    ]
    assert part(told, "search")["state"] == "good"
    assert told["ready"]
    assert told["states"] == {"indexed": 3}


def test_a_language_model_that_goes_away_and_comes_back_is_told(bench: ServiceBench) -> None:
    def state() -> str:
        return str(part(bench.get("/v1/status"), "language model")["state"])

    assert bench.llm is not None
    until(lambda: bench.get("/v1/status")["engine"]["reachable"], 30)
    port = bench.llm.port
    bench.llm.__exit__()
    until(lambda: state() == "bad", 30)
    told = bench.get("/v1/status")["engine"]
    assert told["reachable"] is False
    assert told["said"]
    assert told["since"]
    with FakeLLMServer(port=port):
        until(lambda: state() == "good", 30)


def test_others_are_told_what_they_may_read_and_nothing_of_the_machine(
    plain_bench: ServiceBench,
) -> None:
    app = plain_bench.app
    app.users.add("root", owner=True)
    ada = bearer(app.users.add("ada"))
    app.catalog.set_readers("vault", ["root"])
    told = plain_bench.get("/v1/status", headers=ada)
    assert [c["name"] for c in told["collections"]] == ["work"]
    assert told["states"] == {"indexed": 2}
    assert not {"index", "memory", "parts"} & set(told)
    assert "why" not in told["encoder"]
    assert (told["home"], told["snapshot"]) == ("", None)
    assert plain_bench.get("/v1/doctor", 403, headers=ada)["error"]["type"] == "NotAllowed"
    plain_bench.call("POST", "/v1/doctor", 403, headers=ada)


def test_jobs_are_told_without_their_files_and_only_to_whoever_made_them(
    plain_bench: ServiceBench,
) -> None:
    app = plain_bench.app
    root = bearer(app.users.add("root", owner=True))
    ada, bob = bearer(app.users.add("ada")), bearer(app.users.add("bob"))
    job = app.jobs.submit("ada/papers", uploads=[], person="ada")
    for who, ids in ((root, [job.id]), (ada, [job.id]), (bob, [])):
        assert [j["id"] for j in plain_bench.get("/v1/status", headers=who)["jobs"]] == ids
    (told,) = plain_bench.get("/v1/status", headers=ada)["jobs"]
    assert (told["kind"], told["collection"]) == ("upload", "ada/papers")
    app.jobs.rechunk("0" * 32, "a.txt", "tokens", 0, "ada")
    kinds = [told["kind"] for told in plain_bench.get("/v1/status", headers=ada)["jobs"]]
    assert sorted(kinds) == ["rechunk", "upload"]
    assert set(told) == {
        *("id", "kind", "collection", "state", "created", "done", "total", "eta_s", "error")
    }


def test_the_doctor_answers_at_once_and_looks_in_the_background(plain_bench: ServiceBench) -> None:
    first = plain_bench.get("/v1/doctor")
    assert first["looking"]
    assert first["checked"] is None
    assert [c["name"] for c in first["checks"]][-1] == "language model"
    until(lambda: plain_bench.get("/v1/doctor")["checked"], 120)
    told = plain_bench.get("/v1/doctor")
    checks = {c["name"]: c for c in told["checks"]}
    assert not told["looking"]
    assert checks["catalog"]["state"] == "good"
    assert checks["index"]["state"] == "good"
    assert plain_bench.post("/v1/doctor", status=202)["looking"]
