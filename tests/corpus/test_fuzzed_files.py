"""Whatever bytes a file holds, its reader reads it or refuses it by name; nothing else comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.datasets import load_beir
from corpus.errors import AlcoveError
from corpus.questions import load_questions, write_questions
from corpus.trec import load_qrels, load_run, load_topics

GOLD = {"document": "rain.md", "quote": "It rains.", "start": 3, "end": 12}
LOADERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "topics": (
        load_topics,
        "<top>\n<num> Number: 1\n<title> Rain?\n</top>\n<top><num>2<title>Snow?</top>\n",
    ),
    "table": (load_topics, "1\tDoes it rain?\n2\tDoes it snow?\n"),
    "qrels": (load_qrels, "q1 0 d1 1\nq2 0 d1 -1\n"),
    "run": (load_run, "q1 Q0 d1 1 0.5 me\nq1 Q0 d2 2 0.25 me\n"),
    "questions": (
        load_questions,
        json.dumps(
            {
                "id": "1",
                "question": "Does it rain?",
                "kind": "lookup",
                "answer": "Yes",
                "gold": [GOLD],
                "documents": {"rain.md": 2},
            }
        )
        + "\n",
    ),
    "corpus": (
        lambda path: load_beir(path.parent),
        json.dumps({"_id": "d1", "title": "Rain", "text": "It rains."}) + "\n",
    ),
}
PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            *(
                b"\n",
                b"\r\n",
                b"\t",
                b" ",
                b"\x00",
                b"\xef\xbb\xbf",
                b"\xff",
                b"\xe2\x80\xa8",
                b'"',
            ),
            *(b"{", b"}", b"[" * 3000, b"null", b"NaN", b"1e999", b"-1", b"9" * 5000, b"\\ud800"),
            *(b"<top>", b"</top>", b"<num>", b"<title>", b"<b>", b"<!--", b"&amp;", b"<", b"nan"),
        ]
    ),
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes of a file with stretches replaced, cut out or put in; or no such file at all."""
    data = whole * draw(st.integers(1, 2))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        data = data[:start] + draw(PIECES) + data[end:]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@pytest.mark.parametrize("name", LOADERS)
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_only_our_errors_come_out_of_a_reader(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    load, whole = LOADERS[name]
    path = tmp_path / "corpus.jsonl"
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "Rain?"}')
    (tmp_path / "qrels").mkdir(exist_ok=True)
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    path.write_bytes(data.draw(damaged(whole.encode())))
    told, found = "", None
    try:
        found = load(path)
    except AlcoveError as error:
        told = str(error)
    assert found or str(tmp_path) in told
    if found and load is load_questions:
        again = tmp_path / "again" / "corpus.jsonl"
        again.parent.mkdir(exist_ok=True)
        write_questions(again, load_questions(path))
        assert load_questions(again) == found
