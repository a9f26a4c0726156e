"""The line to ask in: modes, restrictions, what to ask next, and what cannot be asked now."""

from __future__ import annotations

from corpus.errors import NotFound
from tests.ui.asking import QUESTION, Opener, answered, ask, has_button
from tests.ui.conftest import prose, until, words
from tests.ui.fake_service import FakeService


def test_a_search_lists_its_passages_and_writes_nothing(open_page: Opener) -> None:
    page = open_page()
    page.segmented_control(key="mode").set_value("search").run()
    until(ask(page, QUESTION), has_button("quantization"))
    assert "5 passages, the best first" in words(page)
    assert "nothing was written" in words(page)
    assert prose(page, "answer") == []
    assert prose(page, "excerpt")[0].startswith("A 70B model needs about 140 GB")
    next(b for b in page.button if (b.key or "").startswith("passage-")).click().run()
    assert "Passage 1 of 5" in words(page)


def test_a_search_that_finds_nothing_says_what_to_do(open_page: Opener, fake: FakeService) -> None:
    fake.store.papers = {id: p for id, p in fake.store.papers.items() if not p.lines()}
    page = open_page()
    page.segmented_control(key="mode").set_value("search").run()
    until(ask(page, QUESTION), lambda p: "Nothing was found" in words(p))


def test_what_is_set_is_shown_sent_and_taken_off(open_page: Opener, fake: FakeService) -> None:
    page = open_page()
    asking = page.session_state["alcove"].asking
    asking.filter("media_type", "application/pdf")
    asking.between(2, None)
    answered(page.run())
    assert fake.store.asked[0]["filters"] == {"media_type": "application/pdf"}
    assert fake.store.asked[0]["pages"][0] == 2
    assert page.button(key="chip-media_type").label == "Format\\: PDF"
    page.button(key="chip-media_type").click().run()
    assert page.button(key="chip-pages").label == "Pages from 2"
    page.button(key="chip-pages").click().run()
    assert asking.count == 0
    assert not [b for b in page.button if (b.key or "").startswith("chip-")]


def test_a_suggestion_is_asked_when_pressed(open_page: Opener, fake: FakeService) -> None:
    fake.store.suggestions = ["What is the cold start of vLLM?"]
    page = answered(open_page())
    until(page, lambda p: "Ask next" in words(p))
    page.button(key="suggestion-0").click().run()
    assert prose(page, "question") == [QUESTION, "What is the cold start of vLLM?"]


def test_nothing_is_suggested_while_an_answer_is_written(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.suggestions, fake.store.pace = ["What is the cold start of vLLM?"], 0.3
    page = ask(open_page(), QUESTION)
    assert "Ask next" not in words(page)
    page.button(key="stop").click().run()


def test_a_second_question_meanwhile_is_told_and_kept(open_page: Opener, fake: FakeService) -> None:
    fake.store.pace = 0.3
    page = ask(open_page(), QUESTION)
    ask(page, "And in FP8?")
    assert "still being written" in page.toast[0].value
    assert prose(page, "question") == [QUESTION]
    assert page.chat_input(key="prompt").proto.value == "And in FP8?"
    asking = page.session_state["alcove"].asking  # the browser is told it in every run
    assert (asking.unsent, asking.refusals) == ("And in FP8?", 1)
    page.button(key="stop").click().run()


def test_a_question_in_another_page_is_seen_at_the_next_look(
    open_page: Opener, fake: FakeService
) -> None:
    first = answered(open_page())
    second = open_page(thread=first.query_params["thread"])
    until(ask(second, "When does the nightly backup start?"), has_button("backups"))
    until(first.run(), has_button("backups"))
    assert len(prose(first, "question")) == 2


def test_asking_in_a_conversation_deleted_elsewhere_keeps_the_question(
    open_page: Opener, fake: FakeService
) -> None:
    page = answered(open_page())
    fake.store.threads.clear()
    ask(page, "And in FP8?")
    assert "was deleted meanwhile" in page.toast[0].value
    assert page.chat_input(key="prompt").proto.value == "And in FP8?"
    assert page.title[0].value == "What do you want to know?"


def test_an_outage_keeps_what_was_typed(open_page: Opener, fake: FakeService) -> None:
    page = open_page()
    fake.stop()
    ask(page, QUESTION)
    assert "does not answer" in page.toast[0].value
    assert not page.exception
    fake.start()


def test_only_the_end_of_a_long_conversation_is_drawn(open_page: Opener, fake: FakeService) -> None:
    page = answered(open_page())
    (thread,) = fake.store.threads.values()
    question, answer = thread["messages"]
    thread["messages"] = [
        {**m, "id": f"{m['id']}-{n}", "run": m["run"] and f"{m['run']}-{n}"}
        for n in range(30)
        for m in (question, answer)
    ]
    again = open_page(thread=page.query_params["thread"])
    assert len(prose(again, "question")) == 20
    again.button(key="earlier").click().run()
    assert len(prose(again, "question")) == 30


def test_a_run_that_is_forgotten_suggests_nothing(open_page: Opener, fake: FakeService) -> None:
    page = answered(open_page())
    fake.store.runs.clear()
    again = open_page(thread=page.query_params["thread"])
    assert not again.exception
    assert NotFound.__name__ not in words(again)
