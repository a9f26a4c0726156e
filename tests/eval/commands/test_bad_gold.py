"""A benchmark on bad input ends in one sentence with file and line, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.__main__ import main

CORPUS = '{"_id": "d1", "title": "Rain", "text": "It rains."}\n'
QUERIES = '{"_id": "q1", "text": "Does it rain?"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\n"
REFERENCE = {"content": "It rains.", "start_index": 0, "end_index": 9}
SPANS = json.dumps({"id": "1", "corpus": "w", "question": "Rain?", "references": [REFERENCE]})
WHOLE = {
    "beir/corpus.jsonl": CORPUS,
    "beir/queries.jsonl": QUERIES,
    "beir/qrels/test.tsv": QRELS,
    "trec/corpus.jsonl": CORPUS,
    "trec/topics.xml": "<top><num>q1</num><title>Does it rain?</title></top>\n",
    "trec/qrels.txt": "q1 0 d1 1\n",
    "spans/corpora/w.md": "It rains.\n",
    "spans/questions.jsonl": SPANS + "\n",
}
GRIDS = {
    "beir": 'dataset = "beir"',
    "trec": 'corpus = "trec/corpus.jsonl"\ntopics = "trec/topics.xml"\nqrels = "trec/qrels.txt"',
    "spans": 'dataset = "spans"',
}


def stage(tmp_path: Path, change: Callable[[bytes], bytes], changed: str) -> Path:
    """Whole files but for one; returns a grid about the set that it belongs to."""
    for name, text in WHOLE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change(text.encode()) if name == changed else text.encode())
    grid = tmp_path / "grid.toml"
    grid.write_text(GRIDS[changed.split("/", maxsplit=1)[0]])
    return grid


def again(text: bytes) -> bytes:
    return text + text


def cut(text: bytes) -> bytes:
    return text[: len(text) // 2]


def latin(text: bytes) -> bytes:
    return text + "é\n".encode("latin-1")


def empty(text: bytes) -> bytes:
    return text[:0]


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda text: text.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("beir/corpus.jsonl", again, "line 2: id 'd1' stands already on line 1"),
        ("beir/queries.jsonl", again, "line 2: id 'q1' stands already on line 1"),
        ("beir/corpus.jsonl", cut, "line 1: not JSON"),
        ("beir/corpus.jsonl", latin, "line 2: byte 1 is not UTF-8"),
        ("beir/corpus.jsonl", empty, "is empty"),
        ("beir/queries.jsonl", empty, "is empty"),
        ("beir/qrels/test.tsv", empty, "line 1: the header"),
        ("beir/qrels/test.tsv", replaced("q1", "q2"), "line 2: query 'q2' is judged but is not in"),
        ("beir/qrels/test.tsv", replaced("d1", "d2"), "line 2: document 'd2' is judged but"),
        ("beir/qrels/test.tsv", replaced("\t1", "\t9999"), "line 2: the score must lie between"),
        ("trec/corpus.jsonl", again, "line 2: id 'd1' stands already on line 1"),
        ("trec/topics.xml", again, "line 2: topic 'q1' stands already on line 1"),
        ("trec/topics.xml", replaced("Does it rain?", ""), "line 1: topic 'q1' has no title"),
        ("trec/topics.xml", cut, "line 1: this <top> has no </top>"),
        ("trec/topics.xml", latin, "line 2: byte 1 is not UTF-8"),
        ("trec/topics.xml", empty, "holds no topic"),
        ("trec/qrels.txt", again, "line 2: document 'd1' of query 'q1' was judged on line 1"),
        ("trec/qrels.txt", replaced("q1", "q2"), "line 1: query 'q2' is judged but is not in"),
        ("trec/qrels.txt", replaced("d1", "d2"), "line 1: document 'd2' is judged but is not in"),
        ("trec/qrels.txt", replaced("1\n", "1000000\n"), "line 1: the grade must lie between"),
        ("trec/qrels.txt", empty, "holds no judgement"),
        ("spans/questions.jsonl", again, "line 2: id '1' stands already on line 1"),
        ("spans/questions.jsonl", cut, "line 1: not JSON"),
        ("spans/questions.jsonl", replaced(": 0", ": -1"), "line 1: -1 to 9 is no place"),
        ("spans/questions.jsonl", replaced(": 9", ": 99"), "line 1: 0 to 99 is no place"),
        ("spans/questions.jsonl", replaced('"w"', '"x"'), "line 1: there is no corpus 'x'"),
        ("spans/questions.jsonl", empty, "is empty"),
        ("spans/corpora/w.md", latin, "is not UTF-8 at byte 10"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    change: Callable[[bytes], bytes],
    complaint: str,
) -> None:
    grid = stage(tmp_path, change, name)
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(SystemExit) as ended:
        main(["run", str(grid), "--home", str(tmp_path / "home"), "--out", str(tmp_path / "out")])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("alcove: ")
    assert len(err.splitlines()) == 1
    assert str(tmp_path / name) in err
    assert complaint in err
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", WHOLE)
def test_the_line_ends_and_the_mark_of_windows_are_no_bad_input(tmp_path: Path, name: str) -> None:
    from eval.gold.sources import load_gold
    from eval.grid.plan import load_grid

    def windows(text: bytes) -> bytes:
        mark = b"" if name.endswith(".md") else b"\xef\xbb\xbf"  # a text's offsets count its mark
        return mark + text.replace(b"\n", b"\r\n") + b"\r\n\r\n"

    source = load_grid(stage(tmp_path, windows, name)).source()
    assert source is not None
    (topic,) = load_gold(source).topics
    assert topic.text in ("Does it rain?", "Rain?")
