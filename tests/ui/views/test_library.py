"""The library as a session sees it, against the fake service."""

from __future__ import annotations

from pathlib import Path

import corpus
from tests.ui.asking import Opener, ask, has_button
from tests.ui.conftest import until, words

SAMPLE = Path(corpus.__file__).parent / "sample"


def test_the_library_lists_every_document_with_its_state(open_page: Opener) -> None:
    page = open_page(view="library")
    table = page.dataframe[0].value
    assert list(table["State"]) == ["Ready", "Ready", "Ready", "Locked", "Partly read"]
    assert table["Reason"][3] == "The file asks for a password."


def test_documents_are_filtered_by_state_and_name(open_page: Opener) -> None:
    page = open_page(view="library")
    page.pills(key="state-filter").set_value("Locked").run()
    assert list(page.dataframe[0].value["Document"]) == ["contract-sealed.pdf"]
    page.pills(key="state-filter").set_value("All").run()
    page.text_input(key="find").set_value("INVOICE").run()
    assert list(page.dataframe[0].value["Document"]) == ["Invoice 2026-114"]


def test_uploaded_files_end_in_states_one_can_read(open_page: Opener) -> None:
    page = open_page(view="library")
    files = [
        ("notes.txt", b"The canteen opens at noon.", "text/plain"),
        ("empty.txt", b"", "text/plain"),
    ]
    page.file_uploader[0].set_value(files).run()
    page.button(key="upload").click().run()
    until(page, has_button("Dismiss"))
    assert "notes\\.txt · **Ready**" in words(page)
    assert "empty\\.txt · **No text** The file is empty\\." in words(page)
    assert len(page.dataframe[0].value) == 7


def test_what_was_uploaded_can_be_asked_about(open_page: Opener) -> None:
    page = open_page(view="library")
    page.file_uploader[0].set_value([("c.txt", b"The canteen opens at noon.", "text/plain")]).run()
    page.button(key="upload").click().run()
    until(page, has_button("Dismiss"))
    page.button(key="new-chat").click().run()
    until(ask(page, "When does the canteen open at noon?"), has_button("c\\.txt"))
