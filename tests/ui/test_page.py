"""The page as a session sees it, run by Streamlit's own test runner against the fake service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

import corpus
from corpus.questions import load_questions
from tests.ui.conftest import prose, until, words
from tests.ui.fake_papers import papers, read_upload
from tests.ui.fake_service import FakeService
from ui.views.chat import EXAMPLES

Opener = Callable[..., AppTest]
SAMPLE = Path(corpus.__file__).parent / "sample"
QUESTION = "How much memory does a 70B model need in FP4?"
ANSWER = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4. [1]"


def _ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input(key="prompt").set_value(question).run()


def _has_button(name: str) -> Callable[[AppTest], bool]:
    return lambda page: any(name in b.label for b in page.button)


def _press(page: AppTest, name: str) -> AppTest:
    return next(b for b in page.button if name in b.label).click().run()


def _answered(page: AppTest, question: str = QUESTION) -> AppTest:
    return until(_ask(page, question), _has_button("quantization"))


def test_the_empty_page_teaches_with_four_questions(open_page: Opener) -> None:
    page = open_page()
    assert not page.exception
    assert len([b for b in page.button if (b.key or "").startswith("example-")]) == 4
    assert "5 documents" in words(page)


def test_without_documents_the_page_points_to_the_library(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.papers.clear()
    page = open_page()
    assert "**Library**" in words(page)
    assert not any((b.key or "").startswith("example-") for b in page.button)


def test_an_example_is_asked_when_pressed(open_page: Opener) -> None:
    page = open_page()
    page.button(key="example-0").click().run()
    assert prose(page, "question") == [EXAMPLES[0]]


def test_the_sample_answers_every_example() -> None:
    known = load_questions(SAMPLE / "questions.jsonl").questions
    assert set(EXAMPLES) <= {q.text for q in known if q.answerable}


def test_an_answer_has_its_citations_and_says_who_wrote_it(open_page: Opener) -> None:
    page = _answered(open_page())
    assert prose(page, "answer")[0].startswith(ANSWER)
    assert any("p. 2" in b.label for b in page.button)
    assert "Written by llama" in words(page)


def test_sentences_that_no_document_carries_are_marked(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.say, fake.store.doubted = "One is true [1]. Two is not.", ((17, 28),)
    page = _answered(open_page())
    assert "Marked sentences are not carried by the documents." in words(page)
    fake.store.doubted = ()
    again = open_page(thread=page.query_params["thread"])
    assert "Marked sentences are not carried by the documents." in words(again)  # as it was stored


def test_an_answer_that_is_carried_says_nothing_of_marks(open_page: Opener) -> None:
    assert "Marked sentences" not in words(_answered(open_page()))


def test_the_extractive_engine_is_labelled(open_page: Opener, fake: FakeService) -> None:
    fake.store.engine = "extractive"
    page = _answered(open_page())
    assert "no language model" in words(page)
    assert page.segmented_control(key="mode").disabled


def test_a_reload_brings_the_conversation_back(open_page: Opener) -> None:
    first = _answered(open_page())
    again = open_page(thread=first.query_params["thread"])
    assert prose(again, "answer")[0].startswith(ANSWER)


def test_a_reload_in_the_middle_shows_the_whole_answer(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.pace = 0.05
    first = _ask(open_page(), QUESTION)
    again = open_page(thread=first.query_params["thread"])
    assert again.button(key="stop")
    until(again, _has_button("quantization"))
    assert prose(again, "answer")[0].startswith(ANSWER)


def test_clicking_about_in_the_middle_loses_nothing(open_page: Opener, fake: FakeService) -> None:
    fake.store.pace = 0.05
    page = _ask(open_page(), QUESTION)
    for _ in range(5):
        page.button(key="nav-library").click().run()
        page.button(key="nav-chat").click().run()
    until(page, _has_button("quantization"))
    assert prose(page, "answer")[0].startswith(ANSWER)
    assert prose(page, "question") == [QUESTION]


def test_a_stopped_answer_says_so_and_shows_its_passages(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.pace = 0.3
    page = _ask(open_page(), QUESTION)
    page.button(key="stop").click().run()
    until(page, lambda p: "Stopped before its end" in words(p))
    assert page.expander[0].label == "The 5 passages that were found"


def test_a_failed_answer_gives_the_reason_and_the_passages(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.fail_with = "The model's server refused; start it and ask again."
    page = until(_ask(open_page(), QUESTION), lambda p: "could not be completed" in words(p))
    assert "start it and ask again" in words(page)
    assert _has_button("quantization")(page)


def test_a_refusal_looks_like_one_and_names_what_is_nearest(open_page: Opener) -> None:
    page = until(
        _ask(open_page(), "Who won the football cup in 1974?"), lambda p: "don't say" in words(p)
    )
    assert [b for b in page.button if (b.key or "").startswith("nearest-")]
    assert "Written by" not in words(page)


def test_the_steps_of_the_agent_are_folded_beside_the_answer(open_page: Opener) -> None:
    page = open_page()
    page.segmented_control(key="mode").set_value("agent").run()
    _answered(page)
    assert page.expander[0].label == "1 step"
    assert QUESTION in prose(page, "log")[0]


NOTE = "Please write it down: a 70B model needs 140 GB."


def _asked(page: AppTest) -> AppTest:
    return until(_ask(page, NOTE), _has_button("Approve"))


def test_a_call_that_waits_is_shown_exactly_and_approved_in_the_page(
    open_page: Opener, fake: FakeService
) -> None:
    page = _asked(open_page())
    assert "May the agent write a note?" in words(page)
    assert NOTE in prose(page, "log")
    assert "1 January 2099" in words(page) or "December 2098" in words(page)
    _press(page, "Approve")
    until(page, lambda p: "You approved" in words(p))
    (approval,) = fake.store.approvals.values()
    assert (approval["verdict"], approval["arguments"]["text"]) == ("approve", NOTE)
    assert not page.exception


def test_a_call_is_rejected_with_a_reason(open_page: Opener, fake: FakeService) -> None:
    page = _asked(open_page())
    next(i for i in page.text_input if (i.key or "").startswith("reason-")).set_value("not now")
    next(b for b in page.button if (b.key or "").startswith("reject-")).click().run()
    until(page, lambda p: "You rejected" in words(p))
    (approval,) = fake.store.approvals.values()
    assert (approval["verdict"], approval["reason"]) == ("reject", "not now")


def test_edited_arguments_are_sent_and_what_is_no_json_is_not(
    open_page: Opener, fake: FakeService
) -> None:
    page = _asked(open_page())
    area = next(a for a in page.text_area if (a.key or "").startswith("arguments-"))
    area.set_value("{oops")
    _press(page, "as edited")
    (approval,) = fake.store.approvals.values()
    assert approval["verdict"] == ""
    area = next(a for a in page.text_area if (a.key or "").startswith("arguments-"))
    area.set_value('{"title": "Noted", "text": "140 GB"}')
    _press(page, "as edited")
    until(page, lambda p: "You approved" in words(p))
    assert approval["arguments"] == {"title": "Noted", "text": "140 GB"}


def test_a_reload_finds_the_open_question(open_page: Opener, fake: FakeService) -> None:
    _asked(open_page())
    (thread,) = fake.store.threads
    page = until(open_page(thread=thread), _has_button("Approve"))
    assert "Waiting for your decision" in words(page)


def test_the_chosen_mode_is_kept_on_the_way_through_the_library(open_page: Opener) -> None:
    page = open_page()
    page.segmented_control(key="mode").set_value("agent").run()
    page.button(key="nav-library").click().run()
    page.button(key="nav-chat").click().run()
    assert page.segmented_control(key="mode").value == "agent"


def test_a_chosen_collection_that_goes_away_is_no_longer_chosen(
    open_page: Opener, fake: FakeService
) -> None:
    paper = read_upload("c.txt", b"The canteen opens at noon.", "kitchen")
    fake.store.papers[paper.id] = paper
    page = open_page()
    page.selectbox(key="collection").set_value("kitchen").run()
    fake.store.papers = {p.id: p for p in papers()}
    extra = read_upload("d.txt", b"Another.", "cellar")
    fake.store.papers[extra.id] = extra
    st.cache_data.clear()
    assert not page.run().exception
    assert page.selectbox(key="collection").value is None


def test_a_slash_command_is_a_run_like_any_other(open_page: Opener) -> None:
    page = until(_ask(open_page(), "/search cold start of vLLM"), lambda p: bool(p.expander))
    assert prose(page, "question") == ["/search cold start of vLLM"]


def test_a_citation_opens_the_page_it_stands_on(open_page: Opener) -> None:
    page = _press(_answered(open_page()), "quantization")
    assert "Source 1 · quantization\\-formats\\.pdf · page 2 of 3" in words(page)
    assert len(page.image) == 1
    assert prose(page, "quote") == [
        "<A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4.>"
    ]


def test_one_steps_from_citation_to_citation_and_out(open_page: Opener) -> None:
    page = _press(_answered(open_page()), "quantization")
    page.button(key="next-source").click().run()
    assert "Source 2 ·" in words(page)
    page.button(key="next-source").click().run()
    assert "Source 1 ·" in words(page)
    page.button(key="close-viewer").click().run()
    assert "Source" not in words(page)


def test_one_turns_the_pages_of_the_source(open_page: Opener) -> None:
    page = _press(_answered(open_page()), "quantization")
    page.button(key="page-after").click().run()
    assert "page 3 of 3" in words(page)
    assert page.button(key="page-after").disabled


def test_a_source_without_pages_opens_as_text_with_the_span_marked(open_page: Opener) -> None:
    page = until(_ask(open_page(), "When does the nightly backup start?"), _has_button("backups"))
    _press(page, "backups")
    span = "<The nightly backup of the catalog starts at 02:30 and keeps fourteen days.>"
    assert span in prose(page, "source")[0]
    assert prose(page, "source")[0].startswith("# Backups")


def test_a_removed_source_shows_the_quote_that_was_kept(
    open_page: Opener, fake: FakeService
) -> None:
    page = _answered(open_page())
    fake.store.papers.clear()
    _press(page, "quantization")
    assert "no longer in the library" in words(page)
    assert prose(page, "source")[0].startswith("<A 70B model")


def test_conversations_are_listed_opened_and_left(open_page: Opener) -> None:
    page = _answered(open_page())
    page.button(key="new-chat").click().run()
    assert page.title[0].value == "What do you want to know?"
    assert "thread" not in page.query_params
    _press(page, "How much memory does a 70B model need in FP4\\?")
    page.sidebar.button[-1].click().run()
    assert prose(page, "question") == [QUESTION]


def test_an_address_of_a_conversation_that_is_gone_opens_an_empty_page(open_page: Opener) -> None:
    page = open_page(thread="nope")
    assert "no longer exists" in page.toast[0].value
    assert page.title[0].value == "What do you want to know?"


def test_a_title_full_of_markup_is_shown_as_it_was_typed(
    open_page: Opener, fake: FakeService
) -> None:
    page = _ask(open_page(), "![x](https://example.org/p.png) <b>:red[hi]</b>")
    until(page, lambda p: not any(r.state == "running" for r in fake.store.runs.values()))
    title = page.sidebar.button[-1].label
    assert "\\!\\[x\\]\\(https" in title
    assert "https\\://" not in title


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
    until(page, _has_button("Dismiss"))
    assert "notes\\.txt · **Ready**" in words(page)
    assert "empty\\.txt · **No text** The file is empty\\." in words(page)
    assert len(page.dataframe[0].value) == 7


def test_what_was_uploaded_can_be_asked_about(open_page: Opener) -> None:
    page = open_page(view="library")
    page.file_uploader[0].set_value([("c.txt", b"The canteen opens at noon.", "text/plain")]).run()
    page.button(key="upload").click().run()
    until(page, _has_button("Dismiss"))
    page.button(key="new-chat").click().run()
    until(_ask(page, "When does the canteen open at noon?"), _has_button("c\\.txt"))


def test_the_status_names_engine_encoder_and_home(open_page: Opener) -> None:
    page = open_page(view="status")
    assert "llama" in words(page)
    assert "MiniLM" in words(page)
    assert "alcove models pull" in words(page).replace("\\", "")
    assert "share/alcove" in words(page).replace("\\", "")


def test_while_the_service_is_away_the_page_says_so_and_comes_back(
    open_page: Opener, fake: FakeService
) -> None:
    page = _answered(open_page())
    fake.stop()
    page.run()
    assert page.subheader[0].value == "Alcove is not answering"
    assert not page.exception
    fake.start()
    page.run()
    assert prose(page, "answer")[0].startswith(ANSWER)


def test_a_page_that_is_opened_during_an_outage_says_so(
    open_page: Opener, fake: FakeService
) -> None:
    fake.stop()
    page = open_page()
    assert "Nothing is lost" in words(page)
    fake.start()
    assert page.run().title[0].value == "What do you want to know?"
