"""The status as a session sees it, against the fake service."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.asking import Opener, has_button, press
from tests.ui.conftest import until, words
from tests.ui.fake_service import FakeService

MODEL = "the server at http://127.0.0.1:8000/v1 does not answer: nothing listens there"


def said(page: AppTest) -> str:
    headers = "\n".join(header.value for header in page.header)
    return f"{headers}\n{words(page)}".replace("\\", "").replace("\u2060", "")


def codes(page: AppTest) -> list[str]:
    return [element.value for element in page.code]


def add(page: AppTest, name: str) -> AppTest:
    page.text_input(key="new-user").set_value(name)
    return press(page, "Make a key")


def test_the_status_names_engine_encoder_index_memory_and_home(open_page: Opener) -> None:
    page = open_page(view="status")
    for word in ("All is well", "llama", "Reachable since", "MiniLM", "share/alcove",
                 "The library holds"):  # fmt: skip
        assert word in said(page), word
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures == {
        "Documents": "5", "Passages searched": "1,284", "Index on disk": "5 MB", "Memory": "1.2 GB",
    }  # fmt: skip
    assert codes(page)[:2] == ["alcove models pull e5-base-v2", "alcove reindex"]


def test_what_is_wrong_comes_first_with_the_command_to_copy(
    fake: FakeService, open_page: Opener
) -> None:
    fake.store.findings = [
        ("quarantine", "advice", "'/q' holds what was damaged", "delete it when you have looked"),
        ("index", "bad", "'x' does not match its checksum", "run `alcove doctor --repair`"),
    ]
    page = open_page(view="status")
    text = said(page)
    assert "1 thing needs you" in text
    assert text.index("Index** · Wrong") < text.index("Quarantine** · Advice")
    assert "alcove doctor --repair" in codes(page)
    assert "**Next:** Delete it when you have looked" in text


def test_an_engine_that_goes_away_and_comes_back_is_told_without_a_reload(
    fake: FakeService, open_page: Opener
) -> None:
    page = open_page(view="status")
    assert "All is well" in said(page)
    fake.store.trouble["language model"] = ("bad", MODEL, "start it, or set llm.url")
    until(page, lambda p: "Does not answer since" in said(p))
    assert "nothing listens there" in said(page)
    assert "alcove up --llm URL" in codes(page)
    fake.store.trouble.clear()
    until(page, lambda p: "Reachable since" in said(p))


def test_advice_from_documents_is_data(fake: FakeService, open_page: Opener) -> None:
    fake.store.findings = [
        ("original", "bad", "the copy of '![x](http://evil.test)' is damaged", "")
    ]
    page = open_page(view="status")
    assert "![x](http" not in words(page)
    assert "\\!\\[x\\]" in words(page)


def test_a_job_is_shown_with_how_far_it_is_and_can_be_cancelled(
    fake: FakeService, open_page: Opener
) -> None:
    fake.store.jobs["j1"] = {
        "id": "j1", "state": "running", "done": 3, "total": 10, "files": [], "error": None,
    }  # fmt: skip
    page = open_page(view="status")
    assert "Running · Reading documents into papers" in said(page)
    press(page, "Cancel")
    assert fake.store.jobs["j1"]["state"] == "cancelled"
    until(page, lambda p: "Cancelled · Reading" in said(p))


def test_the_first_key_signs_its_owner_in_and_is_shown_until_it_is_put_away(
    fake: FakeService, open_page: Opener
) -> None:
    page = open_page(view="status")
    assert "Nobody needs a key" in said(page)
    add(page, "Grace")
    secret = fake.store.users["grace"]["secret"]
    assert fake.store.users["grace"]["owner"]
    assert secret in codes(page)
    assert "grace** · :material/shield_person: owner · you" in said(page)
    press(page, "Put it away")
    assert secret not in codes(page)
    assert "Sign in" in [s.value for s in open_page(view="status").subheader]


def test_somebody_is_let_in_and_no_more(fake: FakeService, open_page: Opener) -> None:
    page = open_page(view="status")
    add(page, "grace")
    add(page, "ada")
    assert not fake.store.users["ada"]["owner"]
    assert fake.store.users["ada"]["secret"] in codes(page)
    add(page, "a b")
    assert "cannot name a user" in said(page)
    page.session_state["alcove"].status.put_away()
    until(page.run(), has_button("Make a key"))
    assert fake.store.users["ada"]["secret"] not in codes(page)


def test_who_is_not_the_owner_sees_in_words_what_concerns_them(
    fake: FakeService, open_page: Opener
) -> None:
    fake.store.person = "ada"
    page = open_page(view="status")
    text = said(page)
    assert "Alcove is ready" in text
    assert "You can read" in text
    assert "the owner's to see" in text
    for hidden in ("Users and keys", "share/alcove", "127.0.0.1", "Memory", "doctor"):
        assert hidden not in text
    fake.store.trouble["language model"] = ("bad", MODEL, "start it")
    until(page, lambda p: "The language model does not answer" in said(p))
