"""Letting people in and out over HTTP: a key is told once, a revoked one is refused at once, an owner stays."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from corpus.identity import Person
from corpus.ownership import claim
from tests.service_bench import ServiceBench


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def root(plain_bench: ServiceBench) -> dict[str, str]:
    """The headers of the first owner, who was made over HTTP by whoever is at the machine."""
    made = plain_bench.post("/v1/users", {"name": "root", "owner": True}, 201)
    return bearer(made["key"])


def test_the_first_key_must_be_an_owner_s(plain_bench: ServiceBench) -> None:
    assert plain_bench.get("/v1/users") == {"users": []}
    refused = plain_bench.post("/v1/users", {"name": "ada"}, 409)["error"]
    assert "owner first" in refused["message"]
    assert plain_bench.get("/v1/users") == {"users": []}
    made = plain_bench.post("/v1/users", {"name": "root", "owner": True}, 201)
    plain_bench.get("/v1/users", 401)
    (row,) = plain_bench.get("/v1/users", headers=bearer(made["key"]))["users"]
    assert (row["name"], row["owner"]) == ("root", True)


def test_a_key_is_told_once_and_refused_as_soon_as_it_is_revoked(
    plain_bench: ServiceBench, root: dict[str, str]
) -> None:
    reply = plain_bench.http.post("/v1/users", json={"name": "ada"}, headers=root)
    assert reply.headers["cache-control"] == "no-store"
    old = reply.json()["key"]
    listed = plain_bench.http.get("/v1/users", headers=root)
    assert old not in listed.text
    assert old[7:15] in listed.text
    plain_bench.get("/v1/threads", headers=bearer(old))
    new = plain_bench.call("POST", "/v1/users/ada/key", 200, headers=root)["key"]
    plain_bench.get("/v1/threads", 401, headers=bearer(old))
    plain_bench.get("/v1/threads", headers=bearer(new))
    plain_bench.call("DELETE", "/v1/users/ada", 204, headers=root)
    plain_bench.get("/v1/threads", 401, headers=bearer(new))
    plain_bench.call("DELETE", "/v1/users/ada", 404, headers=root)
    entries = plain_bench.get("/v1/audit", headers=root)["entries"]
    done = [e for e in entries if e["action"].startswith("user.")]
    assert [e["action"] for e in reversed(done)] == [
        *("user.added", "user.added", "user.rotated", "user.removed")
    ]
    assert done[0]["details"] == {"user": "ada", "by": "root"}
    assert old not in str(entries)


def test_the_last_owner_is_not_locked_out_however_many_try_at_once(
    plain_bench: ServiceBench, root: dict[str, str]
) -> None:
    refused = plain_bench.call("DELETE", "/v1/users/root", 409, headers=root)["error"]
    assert "only owner" in refused["message"]
    names = [f"owner-{n}" for n in range(6)]
    for name in names:
        plain_bench.post("/v1/users", {"name": name, "owner": True}, 201, headers=root)
    together = threading.Barrier(len(names) + 1)

    def remove(name: str) -> int:
        with httpx.Client(base_url=plain_bench.url, headers=root, trust_env=False) as http:
            together.wait()
            return http.delete(f"/v1/users/{name}").status_code

    with ThreadPoolExecutor(len(names) + 1) as pool:
        statuses = list(pool.map(remove, ["root", *names]))
    left = [a.name for a in plain_bench.app.users.accounts() if a.owner]
    assert left
    assert len(left) == len(statuses) - statuses.count(204)


def test_others_cannot_look_at_users_nor_make_themselves_owners(
    plain_bench: ServiceBench, root: dict[str, str]
) -> None:
    ada = bearer(plain_bench.post("/v1/users", {"name": "ada"}, 201, headers=root)["key"])
    for method, path in (
        ("GET", "/v1/users"),
        ("POST", "/v1/users"),
        ("POST", "/v1/users/ada/key"),
        ("DELETE", "/v1/users/root"),
    ):
        body = {"name": "eve", "owner": True} if path == "/v1/users" else None
        reply = plain_bench.http.request(method, path, json=body, headers=ada)
        assert reply.status_code == 403
    assert [a.name for a in plain_bench.app.users.accounts()] == ["ada", "root"]


@pytest.mark.parametrize("name", ["", "Ada", "../x", "a b", "a" * 33, "ada\n", "ｒoot"])
def test_what_cannot_be_a_name_is_refused_in_words(
    plain_bench: ServiceBench, root: dict[str, str], name: str
) -> None:
    refused = plain_bench.post("/v1/users", {"name": name}, 400, headers=root)["error"]
    assert "cannot name a user" in refused["message"]


def test_a_name_that_is_taken_or_is_a_collection_s_is_refused(
    plain_bench: ServiceBench, root: dict[str, str]
) -> None:
    plain_bench.post("/v1/users", {"name": "root"}, 409, headers=root)
    claim(plain_bench.app.catalog.database, Person("bob"), "ada/papers")
    refused = plain_bench.post("/v1/users", {"name": "ada"}, 409, headers=root)["error"]
    assert "'ada/papers'" in refused["message"]
