"""HTML and Markdown."""

from pathlib import Path

import pytest

from corpus.records import Parsed
from ingest.parsing import parse_file
from tests.ingest.parsing.papers import assert_sound, texts


def html(folder: Path, body: str, head: str = "") -> Parsed:
    path = folder / "page.html"
    path.write_text(f"<html><head>{head}</head><body>{body}</body></html>", encoding="utf-8")
    return parse_file(path)


def test_a_page_keeps_headings_lists_tables_and_code(tmp_path: Path) -> None:
    parsed = html(
        tmp_path,
        "<h1>Box</h1><p>Two fans.</p><h2>Fans</h2><ul><li>left<li>right</ul>"
        "<table><tr><th>Fan<th>rpm<tr><td>left<td>900</table><pre>fan --slow\n  now</pre>",
    )
    titles = [(e.text, e.level) for e in parsed.elements if e.kind == "title"]
    assert titles == [("Box", 1), ("Fans", 2)]
    assert texts(parsed, "list") == ["left", "right"]
    assert texts(parsed, "table") == ["Fan | rpm\nleft | 900"]
    assert texts(parsed, "code") == ["fan --slow\n  now"]
    assert_sound(parsed)


def test_text_that_looks_like_boilerplate_is_kept(tmp_path: Path) -> None:
    parsed = html(
        tmp_path,
        "<figure><img alt=''><figcaption>The left fan.</figcaption></figure>"
        "<details><summary>Why so loud?</summary><p>Dust.</p></details>"
        "<table><caption>Speeds</caption><tr><td>900<td>1200</table>"
        "<form><label>Serial number</label></form><p>Not <del>three</del> <ins>two</ins>.</p>"
        "<my-note>Own tags are read as well.</my-note>",
    )
    for wanted in ("The left fan.", "Why so loud?", "Dust.", "Speeds", "Serial number"):
        assert wanted in parsed.text
    assert "Not three two." in parsed.text
    assert "Own tags are read as well." in parsed.text


def test_scripts_styles_and_navigation_are_left_out(tmp_path: Path) -> None:
    parsed = html(
        tmp_path,
        "<nav>Home</nav><script>var x</script><style>p{}</style><!-- note --><p>Words.</p>",
        head="<title>The page</title>",
    )
    assert parsed.text == "Words."
    assert parsed.title == "The page"


def test_the_encoding_that_a_page_names_is_used(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes("<meta charset=windows-1251><p>Вентилятор шумит</p>".encode("cp1251"))
    assert parse_file(path).text == "Вентилятор шумит"


def test_a_page_of_xhtml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "page.xhtml"
    path.write_text('<?xml version="1.0" encoding="UTF-8"?><html><body><p>Fünf</p></body></html>')
    assert parse_file(path).text == "Fünf"


def test_a_list_right_below_a_line_is_a_list_in_markdown(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("# Buy\n\nThese:\n- fans\n- cables\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    parsed = parse_file(path)
    assert texts(parsed, "list") == ["fans", "cables"]
    assert texts(parsed, "table") == ["a | b\n1 | 2"]
    assert parsed.title == "Buy"


def test_the_front_matter_of_a_note_is_metadata(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text('---\ntitle: "Fans"\nauthor: Operations\n---\n\nTwo of them.\n')
    parsed = parse_file(path)
    assert parsed.text == "Two of them."
    assert parsed.title == "Fans"
    assert parsed.metadata["author"] == "Operations"


def test_lists_in_a_front_matter_are_kept_and_what_is_no_field_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("---\ntags:\n  - cold\n  - wet\nversion: 1.10\n---\n\nMore.\n")
    assert parse_file(path).metadata == {"tags": "cold, wet", "version": "1.10"}
    for front in ("title: a: b", "site: {name: Hill}", "a: &x 1\nb: *x"):
        path.write_text(f"---\n{front}\n---\n\nMore.\n")
        parsed = parse_file(path)
        assert front.split("\n")[0] in parsed.text
        assert (parsed.metadata, "More." in parsed.text) == ({}, True)


def test_a_rule_on_top_of_a_note_is_no_front_matter(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("---\nJust words between rules\n---\n\nMore.\n")
    assert "Just words between rules" in parse_file(path).text


@pytest.mark.parametrize("tag", ["div", "b", "blockquote"])
@pytest.mark.parametrize("depth", [150, 300, 1500])
def test_text_in_deeply_nested_elements_is_read(tmp_path: Path, tag: str, depth: int) -> None:
    path = tmp_path / "deep.html"
    path.write_text(f"<p>before</p>{f'<{tag}>' * depth}inside{f'</{tag}>' * depth}<p>after</p>")
    parsed = parse_file(path)
    assert parsed.text.split() == ["before", "inside", "after"]
    assert parsed.missing == ()


def test_what_is_nested_too_deep_to_read_is_named_as_missing(tmp_path: Path) -> None:
    page = tmp_path / "deep.html"
    page.write_text("<p>before</p>" + "<div>" * 5000 + "inside")
    note = tmp_path / "deep.md"
    note.write_text("before\n\n" + "> " * 500 + "inside")
    for path in (page, note):
        parsed = parse_file(path)
        assert parsed.text == "before"
        assert any("nested" in what for what in parsed.missing)
