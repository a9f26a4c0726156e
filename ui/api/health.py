"""The page's way to how the service is, and to who may use it: their part of the HTTP API.

Errors are those of ``ui.api.client``. Knows nothing of Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, cast

from ui.api.client import Service
from ui.api.wire import CollectionJson

__all__ = [
    "CheckJson",
    "DoctorJson",
    "EncoderJson",
    "EngineJson",
    "HealthService",
    "IndexJson",
    "JobBriefJson",
    "MemoryJson",
    "NewKeyJson",
    "OverviewJson",
    "PartJson",
    "UserJson",
    "Watching",
]


class _EngineJson(TypedDict):
    name: str
    model: str
    url: str
    label: str
    reachable: bool | None


class EngineJson(_EngineJson, total=False):
    """What writes answers; the rest is told of a server, and to the owner. Moments are ISO 8601."""

    since: str | None
    asked: str | None
    said: str
    models: list[str]
    took_ms: float | None


class _EncoderJson(TypedDict):
    name: str
    dimension: int
    note: str


class EncoderJson(_EncoderJson, total=False):
    """What documents are searched with; ``why`` it was taken is the owner's to know."""

    why: str


class IndexJson(TypedDict):
    """How large the live index is; ``kind`` says how it is searched."""

    chunks: int
    vectors: int
    bytes: int
    kind: str


class MemoryJson(TypedDict):
    """Bytes that the service takes, and that are left; null where the system does not tell."""

    process_bytes: int | None
    available_bytes: int | None


class PartJson(TypedDict):
    """A part of the service: ``state`` is good, advice or bad."""

    name: str
    state: str
    about: str
    advice: str


class JobBriefJson(TypedDict):
    """A job without its files; ``created`` in seconds since 1970."""

    id: str
    kind: str
    collection: str
    state: str
    created: float
    done: int
    total: int
    eta_s: float | None
    error: str | None


class _OverviewJson(TypedDict):
    version: str
    started: str
    home: str
    snapshot: int | None
    ready: bool
    engine: EngineJson
    encoder: EncoderJson
    collections: list[CollectionJson]
    states: dict[str, int]
    jobs: list[JobBriefJson]


class OverviewJson(_OverviewJson, total=False):
    """What runs, and what it holds; these keys are told to the owner alone."""

    index: IndexJson | None
    memory: MemoryJson
    parts: list[PartJson]


class CheckJson(TypedDict):
    """What the doctor found of one part: ``state`` is good, advice or bad."""

    name: str
    state: str
    finding: str
    advice: str


class DoctorJson(TypedDict):
    """The doctor's last look, ``checked`` when it ended; the first one as far as it is."""

    checks: list[CheckJson]
    checked: str | None
    looking: bool


class UserJson(TypedDict):
    """Who has a key; ``key`` is the beginning of it."""

    name: str
    owner: bool
    key: str
    created: str


class NewKeyJson(TypedDict):
    """A key, as the service tells it once."""

    name: str
    key: str


@dataclass
class Watching:
    """What one session does on the view of the status: ``key`` is one that was just made, until it is put away."""

    key: NewKeyJson | None = None

    def put_away(self) -> None:
        """Forget the key."""
        self.key = None


class HealthService:
    """The routes of status, doctor and users."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def overview(self) -> OverviewJson:
        """How the service is now."""
        return cast(OverviewJson, self._service.ask_json("GET", "/v1/status"))

    def doctor(self) -> DoctorJson:
        """What the doctor found lately; the owner's."""
        return cast(DoctorJson, self._service.ask_json("GET", "/v1/doctor"))

    def look_again(self) -> None:
        """Have the doctor look at everything anew."""
        self._service.call("POST", "/v1/doctor")

    def cancel_job(self, job: str) -> None:
        """Stop a job after the file it is at."""
        self._service.call("POST", f"/v1/jobs/{job}/cancel")

    def users(self) -> list[UserJson]:
        """Everybody who has a key; nobody: none is asked for."""
        return cast(list[UserJson], self._service.ask_json("GET", "/v1/users")["users"])

    def add_user(self, name: str, owner: bool) -> NewKeyJson:
        """Let somebody in."""
        body = {"name": name, "owner": owner}
        return cast(NewKeyJson, self._service.ask_json("POST", "/v1/users", json=body))

    def new_key(self, name: str) -> NewKeyJson:
        """Give somebody a new key; the old one is refused from now on."""
        return cast(NewKeyJson, self._service.ask_json("POST", f"/v1/users/{name}/key"))

    def remove_user(self, name: str) -> None:
        """Let somebody in no more."""
        self._service.call("DELETE", f"/v1/users/{name}")
