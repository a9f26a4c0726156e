"""Page images and the places of a quotation on them."""

import io
from pathlib import Path

import pytest
from PIL import Image

from corpus.errors import NotFound
from corpus.records import Box, Parsed, Span
from ingest.parsing import parse_file
from ingest.parsing.boxes import span_boxes
from ingest.parsing.render import page_image
from tests.ingest.parsing.papers import HEIGHT, WIDTH, pdf, picture_of


def span_of(parsed: Parsed, quote: str) -> Span:
    start = parsed.text.index(quote)
    return Span(start, start + len(quote))


def story(folder: Path) -> Path:
    lines = [
        "The two fans of the box were bought in the",
        "spring. The left fan is loud. The right fan is",
        "not loud at all, and nobody knows why.",
    ]
    return pdf(
        folder / "story.pdf", [[(72.0, 100.0 + 14 * n, line) for n, line in enumerate(lines)]]
    )


def test_a_quote_is_found_on_its_line(tmp_path: Path) -> None:
    path = story(tmp_path)
    parsed = parse_file(path)
    (box,) = span_boxes(path, parsed, 1, span_of(parsed, "The left fan is loud."))
    assert 106 < (box.y0 + box.y1) / 2 * HEIGHT < 116
    assert 100 < box.x0 * WIDTH < 120


def test_a_quote_over_two_lines_has_two_rectangles(tmp_path: Path) -> None:
    path = story(tmp_path)
    parsed = parse_file(path)
    first, second = span_boxes(path, parsed, 1, span_of(parsed, "The right fan is not loud"))
    assert second.y0 > first.y0
    assert second.x0 * WIDTH == pytest.approx(72, abs=2)


def test_of_equal_words_those_that_the_span_means_are_marked(tmp_path: Path) -> None:
    path = story(tmp_path)
    parsed = parse_file(path)
    second = parsed.text.rindex("loud")
    (box,) = span_boxes(path, parsed, 1, Span(second, second + 4))
    assert (box.y0 + box.y1) / 2 * HEIGHT > 118


def test_a_span_on_another_page_has_no_rectangle(tmp_path: Path) -> None:
    path = pdf(tmp_path / "two.pdf", [[(72.0, 72.0, "first page")], [(72.0, 72.0, "second page")]])
    parsed = parse_file(path)
    assert span_boxes(path, parsed, 1, span_of(parsed, "second")) == []
    assert len(span_boxes(path, parsed, 2, span_of(parsed, "second"))) == 1


def yellow(png: bytes) -> list[tuple[int, int]]:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    width, height = image.size
    pixels = image.load()
    assert pixels is not None
    return [
        (x, y)
        for x in range(0, width, 4)
        for y in range(0, height, 4)
        if pixels[x, y][0] > 200 and pixels[x, y][2] < 190
    ]


def test_the_drawn_page_is_yellow_where_the_quote_stands_and_nowhere_else(tmp_path: Path) -> None:
    path = story(tmp_path)
    parsed = parse_file(path)
    png = page_image(
        path, parsed.media_type, 1, 800, parsed, span_of(parsed, "The left fan is loud.")
    )
    assert Image.open(io.BytesIO(png)).width == pytest.approx(800, abs=1)
    marked = yellow(png)
    assert marked
    scale = 800 / WIDTH
    assert all(100 * scale < y < 122 * scale for _, y in marked)
    assert yellow(page_image(path, parsed.media_type, 1, 800)) == []


def test_recognised_words_are_marked_by_the_box_they_were_found_in(tmp_path: Path) -> None:
    path = tmp_path / "sign.png"
    picture_of(["Keep this door shut", "", "", "Thank you"]).save(path)
    parsed = parse_file(path)
    boxes = span_boxes(path, parsed, 1, span_of(parsed, "Thank"))
    assert len(boxes) == 1
    assert isinstance(boxes[0], Box)
    assert boxes[0].y0 > 0.5
    assert yellow(page_image(path, parsed.media_type, 1, 400, parsed, span_of(parsed, "Thank")))


def test_a_page_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    path = story(tmp_path)
    for page in (0, 2, -1):
        with pytest.raises(NotFound, match=f"no page {page}"):
            page_image(path, "application/pdf", page)


def test_a_format_without_pages_has_no_page_image(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="text/markdown"):
        page_image(tmp_path / "note.md", "text/markdown", 1)
