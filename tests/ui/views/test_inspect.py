"""Looking into a search on the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.asking import Opener, press
from tests.ui.conftest import prose, until, words
from tests.ui.fake_service import FakeService
from ui.kept import forget_documents

QUERY = "How much memory does a 70B model need in FP4?"


def asked(open_page: Opener, query: str = QUERY, **address: str) -> AppTest:
    page = open_page(view="inspect", q=query, **address)
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    """The words on the page without what keeps them from being Markdown."""
    return words(page).replace("\\", "")


def lists(page: AppTest) -> dict[str, list[dict[str, Any]]]:
    """The rows of each list that is drawn."""
    components = page.get("bidi_component")
    drawn = [json.loads(each.proto.json) for each in components if each.proto.json]
    found = [data["lists"] for data in drawn if data.get("kind") == "lists"]
    return {each["id"]: each["rows"] for of in found for each in of}


def test_without_a_query_it_teaches(open_page: Opener) -> None:
    page = open_page(view="inspect")
    assert "Two lists" in said(page)
    assert lists(page) == {}


def test_without_documents_it_says_where_to_add_some(open_page: Opener, fake: FakeService) -> None:
    fake.store.papers.clear()
    page = open_page(view="inspect")
    assert "no documents to search yet" in said(page)


def test_a_query_shows_three_lists_and_the_first_passage(open_page: Opener) -> None:
    page = open_page(view="inspect")
    page = page.text_input[0].set_value(QUERY).run()
    drawn = lists(page)
    assert (
        drawn["hits"][0]["text"] == "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4."
    )
    assert drawn["hits"][0]["chunk"] == drawn["lexical"][0]["chunk"] == drawn["dense"][1]["chunk"]
    assert "It is number 2 by meaning and 1 by words" in said(page)
    assert "Searched: 13 passages of 4 documents" in said(page)
    assert "Found in 6.0 ms" in said(page)
    (source,) = prose(page, "source")
    assert "<A 70B model needs about 140 GB" in source
    assert page.query_params["q"] == QUERY


def test_a_document_deleted_on_this_page_is_not_shown_from_an_older_search(
    open_page: Opener, fake: FakeService
) -> None:
    page = asked(open_page)
    assert "of 4 documents" in said(page)
    fake.store.papers.popitem()
    forget_documents()
    assert "of 3 documents" in said(page.run())


def test_the_choices_are_asked_for_at_once(open_page: Opener, fake: FakeService) -> None:
    page = asked(open_page)
    before = lists(page)["hits"]
    page.number_input(key="inspect-k").set_value(3).run()
    assert len(lists(page)["hits"]) == 3
    page.slider(key="inspect-weight").set_value(80).run()
    after = lists(page)["hits"]
    assert after[0]["chunk"] == before[1]["chunk"]
    last = fake.store.inspected[-1]
    assert (last["k"], last["weights"]) == (3, {"dense": 80, "lexical": 20})
    page.selectbox(key="inspect-fusion").set_value("rrf").run()
    assert page.slider(key="inspect-weight").disabled
    assert "weights" not in fake.store.inspected[-1]
    page.button_group(key="inspect-mode").set_value("lexical").run()
    assert fake.store.inspected[-1]["mode"] == "lexical"
    assert lists(page)["dense"] == []


def test_nothing_is_overridden_that_nobody_changed(open_page: Opener, fake: FakeService) -> None:
    asked(open_page)
    sent = fake.store.inspected[-1]
    assert sent == {
        "query": QUERY, "filters": {}, "k": 10, "mode": "hybrid", "fusion": "calibrated",
    }  # fmt: skip


def test_an_address_brings_back_the_search_with_its_limits(
    open_page: Opener, fake: FakeService
) -> None:
    page = asked(open_page, collection="sample", filters='{"media_type": "application/pdf"}')
    sent = fake.store.inspected[-1]
    assert (sent["collection"], sent["filters"]) == ("sample", {"media_type": "application/pdf"})
    assert "Media type “application/pdf” left out" in said(page)
    assert page.text_input[0].value == QUERY
    page.selectbox[0].select_index(0).run()
    assert "collection" not in fake.store.inspected[-1]
    assert "collection" not in page.query_params


@pytest.mark.parametrize("filters", ["{", "[1]", '{"a": 1}'])
def test_an_address_that_is_none_is_passed_over(
    open_page: Opener, fake: FakeService, filters: str
) -> None:
    asked(open_page, filters=filters)
    assert fake.store.inspected[-1]["filters"] == {}


def test_a_passage_of_a_list_can_be_chosen(open_page: Opener) -> None:
    page = asked(open_page)
    page.number_input(key="inspect-k").set_value(1).run()
    other = lists(page)["dense"][4]
    page.session_state["alcove"].inspect.choose(other["chunk"])
    page.run()
    assert "the result ends at no" in said(page)
    (source,) = prose(page, "source")
    assert f"<{other['text']}>" in source


def opened(page: AppTest) -> AppTest:
    """With the form to save the query open."""
    page.session_state["inspect-save"] = True
    return page.run()


def test_a_search_is_saved_as_a_test_question(open_page: Opener, fake: FakeService) -> None:
    page = opened(asked(open_page))
    page.text_area[0].set_value("35 to 40 GB in FP4").run()
    press(page, "Save")
    (saved,) = fake.store.saved
    (source,) = saved["sources"]
    assert (saved["set"], saved["text"], saved["unanswerable"]) == ("my questions", QUERY, False)
    paper = fake.store.papers[source["document"]]
    assert paper.text[source["start"] : source["end"]] == "35 to 40 GB in FP4"
    press(page, "Evaluate with it")
    until(page, lambda p: "Evaluate" in [t.value for t in p.title])
    assert page.selectbox(key="asked-set").value == "my questions"


def test_a_query_that_nothing_answers_is_saved_without_a_source(
    open_page: Opener, fake: FakeService
) -> None:
    page = opened(asked(open_page))
    page.radio(key="inspect-right").set_value("nowhere").run()
    press(page, "Save")
    assert (fake.store.saved[0]["sources"], fake.store.saved[0]["unanswerable"]) == ([], True)


def test_words_that_are_not_in_the_passage_are_not_saved(
    open_page: Opener, fake: FakeService
) -> None:
    page = opened(asked(open_page))
    page.text_area[0].set_value("something else").run()
    press(page, "Save")
    assert "not in the passage" in said(page)
    assert fake.store.saved == []


def test_who_does_not_own_the_machine_looks_but_saves_nothing(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.person = "ada"
    page = asked(open_page)
    assert "that you may read" in said(page)
    assert "Save as a test question" not in [e.label for e in page.expander]


def test_while_models_are_loaded_it_waits_and_goes_on_by_itself(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.loading = True
    page = open_page(view="inspect", q=QUERY)
    assert "the encoder is being loaded" in said(page)
    fake.store.loading = False
    assert lists(page.run())["hits"]
