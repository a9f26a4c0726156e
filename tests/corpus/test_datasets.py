"""Reading of test collections and question sets, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from corpus.datasets import Dataset, load_beir
from corpus.errors import NotFound, OperatorError, UserError
from corpus.lines import lines_of
from corpus.records import Judgement

DOCUMENTS = [
    {"_id": "d1", "title": "Rain", "text": "It rains."},
    {"_id": "d2", "title": "", "text": "It snows."},
]
QUERIES = [
    {"_id": "q1", "text": "Does it rain?", "metadata": {"answer": "Yes"}},
    {"_id": "q2", "text": "Does it snow?"},
    {"_id": "q3", "text": "Is it foggy?"},
]
HEADER = "query-id\tcorpus-id\tscore"
QRELS = [HEADER, "q2\td2\t2", "q1\td1\t1", "q3\td1\t0"]


def write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def make_set(
    folder: Path,
    documents: Sequence[Mapping[str, object]] = DOCUMENTS,
    queries: Sequence[Mapping[str, object]] = QUERIES,
    qrels: Sequence[str] = QRELS,
) -> Path:
    write_lines(folder / "corpus.jsonl", [json.dumps(line) for line in documents])
    write_lines(folder / "queries.jsonl", [json.dumps(line) for line in queries])
    write_lines(folder / "qrels" / "test.tsv", qrels)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_beir(folder)
    return str(caught.value)


@pytest.fixture
def weather(tmp_path: Path) -> Dataset:
    return load_beir(make_set(tmp_path / "weather"))


def test_a_set_is_named_for_its_folder_and_keeps_the_order_of_its_files(weather: Dataset) -> None:
    assert weather.name == "weather"
    assert [document.id for document in weather.documents] == ["d1", "d2"]
    assert [query.text for query in weather.queries][:2] == ["Does it rain?", "Does it snow?"]
    assert weather.judgements[0] == Judgement("q2", "d2", 2)


def test_the_metadata_of_a_query_is_kept(weather: Dataset) -> None:
    assert weather.queries[0].metadata == {"answer": "Yes"}
    assert weather.queries[1].metadata == {}


def test_a_query_without_a_relevant_document_is_not_judged(weather: Dataset) -> None:
    assert [query.id for query in weather.judged()] == ["q1", "q2"]
    assert weather.qrels() == {"q2": {"d2": 2}, "q1": {"d1": 1}}


def test_a_title_may_be_missing(tmp_path: Path) -> None:
    folder = make_set(tmp_path, documents=[{"_id": "d1", "text": "a"}, {"_id": "d2", "text": "b"}])
    assert [document.title for document in load_beir(folder).documents] == ["", ""]


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = load_beir(make_set(tmp_path / "plain" / "x"))
    folder = make_set(tmp_path / "windows" / "x")
    for path in [*folder.glob("*.jsonl"), *folder.glob("qrels/*.tsv")]:
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_beir(folder) == plain


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    text = "one\u2028two\x85three"
    folder = make_set(tmp_path, documents=[{"_id": "d1", "text": text}, *DOCUMENTS[1:]])
    line = json.dumps({"_id": "d1", "text": text}, ensure_ascii=False)
    write_lines(folder / "corpus.jsonl", [line, json.dumps(DOCUMENTS[1])])
    assert load_beir(folder).documents[0].text == text


def test_the_split_that_is_asked_for_is_read(tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    write_lines(folder / "qrels" / "train.tsv", [HEADER, "q3\td2\t1"])
    assert load_beir(folder, split="train").judgements == (Judgement("q3", "d2", 1),)
    assert len(load_beir(folder).judgements) == 3


def test_a_lone_split_is_read_whatever_its_name(tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "dev.tsv")
    assert len(load_beir(folder).judgements) == 3


def test_an_unknown_split_lists_those_there_are(tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    write_lines(folder / "qrels" / "train.tsv", [HEADER, "q3\td2\t1"])
    with pytest.raises(NotFound, match=r"no split 'dev'; choose one of \['test', 'train'\]"):
        load_beir(folder, split="dev")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (make_set(tmp_path) / name).unlink()
    with pytest.raises(NotFound, match=r"corpus\.jsonl|queries\.jsonl|\*\.tsv"):
        load_beir(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no folder .*nowhere"):
        load_beir(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (make_set(tmp_path) / name).write_text("")
    assert str(tmp_path / name) in refusal(tmp_path)


def test_qrels_with_nothing_below_the_header_are_refused(tmp_path: Path) -> None:
    assert "no judgement" in refusal(make_set(tmp_path, qrels=[HEADER]))


def test_broken_json_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    write_lines(folder / "corpus.jsonl", [json.dumps(DOCUMENTS[0]), '{"_id": "d2",'])
    assert "corpus.jsonl', line 2: not JSON" in refusal(folder)


def test_a_byte_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    with (folder / "queries.jsonl").open("ab") as stream:
        stream.write(b'{"_id": "q9", "text": "caf\xe9"}\n')
    assert "queries.jsonl', line 4: byte 27 is not UTF-8" in refusal(folder)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"_id": "d1", "text": "a", "text": "b"}', "(the key 'text' is there twice)"),
        ('{"_id": ' + "9" * 5000 + "}", "not JSON that can be read (Exceeds the limit"),
        ('{"_id": ' + "[" * 100_000, "(it is nested too deeply)"),
    ],
)
def test_json_that_cannot_be_taken_at_its_word_is_refused(
    tmp_path: Path, line: str, complaint: str
) -> None:
    folder = make_set(tmp_path)
    write_lines(folder / "corpus.jsonl", [line])
    told = refusal(folder)
    assert "corpus.jsonl', line 1: not JSON that can be read" in told
    assert complaint in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    (folder / "corpus.jsonl").chmod(0)
    with pytest.raises(OperatorError, match=r"corpus\.jsonl' cannot be read \(Permission denied"):
        load_beir(folder)


def test_a_name_that_no_file_can_have_is_refused_as_well(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        list(lines_of(tmp_path / ("a" * 5000)))


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    folder = make_set(tmp_path, documents=[{"_id": "d1", "text": "\ud83d"}, *DOCUMENTS[1:]])
    assert "line 1: 'text' holds half of a surrogate pair" in refusal(folder)


def test_two_documents_with_one_id_are_refused(tmp_path: Path) -> None:
    folder = make_set(tmp_path, documents=[*DOCUMENTS, DOCUMENTS[0]])
    assert "corpus.jsonl', line 3: id 'd1' stands already on line 1" in refusal(folder)


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (["d1"], "a JSON object was expected"),
        ({"text": "a"}, "'_id' must be a text, not None"),
        ({"_id": 7, "text": "a"}, "'_id' must be a text, not 7"),
        ({"_id": " ", "text": "a"}, "'_id' is empty"),
        ({"_id": "d1"}, "'text' must be a text, not None"),
        ({"_id": "d1", "text": "a", "title": ["b"]}, "'title' must be a text"),
    ],
)
def test_a_document_that_is_none_is_refused(
    tmp_path: Path, record: Mapping[str, object], complaint: str
) -> None:
    assert f"corpus.jsonl', line 1: {complaint}" in refusal(make_set(tmp_path, documents=[record]))


def test_metadata_that_is_no_object_is_refused(tmp_path: Path) -> None:
    folder = make_set(tmp_path, queries=[{"_id": "q1", "text": "a", "metadata": "b"}])
    assert "queries.jsonl', line 1: 'metadata' must be an object" in refusal(folder)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["q1\td1\t1"], "line 1: the header"),
        ([HEADER, "q1 d1 1"], "line 2: three fields separated by tabs were expected, not 1"),
        ([HEADER, "q1\td1\thigh"], "line 2: the score must be a whole number, not 'high'"),
        ([HEADER, "q1\td1\t1_0"], "line 2: the score must be a whole number, not '1_0'"),
        ([HEADER, "q1\td1\t" + "9" * 5000], "line 2: the score must be a whole number"),
        ([HEADER, "q1\td1\t1001"], "line 2: the score must lie between -1000 and 1000"),
        ([HEADER, "q1\td1\t1", "q1\td1\t2"], "line 3: the pair ('q1', 'd1') was judged already"),
        ([HEADER, "q1\td1\t1", "q9\td1\t1"], "line 3: query 'q9' is judged but is not in"),
        (
            [HEADER, "q1\td8\t1", "q1\td9\t1"],
            "line 2: document 'd8' is judged but is not in 'corpus.jsonl' (lines like this: 2)",
        ),
    ],
)
def test_a_broken_judgement_is_refused_with_its_line(
    tmp_path: Path, lines: Sequence[str], complaint: str
) -> None:
    assert complaint in refusal(make_set(tmp_path, qrels=lines))
