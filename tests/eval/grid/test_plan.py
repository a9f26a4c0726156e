"""Grid files: what they may say, and that whatever is wrong is told with file and key before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import NotFound, UserError
from eval.gold.sources import Source
from eval.grid.plan import load_grid
from retrieval.settings import DenseSettings
from tests.eval.grid.weather import GRID, write_grid


def grid_with(folder: Path, old: str, new: str) -> Path:
    assert old in GRID
    return write_grid(folder, GRID.replace(old, new))


def test_a_file_needs_to_say_no_more_than_what_differs(tmp_path: Path) -> None:
    grid = load_grid(write_grid(tmp_path, 'dataset = "weather"\n'))
    assert (grid.name, grid.dataset) == ("grid", tmp_path / "weather")
    assert (grid.grid.chunker, grid.grid.size) == (None, None)
    assert grid.grid.fusion == ("dense", "lexical", "hybrid")
    assert grid.grid.k == (5,)


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reader").mkdir()
    path = grid_with(
        tmp_path, "size = [32]", 'rerank = ["", "reader"]\nencoder = ["./reader", "auto"]'
    )
    monkeypatch.chdir("/")
    grid = load_grid(path)
    assert grid.grid.rerank == ("", str(tmp_path / "reader"))
    assert grid.grid.encoder == (str(tmp_path / "reader"), "auto")


def test_an_index_is_a_name_or_a_table_of_settings(tmp_path: Path) -> None:
    table = '{ name = "coded", exact_vectors = 10, recall = 0.9 }'
    path = grid_with(tmp_path, "size = [32]", f'index = ["exact", {table}]')
    exact, coded = load_grid(path).grid.index
    assert exact == "exact"
    assert not isinstance(coded, str)
    assert (coded.name, coded.settings) == ("coded", DenseSettings(exact_vectors=10, recall=0.9))


def test_what_the_command_line_says_takes_the_place_of_the_file(tmp_path: Path) -> None:
    path = grid_with(tmp_path, 'dataset = "weather"', 'questions = "q.jsonl"\ndocuments = "d"')
    grid = load_grid(path, dataset=tmp_path / "weather", limit=3)
    assert grid.source() == Source(dataset=tmp_path / "weather")
    assert grid.limit == 3


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('chunker = ["recursive", ', 'chunker = ["clever", ', "'grid.chunker': there is no chunker 'clever'; choose "
         "from fixed, recursive, semantic, sentence_window, structure"),
        ('"hybrid"]', '"psychic"]', "'grid.fusion': there is no fusion 'psychic'; choose from dense, lexical"),
        ("size = [32]", 'index = ["tree"]', "'grid.index': there is no index 'tree'; choose from auto, exact, appr"),
        ("[grid]", 'metrics = ["beauty@5"]\n[grid]', "'metrics': There is no measure 'beauty@5'; choose from nDCG@k"),
        ("[grid]", 'metric = "nDCG@0"\n[grid]', "'metric': There is no measure 'nDCG@0'"),
        ("size = [32]", "size = []", "'grid.size': an empty list leaves nothing to measure"),
        ("size = [32]", "size = [32, 32]", "'grid.size': 32 stands there twice; name it once"),
        ("size = [32]", "size = [15]", "'grid.size': 15 tokens are too few for a chunk; give at least 16"),
        ("size = [32]", 'size = ["a"]', "'grid.size.0': Input should be a valid integer"),
        ("k = [2]", "k = [0]", "'grid.k.0': Input should be greater than or equal to 1"),
        ("k = [2]", "k = [true]", "'grid.k.0': Input should be a valid integer"),
        ("k = [2]", "k = 2", "'grid.k': a list in brackets, also of one, is expected."),
        ('name = "weather"', 'name = ".."', "'name': letters, digits, spaces and . + - _ are expected"),
        ('name = "weather"', 'name = "../evil"', "'name': letters, digits, spaces and . + - _ are expected"),
        ("[grid]", "depth = 1\n[grid]", "k is 2, but depth is 1; raise depth"),
        ("[grid]", 'colour = "red"\n[grid]', "'colour': there is no such key; there are name, dataset, questions"),
        ("k = [2]", "k = [2]\ncolour = 1", "'grid.colour': there is no such key; there are chunker, size, overlap"),
        ("size = [32]", 'index = [{ name = "x", trees = 3 }]', "'grid.index.0.trees': there is no such key"),
        ("[grid]", 'qrels = "q.txt"\n[grid]', "A source of questions is 'dataset'; or 'questions' with"),
        ('dataset = "weather"', 'qrels = "q.txt"', "'qrels' was given"),
        ('dataset = "weather"', 'questions = "q.jsonl"', "'questions' was given"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = grid_with(tmp_path, old, new)
    with pytest.raises(UserError) as told:
        load_grid(path)
    assert str(told.value).startswith(f"{str(path)!r}")
    assert complaint in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"weather"\n[', '"nowhere"\n[', "'dataset': there is no '{0}/nowhere'; correct the path."),
        ("size = [32]", 'rerank = ["none"]', "'grid.rerank': there is no folder '{0}/none'"),
    ],
)
def test_a_path_that_leads_nowhere_is_said(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    with pytest.raises(NotFound) as told:
        load_grid(grid_with(tmp_path, old, new))
    assert complaint.format(tmp_path) in str(told.value)


def test_a_mistake_of_toml_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"grid.toml' is not TOML: .*line 5"):
        load_grid(grid_with(tmp_path, 'chunker = ["recursive", ', "chunker = [recursive, "))


def test_a_file_that_is_not_utf_8_is_said(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(UserError, match="is not UTF-8 at byte 11; save it as UTF-8"):
        load_grid(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no grid file '.*grid.toml'"):
        load_grid(tmp_path / "grid.toml")


@pytest.mark.parametrize("name", ["chunking", "retrieval"])
def test_the_grids_that_come_with_alcove_can_be_read(name: str) -> None:
    grid = load_grid(Path(__file__).parents[3] / "eval" / "grids" / f"{name}.toml")
    assert grid.name == name
    assert grid.source() is None
