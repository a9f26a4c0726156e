"""What is somebody else's answers exactly like what is not there, at every route of the service."""

from __future__ import annotations

import itertools
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.foreign import COLLECTION, TABLE, Case, Someone, people
from tests.service_bench import ServiceBench, indexed_home

__all__ = ["indexed_home"]

# What differs between two replies that say the same: times, fresh ids and durations.
_PASSING = re.compile(r"[0-9a-f]{32}|[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.+]+|\d+\.\d+(e-\d+)?")


@pytest.fixture
def bench(indexed_home: Path, tmp_path: Path) -> Iterator[ServiceBench]:
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, None)
    made.start()
    yield made
    made.close()


def test_every_route_is_asked(bench: ServiceBench) -> None:
    described = bench.get("/openapi.json")["paths"]
    operations = {f"{m.upper()} {path}" for path, of in described.items() for m in of}
    assert operations == set(TABLE), "give the new route a case in tests/e2e/foreign.py"


@pytest.mark.parametrize(
    "requests", [100, pytest.param(1000, marks=[pytest.mark.full, pytest.mark.timeout(1800)])]
)
def test_nothing_of_others_shows(bench: ServiceBench, requests: int) -> None:
    everyone = people(bench)
    clients = ExitStack()
    for one in everyone:
        clients.callback(one.http.close)
    with clients:
        _check(everyone, requests)


def _check(everyone: list[Someone], requests: int) -> None:
    before = _everything(everyone)
    leaks: list[str] = []
    differences: list[str] = []
    sent = Counter[str]()
    order = random.Random(4711)
    cases = [(route, case) for route, of in TABLE.items() for case in of]
    order.shuffle(cases)
    turns = itertools.cycle(itertools.permutations(everyone, 2))
    for route, case in itertools.cycle(cases):
        asking, other = next(turns)
        if all(sent[one.name] >= requests for one in everyone):
            break
        for reply, difference in _asked(route, case, asking, other):
            sent[asking.name] += 1
            for one in everyone:
                if one is not asking and one.canary in _without_echo(reply, one):
                    leaks.append(f"{route} told {asking.name} of {one.name}: {reply.text[:200]}")
            differences += difference
    assert leaks == []
    assert differences == []
    assert _everything(everyone) == before, "somebody changed what is not theirs"


def _asked(
    route: str, case: Case, asking: Someone, other: Someone
) -> Iterator[tuple[httpx.Response, list[str]]]:
    """The replies to one case: asked with the other's id, it must be as with an id that nobody has."""
    if not case.kind:
        yield case.send(asking, "", ""), []
        return
    foreign = other.ids[case.kind]
    unknown = _unknown(case.kind, foreign, other)
    own = asking.ids["thread"]
    theirs, nobodys = case.send(asking, foreign, own), case.send(asking, unknown, own)
    said = [_plain(theirs, foreign), _plain(nobodys, unknown)]
    yield theirs, [] if said[0] == said[1] else [f"{route}: {said[0]} | {said[1]}"]
    yield nobodys, []


def _unknown(kind: str, like: str, other: Someone) -> str:
    if kind == COLLECTION:
        return f"{other.name}/nothing-of-the-kind"
    return "".join("0" if c in "123456789abcdef" else c for c in like)


def _plain(reply: httpx.Response, id: str) -> tuple[int, str, str]:
    text = _PASSING.sub("~", reply.text.replace(id, "ID"))
    return reply.status_code, reply.headers.get("content-type", ""), text


def _without_echo(reply: httpx.Response, one: Someone) -> str:
    """The reply without the ids that were asked for, which it may name."""
    text = reply.text
    for id in one.ids.values():
        text = text.replace(id, "")
    return text


def _everything(everyone: list[Someone]) -> list[object]:
    """What each of them has, as they see it."""
    seen: list[object] = []
    for one in everyone:
        thread = one.http.get(f"/v1/threads/{one.ids['thread']}").json()
        seen.append((thread["title"], [m["content"] for m in thread["messages"]]))
        seen.append(one.http.get(f"/v1/documents/{one.ids['document']}/text").json())
        seen.append(one.http.get(f"/v1/notes/{one.ids['note']}").json())
        seen.append(
            [m for m in one.http.get("/v1/memories").json()["memories"] if one.canary in m["text"]]
        )
        seen.append(one.http.get(f"/v1/approvals/{one.ids['approval']}").json()["state"])
        assert one.canary in str(seen[-5:])
    return seen
