"""The page's client of status, doctor and users, against the fake service."""

from __future__ import annotations

import pytest

from corpus.errors import Conflict, NotAllowed, NotFound
from tests.ui.fake_service import FakeService
from ui.api.client import Service
from ui.api.health import HealthService, Watching
from ui.settings import PageSettings


def test_users_come_and_go_and_refusals_keep_their_kind(fake: FakeService, client: Service) -> None:
    health = HealthService(client)
    made = health.add_user("grace", owner=True)
    signed_in = Service(PageSettings(service=fake.url), made["key"])
    health = HealthService(signed_in)
    assert [(u["name"], u["owner"]) for u in health.users()] == [("grace", True)]
    assert health.add_user("ada", owner=False)["name"] == "ada"
    assert health.new_key("ada")["key"].startswith("alcove_")
    health.remove_user("ada")
    with pytest.raises(NotFound):
        health.remove_user("ada")
    with pytest.raises(Conflict, match="only owner"):
        health.remove_user("grace")
    signed_in.close()


def test_others_are_refused(fake: FakeService, client: Service) -> None:
    fake.store.person = "ada"
    with pytest.raises(NotAllowed):
        HealthService(client).users()


def test_a_key_is_held_until_it_is_put_away() -> None:
    held = Watching({"name": "ada", "key": "alcove_x"})
    held.put_away()
    assert held.key is None
