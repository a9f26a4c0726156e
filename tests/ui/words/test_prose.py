"""Untrusted text becomes inert nodes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.payloads import PAYLOADS
from ui.words.prose import Node, marked, plain, tree

SCRIPT = (Path(__file__).parents[3] / "ui" / "assets" / "prose.js").read_text("utf-8")


def _walk(nodes: list[Node]) -> list[tuple[str, str]]:
    found = []
    for node in nodes:
        if isinstance(node, str):
            found.append(("", node))
        else:
            found.append((str(node[0]), ""))
            found.extend(_walk(node[1:]))
    return found


def _tags(nodes: list[Node]) -> set[str]:
    return {tag for tag, _ in _walk(nodes) if tag}


def _words(nodes: list[Node]) -> str:
    return "".join(text for _, text in _walk(nodes))


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://example.org/p.png)",
        "[press me](javascript:alert(1))",
        "<https://example.org>",
        "https://example.org/?q=1",
        "<iframe src='//example.org'></iframe>",
        "a <b onclick=alert(1)>b</b>",
        "&lt;script&gt; &#x3C;svg/onload=alert(1)&#x3E;",
        "<!-- --><style>*{display:none}</style>",
        "![x][ref]\n\n[ref]: https://example.org/p.png",
        "```html\n<script>alert(1)</script>\n```",
        "$$\\href{javascript:alert(1)}{x}$$",
        ":material/home: :red[text]",
    ],
)
def test_nothing_in_a_text_becomes_markup_that_acts(payload: str) -> None:
    assert _tags(tree(payload)) <= {"p", "pre", "code", "strong", "em"}


def test_a_link_keeps_its_characters() -> None:
    assert (
        _words(tree("See [here](https://example.org/a).")) == "See [here](https://example.org/a)."
    )


def test_markdown_gives_its_shape() -> None:
    nodes = tree("# Head\n\nA **bold** `x`.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert {"h3", "p", "strong", "code", "ul", "li", "table", "th", "td"} <= _tags(nodes)


def test_a_citation_that_exists_becomes_a_button() -> None:
    assert tree("Yes [1].", {1}) == [["p", "Yes ", ["cite", "1"], "."]]


def test_a_list_of_citations_becomes_one_button_each() -> None:
    assert tree("Yes [1, 2]", {1, 2}) == [["p", "Yes ", ["cite", "1"], ["cite", "2"]]]


def test_a_citation_that_does_not_exist_stays_text() -> None:
    assert _tags(tree("Yes [3].", {1, 2})) == {"p"}


def test_a_bracket_in_code_is_not_a_citation() -> None:
    assert "cite" not in _tags(tree("`row[1]`", {1}))


def test_characters_that_reorder_text_are_dropped() -> None:
    assert _words(tree("safe\u202egnp.exe")) == "safegnp.exe"


def test_the_marked_span_is_exactly_the_span() -> None:
    assert marked("before span after", 7, 11) == [["div", "before ", ["mark", "span"], " after"]]


def test_plain_text_is_not_read_as_markdown() -> None:
    assert plain("# not **bold**") == [["div", "# not **bold**"]]


@given(st.text(alphabet="[]()<>!`*_#|-\n 1a\\:&;\"'", max_size=80))
def test_any_text_gives_only_elements_that_the_browser_side_knows(text: str) -> None:
    known = set(re.search(r'\("([a-z0-9 ]+)"\)\.split', SCRIPT)[1].split())  # type: ignore[index]
    assert _tags(tree(text, {1})) <= known


def test_the_browser_side_never_reads_text_as_html() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", SCRIPT)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_is_more_than_text_on_the_page(payload: str) -> None:
    nodes = tree(payload, (1,), [(0, len(payload))])
    allowed = {"p", "pre", "code", "strong", "em", "h3", "ul", "li", "blockquote", "u", "cite"}
    assert _tags(nodes) <= allowed | {"table", "thead", "tbody", "tr", "th", "td"}
    for shown in (_words(nodes), _words(plain(payload)), _words(marked(payload, 2, 5))):
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]",
            shown,
        )


def test_a_link_that_looks_like_a_citation_is_none() -> None:
    assert "cite" not in _tags(tree("See [1](http://example.org).", (1,)))


def _doubted(text: str, *pieces: str) -> list[Node]:
    return tree(text, (1,), [(text.index(p), text.index(p) + len(p)) for p in pieces])


def test_a_doubted_sentence_is_underlined_and_no_other() -> None:
    assert _doubted("One is true [1]. Two is not.", "Two is not.") == [
        ["p", "One is true ", ["cite", "1"], ". ", ["u", "Two is not."]]
    ]


def test_a_doubted_sentence_keeps_its_format_and_its_citation() -> None:
    nodes = _doubted("- **Two is not** so. [1]\n- Three", "**Two is not** so. [1]")
    assert nodes == [
        ["ul", ["li", ["p", ["strong", ["u", "Two is not"]], ["u", " so. "], ["cite", "1"]]],
         ["li", ["p", "Three"]]]
    ]  # fmt: skip


def test_a_doubted_row_keeps_its_cells() -> None:
    (table,) = _doubted("| a | b |\n|---|---|\n| 1 | 2 |", "| 1 | 2 |")
    assert table[2] == ["tbody", ["tr", ["td", ["u", "1"]], ["td", ["u", "2"]]]]
    assert table[1] == ["thead", ["tr", ["th", "a"], ["th", "b"]]]


@given(st.text(alphabet="a1 *|`\n[]-\u2e55\u2e56#", max_size=60), st.data())
def test_marking_a_piece_changes_no_words(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    shown = _words(tree(text, (), [(start, data.draw(st.integers(start, len(text))))]))
    assert not re.search("[\u2e55\u2e56]", shown)
