"""The library as a session sees it, against the fake service."""

from __future__ import annotations

from io import BytesIO

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.asking import Opener, ask, has_button
from tests.ui.conftest import drawn, until, words
from tests.ui.fake_papers import Paper
from tests.ui.fake_service import FakeService
from ui.api.shelf import ROWS

FILES = [
    ("notes.txt", b"The canteen opens at noon.", "text/plain"),
    ("empty.txt", b"", "text/plain"),
    ("plan.xyz", b"?", "application/octet-stream"),
]


def shelf(page: AppTest) -> object:
    return page.session_state["alcove"].shelf


def table(page: AppTest) -> dict[str, dict[str, str]]:
    """The rows of the list by title."""
    return {row["title"]: row for row in drawn(page, "table")[0]["rows"]}


def add(page: AppTest, files: list[tuple[str, bytes, str]] = FILES) -> AppTest:
    page.file_uploader[0].set_value(files).run()
    page.button(key="upload").click().run()
    return until(page, has_button("Dismiss"))


def id_of(fake: FakeService, title: str) -> str:
    return next(p.id for p in fake.store.papers.values() if p.title == title)


def look_into(page: AppTest, id: str) -> AppTest:
    page.session_state["alcove"].shelf.open(id)
    return page.run()


def test_every_document_is_listed_with_its_state_and_the_reason(open_page: Opener) -> None:
    rows = table(open_page(view="library"))
    states = {title: row["state"] for title, row in rows.items()}
    assert states["contract-sealed.pdf"] == "Locked"
    assert states["whiteboard.png"] == "Partly read"
    assert list(states.values()).count("Ready") == 3
    assert rows["contract-sealed.pdf"]["reason"] == "The file asks for a password."


def test_documents_are_found_by_state_and_by_name(open_page: Opener) -> None:
    page = open_page(view="library")
    page.pills(key="find-state").set_value("Locked").run()
    assert list(table(page)) == ["contract-sealed.pdf"]
    page.pills(key="find-state").set_value("All").run()
    page.text_input(key="find").set_value("INVOICE").run()
    assert list(table(page)) == ["Invoice 2026-114"]
    page.text_input(key="find").set_value("no such words").run()
    page.button(key="show-all").click().run()
    assert len(table(page)) == 5


def test_a_long_list_comes_in_pages(fake: FakeService, open_page: Opener) -> None:
    for n in range(60):
        paper = Paper(f"reports/{n:03}.md", f"Report {n}", "It says so.", "text/markdown")
        fake.store.papers[paper.id] = paper
    page = open_page(view="library")
    assert len(table(page)) == ROWS
    assert "1 to 50 of 65 documents" in words(page)
    page.button(key="page-after").click().run()
    assert len(table(page)) == 65 - ROWS
    page.button(key="page-before").click().run()
    assert len(table(page)) == ROWS


def test_an_empty_library_teaches(fake: FakeService, open_page: Opener) -> None:
    fake.store.papers.clear()
    assert "Nothing here yet" in words(open_page(view="library"))


def test_uploaded_files_end_in_states_with_what_to_do_the_bad_ones_first(
    open_page: Opener,
) -> None:
    page = add(open_page(view="library"))
    (files,) = drawn(page, "files")
    told = [(file["name"], file["state"]) for file in files["items"]]
    assert told[-1] == ("notes.txt", "Ready")
    assert set(told[:2]) == {("empty.txt", "No text"), ("plan.xyz", "Unknown format")}
    assert all(
        "Add a version" in f["words"] or "Save it as" in f["words"] for f in files["items"][:2]
    )
    assert "Ready 1" in words(page)
    assert len(table(page)) == 8


def test_of_many_files_a_few_are_shown_at_once(fake: FakeService, open_page: Opener) -> None:
    fake.store.reading_s = 0.0
    many = [(f"{n}.txt", b"It says so." if n else b"", "text/plain") for n in range(50)]
    page = add(open_page(view="library"), many)
    (files,) = drawn(page, "files")
    assert len(files["items"]) == 20
    assert files["items"][0]["name"] == "0.txt"
    page.button(key="upload-at-0-right").click().run()
    assert "21 to 40 of 50" in words(page)


def test_what_was_uploaded_can_be_asked_about(open_page: Opener) -> None:
    page = add(open_page(view="library"), [("c.txt", b"The canteen opens at noon.", "text/plain")])
    page.button(key="new-chat").click().run()
    until(ask(page, "When does the canteen open at noon?"), has_button("c\\.txt"))


def test_files_added_while_the_service_is_away_are_sent_when_it_is_back(
    fake: FakeService, open_page: Opener
) -> None:
    page = open_page(view="library")
    page.file_uploader[0].set_value(FILES).run()
    fake.stop()
    page.button(key="upload").click().run()
    assert "Alcove is not answering" in words(page)
    fake.start()
    until(page.run(), has_button("Dismiss"))
    assert len(table(page)) == 8


def test_files_that_are_chosen_survive_an_outage(fake: FakeService, open_page: Opener) -> None:
    page = open_page(view="library")
    page.file_uploader[0].set_value(FILES).run()
    fake.stop()
    page.run()
    fake.start()
    page.run()
    assert "3 files" in words(page)
    page.button(key="upload").click().run()
    until(page, has_button("Dismiss"))


def test_a_document_shows_how_its_pages_were_read_its_text_and_its_chunks(
    fake: FakeService, open_page: Opener
) -> None:
    page = look_into(
        open_page(view="library"), id_of(fake, "Quantization formats for local inference")
    )
    (pages,) = drawn(page, "pages")
    assert pages["words"] == "3 pages from the text layer"
    assert len(pages["bars"]) == 3
    page.segmented_control(key="document-part").set_value("chunks").run()
    (chunks,) = drawn(page, "chunks")
    assert chunks["items"][0]["text"].startswith("NVFP4 stores weights")
    assert "page 1" in chunks["items"][0]["facts"]
    page.segmented_control(key="document-part").set_value("about").run()
    assert ["Collection", "sample"] in drawn(page, "facts")[0]["items"]


def test_the_address_leads_back_to_an_open_document(fake: FakeService, open_page: Opener) -> None:
    id = id_of(fake, "Quantization formats for local inference")
    page = look_into(open_page(view="library"), id)
    assert page.query_params["document"] == id
    again = open_page(view="library", document=id)
    assert again.subheader[0].value == "Quantization formats for local inference"
    assert "document" not in again.button(key="back-to-list").click().run().query_params


def test_a_document_is_cut_anew_with_another_strategy(fake: FakeService, open_page: Opener) -> None:
    page = look_into(open_page(view="library"), id_of(fake, "Backups of the inference box"))
    page.button(key="cut-anew").click().run()
    page.selectbox(key="cut-strategy").set_value("fixed").run()
    page.button(key="cut").click().run()
    until(page, lambda p: any("Cut anew" in one.value for one in p.success))
    assert len(drawn(page, "chunks")[0]["items"]) == 1
    assert "cut by fixed" in words(page)


def test_deleting_is_undone(fake: FakeService, open_page: Opener) -> None:
    page = open_page(view="library")
    page.session_state["alcove"].shelf.leaving = (
        (id_of(fake, "Invoice 2026-114"), "Invoice 2026-114"),
        (id_of(fake, "whiteboard.png"), "whiteboard.png"),
    )
    page.run()
    assert len(table(page)) == len(fake.store.papers) == 3
    assert "2 documents were deleted" in words(page)
    next(b for b in page.button if b.label == "Undo").click().run()
    assert len(table(page)) == len(fake.store.papers) == 5


def test_what_cannot_be_deleted_is_said_and_the_rest_is(
    fake: FakeService, open_page: Opener
) -> None:
    page = open_page(view="library")
    page.session_state["alcove"].shelf.leaving = (
        ("gone-already", "A note"),
        (id_of(fake, "whiteboard.png"), "whiteboard.png"),
    )
    page.run()
    assert "Not deleted: “A note”" in words(page)
    assert "whiteboard.png" not in table(page)


def test_duplicates_lead_to_each_other(fake: FakeService, open_page: Opener) -> None:
    twin = Paper("copy.md", "A copy", "x", "text/markdown", "other", original=b"same")
    other = Paper("first.md", "The first", "x", "text/markdown", "other", original=b"same")
    fake.store.papers |= {twin.id: twin, other.id: other}
    page = open_page(view="library")
    assert "same as another" in table(page)["A copy"]["sub"]
    look_into(page, twin.id).segmented_control(key="document-part").set_value("about").run()
    page.button(key=f"alike-{other.id}").click().run()
    assert "The first" in words(page)


def test_collections_lead_to_their_documents(open_page: Opener) -> None:
    page = open_page(view="library")
    page.segmented_control(key="library-part").set_value("collections").run()
    assert "5 documents" in words(page)
    page.button(key="show-sample").click().run()
    assert len(table(page)) == 5


def test_where_no_folder_may_be_watched_the_setting_is_named(open_page: Opener) -> None:
    page = open_page(view="library")
    page.segmented_control(key="library-part").set_value("folders").run()
    assert page.code[0].value == '[ingest]\nfolders = ["/home/you/Documents"]'


def test_a_folder_is_watched_and_watched_no_more(fake: FakeService, open_page: Opener) -> None:
    fake.store.allowed = ["/srv/papers"]
    page = open_page(view="library")
    page.segmented_control(key="library-part").set_value("folders").run()
    page.text_input(key="watch-path").set_value("/etc").run()
    page.button(key="watch").click().run()
    assert "may not read" in words(page)
    page.text_input(key="watch-path").set_value("/srv/papers/2026").run()
    page.button(key="watch").click().run()
    assert "Watching" in words(page)
    next(b for b in page.button if "unwatch" in (b.key or "")).click().run()
    assert not fake.store.folders


def test_others_than_the_owner_see_no_watched_folders(fake: FakeService, open_page: Opener) -> None:
    fake.store.person = "Ada"
    page = open_page(view="library")
    assert "folders" not in page.segmented_control(key="library-part").options


@pytest.mark.parametrize("name", ["a\nb\u202efdp.exe.txt", "**bold**.txt"])
def test_names_that_would_deceive_are_shown_plainly(open_page: Opener, name: str) -> None:
    page = open_page(view="library")
    files = ((name, BytesIO(b"It says so."), 11),)
    page.session_state["alcove"].shelf.chosen = files
    page.run()
    page.button(key="upload").click().run()
    until(page, has_button("Dismiss"))
    (shown,) = drawn(page, "files")
    assert shown["items"][0]["name"] == name.replace("\n", " ").replace("\u202e", " ")
