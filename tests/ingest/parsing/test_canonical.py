"""The canonical text and the spans into it."""

from corpus.records import ElementKind, Span
from ingest.parsing.canonical import TextBuilder, clean
from tests.ingest.parsing.papers import assert_sound


def test_every_element_equals_the_text_at_its_span() -> None:
    builder = TextBuilder()
    builder.add(ElementKind.TITLE, "  Fans \r\n", level=1)
    builder.add(ElementKind.TEXT, "cafe\u0301 \u00a0 au\u00ad lait\x00")
    builder.add(ElementKind.LIST, "one")
    builder.add(ElementKind.LIST, "two")
    parsed = builder.build("text/plain")
    assert parsed.text == "Fans\n\ncafé   au lait\n\none\ntwo"
    assert_sound(parsed)


def test_blank_elements_leave_no_trace() -> None:
    builder = TextBuilder()
    builder.add(ElementKind.TEXT, " \n\t ")
    builder.add(ElementKind.TEXT, "words")
    parsed = builder.build("text/plain")
    assert parsed.text == "words"
    assert len(parsed.elements) == 1


def test_a_page_spans_its_elements_and_an_empty_page_spans_nothing() -> None:
    builder = TextBuilder()
    builder.start_page(1)
    builder.add(ElementKind.TEXT, "first")
    builder.start_page(2)
    builder.start_page(3)
    builder.add(ElementKind.TEXT, "third")
    pages = builder.build("application/pdf").pages
    assert [(page.number, page.span) for page in pages] == [
        (1, Span(0, 5)),
        (2, Span(5, 5)),
        (3, Span(7, 12)),
    ]


def test_lone_surrogates_cannot_enter() -> None:
    assert clean("a\ud800b") == "ab"
    assert clean("👩‍🚀") == "👩‍🚀"


def test_the_first_heading_is_the_title_unless_the_file_names_one() -> None:
    builder = TextBuilder()
    builder.add(ElementKind.TITLE, "Heading", level=1)
    assert builder.build("text/plain").title == "Heading"
    assert builder.build("text/plain", title="Named").title == "Named"


def test_indentation_survives_in_code_only() -> None:
    builder = TextBuilder()
    builder.add(ElementKind.CODE, "    return 1")
    builder.add(ElementKind.TEXT, "    prose")
    assert [element.text for element in builder.build("text/plain").elements] == [
        "    return 1",
        "prose",
    ]
