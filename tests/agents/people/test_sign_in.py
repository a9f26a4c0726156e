"""Once there are users, nothing but the two health checks is answered without a key."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest

from agents.people.identity import Users, new_key
from agents.people.sign_in import OPEN_PATHS, is_loopback, require_keys
from agents.service import serve
from agents.settings import Settings
from corpus.errors import UserError
from corpus.home import Home
from tests.fakes import FakeLLMServer
from tests.service_bench import ServiceBench


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_every_route_but_the_health_checks_asks_for_a_key(plain_bench: ServiceBench) -> None:
    paths = plain_bench.get("/openapi.json")["paths"]
    plain_bench.app.users.add("ada")
    for path, operations in [*paths.items(), ("/openapi.json", ["get"]), ("/nowhere", ["get"])]:
        for method in operations:
            reply = plain_bench.http.request(method, path)
            if path in OPEN_PATHS:
                assert reply.status_code == 200
                continue
            assert (reply.status_code, path) == (401, path)
            assert reply.headers["www-authenticate"] == "Bearer"
            assert reply.json()["error"]["type"] == "NotSignedIn"


def test_a_key_says_who_asks(plain_bench: ServiceBench) -> None:
    users = plain_bench.app.users
    assert plain_bench.get("/v1/me") == {"name": "", "owner": True, "signed_in": False}
    ada, root = users.add("ada"), users.add("root", owner=True)
    told = [plain_bench.get("/v1/me", headers=bearer(key)) for key in (ada, root)]
    assert told == [
        {"name": "ada", "owner": False, "signed_in": True},
        {"name": "root", "owner": True, "signed_in": True},
    ]


def test_many_wrong_keys_are_held_off_and_a_right_one_is_not(plain_bench: ServiceBench) -> None:
    key = plain_bench.app.users.add("root", owner=True)
    statuses = [
        plain_bench.http.get("/v1/threads", headers=bearer(new_key())).status_code
        for _ in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2
    reply = plain_bench.http.get("/v1/threads", headers=bearer("x"))
    assert int(reply.headers["retry-after"]) >= 1
    entries = plain_bench.get("/v1/audit", headers=bearer(key))["entries"]
    assert [e["action"] for e in entries].count("sign-in.refused") == 10


def test_a_file_of_users_that_cannot_be_trusted_lets_nobody_in(plain_bench: ServiceBench) -> None:
    key = plain_bench.app.users.add("root", owner=True)
    (plain_bench.home / "users.toml").chmod(0o644)
    reply = plain_bench.http.get("/v1/threads", headers=bearer(key))
    assert reply.status_code == 503
    assert str(plain_bench.home) not in reply.text


def test_people_ingest_by_uploading_and_in_no_other_way(indexed_home: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    paper = tmp_path / "open" / "paper.txt"
    paper.write_text("The engine is analytical.")
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    service = ServiceBench(home, None, ingest={"folders": (str(paper.parent),), "workers": 1})
    service.start()
    ada, root = (
        bearer(service.app.users.add(name, owner))
        for name, owner in (("ada", False), ("root", True))
    )
    for path in (paper, paper.parent, tmp_path, tmp_path / "nowhere"):
        for collection in ("papers", "ada/papers"):
            body = {"paths": [str(path)], "collection": collection}
            refused = service.post("/v1/jobs", body, 403, headers=ada)
            assert refused["error"]["type"] == "NotAllowed"
            assert str(path) not in refused["error"]["message"]  # nor whether there is such a thing
    assert service.get("/v1/jobs", headers=ada) == {"jobs": []}
    files = {"files": ("mine.txt", b"Mine.")}
    for collection, status in (("papers", 202), ("ada/papers", 202), ("bob/papers", 403)):
        data = {"collection": collection}
        service.call("POST", "/v1/documents", status, files=files, data=data, headers=ada)
    assert len(service.get("/v1/jobs", headers=ada)["jobs"]) == 2
    service.post("/v1/jobs", {"paths": [str(paper)]}, 202, headers=root)
    service.close()


def test_the_owners_things_are_the_owners(plain_bench: ServiceBench) -> None:
    ada = bearer(plain_bench.app.users.add("ada"))
    for method, path, body in (
        ("GET", "/metrics", None),
        ("GET", "/v1/audit", None),
        ("POST", "/v1/reindex", {}),
        ("POST", "/v1/jobs", {"paths": ["/etc"]}),
    ):
        reply = plain_bench.http.request(method, path, json=body, headers=ada)
        assert reply.status_code == 403, path
        assert reply.json()["error"]["type"] == "NotAllowed"


def test_the_status_tells_a_person_what_is_theirs(plain_bench: ServiceBench) -> None:
    plain_bench.app.catalog.set_readers("vault", ["bob"])
    ada = bearer(plain_bench.app.users.add("ada"))
    status = plain_bench.get("/v1/status", headers=ada)
    assert (status["home"], status["snapshot"], status["states"]) == ("", None, {"indexed": 2})
    assert status["engine"]["label"] == "quoted from the documents, without a language model"
    assert [c["name"] for c in status["collections"]] == ["work"]
    assert "vault" not in str(status)


def test_where_the_model_is_is_for_the_owner_to_know(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    ada = bearer(bench.app.users.add("ada"))
    root = bearer(bench.app.users.add("root", owner=True))
    engine = bench.get("/v1/status", headers=ada)["engine"]
    del engine["reachable"]  # which concerns whoever asks
    assert engine == {"name": "openai", "model": llm.model, "url": "", "label": llm.model}
    assert llm.url in bench.get("/v1/status", headers=root)["engine"]["label"]


def test_beyond_loopback_keys_are_needed(tmp_path: Path) -> None:
    users = Users(Home(tmp_path))
    for host in ("127.0.0.1", "localhost", "::1"):
        require_keys(host, users, trusted_network=False)
        assert is_loopback(host)
    for host in ("0.0.0.0", "::", ""):
        with pytest.raises(UserError, match="alcove users add"):
            require_keys(host, users, trusted_network=False)
        require_keys(host, users, trusted_network=True)
    users.add("root", owner=True)
    require_keys("0.0.0.0", users, trusted_network=False)


def test_the_service_does_not_start_open_to_a_network(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path, {"service": {"host": "0.0.0.0", "port": 0}}, {})
    with pytest.raises(UserError, match="alcove users add") as caught:
        serve(settings)
    assert caught.value.exit_status == 2


def test_signing_in_needs_the_scheme(plain_bench: ServiceBench) -> None:
    key = plain_bench.app.users.add("ada")
    for header in (key, f"Basic {key}", f"Bearer{key}"):
        headers = httpx.Headers({"Authorization": header})
        assert plain_bench.http.get("/v1/threads", headers=headers).status_code == 401
    listed = plain_bench.get("/v1/threads", headers={"Authorization": f"bearer {key}"})
    assert listed["threads"] == []
