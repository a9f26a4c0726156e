"""Pictures of text."""

from pathlib import Path

import pytest
from PIL import Image

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from tests.ingest.parsing.papers import assert_sound, picture_of


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "webp"])
def test_the_words_in_a_picture_are_read_with_their_places(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sign.{ending}"
    picture_of(["Keep this door shut"]).save(path)
    parsed = parse_file(path)
    assert parsed.text == "Keep this door shut"
    assert parsed.pages[0].origin == "ocr"
    box = parsed.elements[0].box
    assert box is not None
    assert box.y1 < 0.3
    assert_sound(parsed)


def test_every_frame_of_a_fax_is_a_page(tmp_path: Path) -> None:
    path = tmp_path / "fax.tiff"
    first, second = picture_of(["First sheet"]), picture_of(["Second sheet"])
    first.save(path, save_all=True, append_images=[second])
    parsed = parse_file(path)
    assert [(e.page, e.text) for e in parsed.elements] == [(1, "First sheet"), (2, "Second sheet")]


def test_a_picture_without_words_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "white.png"
    picture_of([]).save(path)
    with pytest.raises(FileProblem) as caught:
        parse_file(path)
    assert caught.value.state == State.EMPTY_TEXT


def test_a_picture_of_too_many_pixels_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (2000, 2000)).save(path)
    with pytest.raises(FileProblem) as caught:
        parse_file(path, Limits(max_image_pixels=1_000_000))
    assert caught.value.state == State.BOMB


def test_a_cut_off_picture_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    picture_of(["words"]).save(path)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(FileProblem) as caught:
        parse_file(path)
    assert caught.value.state == State.CORRUPT


def test_frames_over_the_limit_are_named_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "fax.tiff"
    sheets = [picture_of([f"Sheet {word}"]) for word in ("one", "two", "three")]
    sheets[0].save(path, save_all=True, append_images=sheets[1:])
    parsed = parse_file(path, Limits(max_pages=2))
    assert [page.number for page in parsed.pages] == [1, 2]
    assert parsed.missing == ("pages after the first 2: over the limit of pages",)


def test_pages_for_which_no_time_is_left_are_named_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "fax.tiff"
    first, second = picture_of(["First sheet"]), picture_of(["Second sheet"])
    first.save(path, save_all=True, append_images=[second])
    parsed = parse_file(path, Limits(timeout_s=0.001))
    assert parsed.text == "First sheet"
    assert parsed.missing == ("pages after the first 1: there was no time left for them",)
