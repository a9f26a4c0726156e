"""A conversation as a file says what the page says, and a viewer of it loads nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from agents.chats.export import as_markdown, marked_text
from agents.chats.export_html import as_html
from agents.chats.told import MARK, NOTE
from agents.prompts import REFUSAL
from tests.agents.payloads import PAYLOADS
from tests.fakes import FakeLLMServer
from tests.service_bench import ASK, ServiceBench

OURS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "h1", "h2", "h3", "div",
    "p", "span", "blockquote", "ol", "ul", "li", "a", "strong", "em", "s", "code", "pre", "hr", "br",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "dir", "id", "href"}
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]"
)


def message(content: str, role: str = "assistant", **fields: Any) -> dict[str, Any]:
    by = ("openai", "m") if role == "assistant" else ("", "")
    plain = {
        "engine": by[0],
        "model": by[1],
        "abstained": False,
        "interrupted": False,
        "error": None,
    }
    return {"role": role, "content": content, "citations": [], "claims": [], **plain, **fields}


def citation(quote: str, source: str = "/papers/a.pdf", page: int | None = 2) -> dict[str, Any]:
    return {
        "n": 1,
        "quote": quote,
        "source": source,
        "page": page,
        "document": "d",
        "start": 0,
        "end": 9,
    }


def thread(*messages: dict[str, Any], title: str = "Backups") -> dict[str, Any]:
    return {"title": title, "messages": list(messages)}


ANSWER = message(
    "Kept for thirty days [1]. The moon is cheese.",
    citations=[citation("They are kept for thirty days.")],
    claims=[
        {"start": 0, "end": 25, "verdict": "supported", "support": 0.9},
        {"start": 26, "end": 45, "verdict": "uncited", "support": 0.0},
    ],
)


def test_markdown_holds_answer_citations_and_marks() -> None:
    text = as_markdown(thread(message("How long?", "user"), ANSWER))
    assert text.startswith("# Backups\n\n1 question\n\n## Question\n")
    assert "Kept for thirty days [1]. The moon is cheese. ⚠\n" in text
    where = "1\\. **a\\.pdf, page 2** — \\/papers\\/a\\.pdf"
    assert f"{where}\n\n> They are kept for thirty days\\." in text
    assert "## Documents cited\n\n- **a\\.pdf**, page 2 — \\/papers\\/a\\.pdf" in text
    assert NOTE.removesuffix(".") in text


def test_html_holds_the_same_and_forbids_to_load() -> None:
    page = lxml_html.document_fromstring(as_html(thread(message("How long?", "user"), ANSWER)))
    headings = [h.text for h in page.iter("h2")]
    assert headings == ["Question", "Answer by m", "Documents cited"]
    (doubted,) = page.find_class("doubted")
    assert (doubted.text, doubted.tail) == ("The moon is cheese.", f" {MARK}")
    (quote,) = page.find_class("quote")
    assert quote.text == "They are kept for thirty days."
    (cite,) = page.iter("a")
    (source,) = page.xpath(f"//*[@id='{cite.get('href')[1:]}']")
    assert quote in source.iter()
    told = source.text_content()
    assert all(word in told for word in ("1", "a.pdf", "page 2", "/papers/a.pdf"))
    (row,) = page.find_class("documents")[0].iter("tbody")
    assert row.text_content().strip() == "a.pdf/papers/a.pdf21"
    policy = page.xpath("//meta[@http-equiv]/@content")[0]
    assert policy.startswith("default-src 'none'")


def test_the_markdown_of_an_answer_is_drawn_in_html() -> None:
    said = (
        "It is **thirty** days:\n\n- at night [1]\n- `cron`\n\n| a | b |\n|---|---|\n| 1 | no |\n"
    )
    start = said.index("| 1 |")
    claims = [{"start": start, "end": len(said) - 1, "verdict": "uncited", "support": 0.0}]
    answer = message(said, citations=[citation("Nightly.")], claims=claims)
    (prose,) = lxml_html.document_fromstring(as_html(thread(answer))).find_class("prose")
    assert [e.text_content() for e in prose.iter("strong", "code")] == ["thirty", "cron"]
    assert [e.text_content().strip() for e in prose.iter("li")] == ["at night 1", "cron"]
    assert [e.text_content() for e in prose.iter("td")] == ["1", f"no {MARK}"]
    assert [e.text_content() for e in prose.find_class("doubted")] == ["1", "no"]


def test_a_search_is_exported_with_its_passages() -> None:
    passage = {"number": 3, "document": "d", "source": "upload:q/b.pdf", "page": 4, "text": "Soup."}
    step = {"kind": "retrieved", "passages": [passage], "snapshot": 1, "timings_ms": {}}
    found = message("", engine="search", model="", steps=[step])
    told = as_markdown(thread(message("soup", "user"), found))
    assert "## Passages found" in told
    assert "3\\. **b\\.pdf, page 4** — upload\\:q\\/b\\.pdf\n\n> Soup\\." in told
    assert "Documents cited" not in told
    page = lxml_html.document_fromstring(as_html(thread(message("soup", "user"), found)))
    assert [e.text_content() for e in page.find_class("quote")] == ["Soup."]
    assert [e.text for e in page.iter("h2")] == ["Question", "Passages found"]


def test_when_and_by_what_it_was_answered_is_told() -> None:
    asked = message("How long?", "user", created="2026-05-01T09:30:00.123+00:00")
    quoted = message("x", engine="extractive", model="e", created="2026-05-02T10:00:00.000+00:00")
    told = thread(asked, quoted)
    for text in (as_markdown(told).replace("\\", ""), as_html(told)):
        assert "1 question · 2026-05-01 to 2026-05-02" in text
        assert "2026-05-01 09:30 UTC" in text
        assert "Answer, quoted from the documents without a language model" in text


def test_an_answer_without_doubts_says_nothing_about_marks() -> None:
    sound = {**ANSWER, "claims": ANSWER["claims"][:1]}
    assert MARK not in as_markdown(thread(sound)) + as_html(thread(sound))


def test_a_refusal_and_an_answer_cut_short_say_so() -> None:
    text = as_markdown(thread(message("x", abstained=True, interrupted=True, error="It broke")))
    assert "do not answer this question" in text
    assert "stops before its end" in text
    assert "It broke" in text


def test_marks_stand_behind_the_sentences_they_are_about() -> None:
    claims = [
        {"start": 3, "end": 5, "verdict": "unsupported"},
        {"start": 0, "end": 2, "verdict": "plain"},
    ]
    assert marked_text("a. b. c", claims) == "a. b. ⚠ c"


def _everywhere(payload: str) -> dict[str, Any]:
    claims = [{"start": 0, "end": len(payload), "verdict": "uncited", "support": 0.0}]
    quoted = [citation(payload, f"/{payload}.pdf")]
    answer = message(payload, citations=quoted, claims=claims, model=payload, error=payload)
    return thread(message(payload, "user"), answer, title=payload)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_is_an_element_or_an_attribute_in_html(payload: str) -> None:
    text = as_html(_everywhere(payload))
    for parse in (_lxml, _html5lib):
        elements = parse(text)
        assert {tag for tag, _ in elements} <= OURS
        assert {name for _, attributes in elements for name in attributes} <= ATTRIBUTES
        assert all(re.fullmatch(r"#m\d+-\d+", of.get("href", "#m0-0")) for _, of in elements)
        assert all(re.fullmatch(r"m\d+-\d+", of.get("id", "m0-0")) for _, of in elements)
    assert len(re.findall("<style>", text)) == 1
    assert not UNSEEN.search(text)


def _lxml(text: str) -> list[tuple[str, dict[str, str]]]:
    return [(str(e.tag), dict(e.attrib)) for e in lxml_html.document_fromstring(text).iter()]


def _html5lib(text: str) -> list[tuple[str, dict[str, str]]]:
    import html5lib

    tree = html5lib.parse(text, namespaceHTMLElements=False)
    return [(str(e.tag), dict(e.attrib)) for e in tree.iter()]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_is_a_link_or_a_picture_in_markdown(payload: str) -> None:
    text = as_markdown(_everywhere(payload))
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = set(re.findall(r"<(\w+)", shown))
    assert tags <= {"h1", "h2", "p", "pre", "code", "em", "strong", "blockquote", "ul", "li"}
    assert not UNSEEN.search(text)


def test_live_thread_completion_and_exports_agree(bench: ServiceBench, llm: FakeLLMServer) -> None:
    said = "They are kept for thirty days [1][9]. Backups need 12 GB [1]. The moon is cheese."
    llm.say(said)
    events, stored = bench.answer()
    live = events[-1]["answer"]
    id = bench.get("/v1/threads")["threads"][0]["id"]
    assert live["answer"] == stored["content"]
    assert live["citations"] == stored["citations"] != []
    assert live["claims"] == stored["claims"]
    assert [c["verdict"] for c in stored["claims"]] == ["supported", "unsupported", "uncited"]

    llm.say(said)
    body = {"model": "alcove", "messages": [{"role": "user", "content": ASK}]}
    answer = bench.post("/v1/chat/completions", body)["choices"][0]["message"]
    assert answer["content"] == stored["content"]
    assert answer["citations"] == stored["citations"]
    assert answer["claims"] == stored["claims"]

    for kind, ending in (("markdown", "md"), ("html", "html")):
        response = bench.http.get(f"/v1/threads/{id}/export", params={"format": kind})
        assert response.headers["content-disposition"].endswith(f'.{ending}"')
        assert "default-src 'none'" in response.headers["content-security-policy"]
        said = response.text.replace("\\", "")
        for cited in stored["citations"]:
            assert cited["quote"] in said
            assert cited["source"].rpartition("/")[2] in said
        assert response.text.count(f" {MARK}") == 3  # two sentences, and the note about them


def test_another_person_s_thread_is_exported_no_more_than_one_that_does_not_exist(
    bench: ServiceBench,
) -> None:
    theirs = bench.app.chats.create_thread("Private", "somebody")["id"]
    replies = [bench.get(f"/v1/threads/{id}/export", 404)["error"] for id in (theirs, "f" * 32)]
    assert [reply["type"] for reply in replies] == ["NotFound", "NotFound"]
    assert replies[0]["message"].replace(theirs, "f" * 32) == replies[1]["message"]


def test_the_quotes_of_a_document_that_is_gone_are_still_exported(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("They are kept for thirty days [1].")
    _, stored = bench.answer()
    (cited,) = stored["citations"]
    bench.call("DELETE", f"/v1/documents/{cited['document']}", 200)
    id = bench.get("/v1/threads")["threads"][0]["id"]
    assert bench.get(f"/v1/threads/{id}")["messages"][-1]["citations"] == [cited]
    text = bench.http.get(f"/v1/threads/{id}/export", params={"format": "html"}).text
    assert cited["quote"] in text


def test_half_a_character_of_a_model_breaks_no_stream_and_no_thread(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("They are kept ", "for thirty days \ud83d [1].")
    events, stored = bench.answer()
    assert events[-1]["answer"]["answer"] == stored["content"]
    assert stored["content"] == "They are kept for thirty days \ufffd [1]."


def test_a_number_leads_to_the_first_of_its_quotes() -> None:
    answer = message("Nightly [1].", citations=[citation("First."), citation("Second.")])
    page = lxml_html.document_fromstring(as_html(thread(answer)))
    assert [e.text_content() for e in page.xpath("//*[@id]//blockquote")] == ["First."]
    assert [e.text_content() for e in page.find_class("quote")] == ["First.", "Second."]


@pytest.mark.parametrize("told", [as_markdown, as_html])
def test_a_refusal_says_once_that_it_is_one(told: Any) -> None:
    text = told(thread(message(f"{REFUSAL} Nearest to it: 'a'.", abstained=True)))
    assert "No answer in the documents" in text
    assert text.replace("\\", "").count(REFUSAL) == 1
