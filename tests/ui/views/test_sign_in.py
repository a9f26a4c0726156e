"""Where the service asks for a key, the page asks for it, says who is signed in, and forgets it on the way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import words
from tests.ui.fake_service import FakeService
from ui.api.client import Service
from ui.settings import page_settings

Opener = Callable[..., AppTest]
KEY = "alcove_" + "k" * 43


@pytest.fixture
def locked(fake: FakeService) -> FakeService:
    fake.store.key, fake.store.person = KEY, "ada"
    return fake


def sign_in(page: AppTest, key: str) -> AppTest:
    page.text_input(key="sign-in-key").set_value(key)
    (button,) = (b for b in page.button if b.label == "Sign in")
    return button.click().run()


def test_the_page_asks_for_the_key_and_shows_nothing_else(
    open_page: Opener, locked: FakeService
) -> None:
    page = open_page()
    assert "Sign in" in words(page)
    assert page.text_input(key="sign-in-key").proto.type == page.text_input[0].proto.PASSWORD
    assert "New chat" not in words(page)


def test_a_right_key_opens_it_until_signing_out(open_page: Opener, locked: FakeService) -> None:
    page = sign_in(open_page(), KEY)
    assert "Signed in as ada" in words(page)
    page.button(key="sign-out").click().run()
    assert page.text_input(key="sign-in-key")
    assert page.text_input(key="sign-in-key").value == ""
    assert "alcove-service" not in page.session_state


def test_a_wrong_key_is_said_to_be_wrong(open_page: Opener, locked: FakeService) -> None:
    page = sign_in(open_page(), "alcove_wrong")
    assert any("does not know this key" in error.value for error in page.error)


def test_another_session_is_not_signed_in(open_page: Opener, locked: FakeService) -> None:
    page = sign_in(open_page(), KEY)
    assert open_page().text_input(key="sign-in-key")
    page.button(key="sign-out").click().run()


def test_a_key_from_the_environment_is_sent(locked: FakeService) -> None:
    settings = page_settings(["--service", locked.url], {"ALCOVE_API_KEY": KEY})
    assert KEY not in repr(settings)
    service = Service(settings)
    assert service.me()["name"] == "ada"
    service.close()
