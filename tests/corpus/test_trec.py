"""TREC's topics, judgements and runs: what is read, in which order, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.errors import NotFound, UserError
from corpus.records import Judgement
from corpus.trec import load_qrels, load_run, load_topics

CLASSIC = """
<top>

<num> Number: 301
<title> International
Organized  Crime

<desc> Description:
Identify organizations that participate in crime.

<narr> Narrative:
A relevant document must name one.

</top>

<top>
<num> Number: 302
<title> Topic: Poliomyelitis &amp; Post-Polio, <5 cases
<con> Concept(s): polio
</top>
"""

XML = """<?xml version="1.0"?>
<!-- of the pilot -->
<topics task="pilot">
<top><num>q1</num><title>Does it rain?</title><desc>Rain.</desc></top>
  <top lang="en">
    <num>q2</num>
    <title>Does it &lt;b&gt; snow &amp;amp; hail?</title>
  </top>
</topics>
"""


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_topics_of_trecs_own_files_are_read(tmp_path: Path) -> None:
    topics = load_topics(written(tmp_path / "topics.txt", CLASSIC))
    assert [(topic.id, topic.text) for topic in topics] == [
        ("301", "International Organized Crime"),
        ("302", "Poliomyelitis & Post-Polio, <5 cases"),
    ]


def test_topics_with_end_tags_are_read_whatever_the_lines(tmp_path: Path) -> None:
    topics = load_topics(written(tmp_path / "topics.xml", XML))
    assert [(topic.id, topic.text) for topic in topics] == [
        ("q1", "Does it rain?"),
        ("q2", "Does it <b> snow &amp; hail?"),
    ]


def test_topics_may_be_a_table(tmp_path: Path) -> None:
    topics = load_topics(written(tmp_path / "topics.tsv", "1\tDoes it rain?\n2\t a < b? \n\n"))
    assert [(topic.id, topic.text) for topic in topics] == [("1", "Does it rain?"), ("2", "a < b?")]


@pytest.mark.parametrize("text", [CLASSIC, XML, "1\tRain?\n2\tSnow?\n"])
def test_marks_line_ends_and_blank_lines_of_windows_change_nothing(
    tmp_path: Path, text: str
) -> None:
    plain = load_topics(written(tmp_path / "plain", text))
    windows = "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n"
    assert load_topics(written(tmp_path / "windows", windows)) == plain


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<top><num>1</num></top>", "line 1: topic '1' has no title"),
        ("\n<top>\n<num>1\n<title>\n</top>", "line 2: topic '1' has no title"),
        ("<top>\n<title>a\n</top>", "line 1: this topic has no <num>"),
        ("<top><num>1 2<title>a</top>", "line 1: an id is one word, not '1 2'"),
        ("<top>\n<num>1\n<title>a", "line 1: this <top> has no </top>"),
        ("<top>\n<num>1\n<title>a\n<top>", "line 4: <top> does not belong here"),
        ("<topics>\n</top>", "line 2: </top> does not belong here"),
        ("<top>\n<num>1<num>2", "line 2: the topic of line 1 has a second <num>"),
        ("<top>\n<num>1\n<title>a\n<title>b", "line 4: the topic of line 1 has a second <title>"),
        ("<top>\nmore\n", "line 2: text outside of a section of a <top>: 'more'"),
        ("<topics>\nmore\n", "line 2: text outside of a section of a <top>: 'more'"),
        ("<top><num>1</num>2", "line 1: text outside of a section of a <top>: '2'"),
        ("<top><num>1<title>a <b>c</b>", "line 1: <b> stands inside of <title>; write < as &lt;"),
        (
            "<top><num>1<title>a</top>\n<top><num>1<title>b</top>",
            "line 2: topic '1' stands already",
        ),
        ("1\ta\n1\tb", "line 2: topic '1' stands already on line 1"),
        ("1\ta\n2 b", "line 2: an id and a text separated by one tab were expected: '2 b'"),
        ("1\ta\tb", "line 1: an id and a text separated by one tab"),
        ("1\t ", "line 1: topic '1' has no title"),
        ("\ta", "line 1: an id is one word"),
        ("", "holds no topic"),
        ("<topics>\n</topics>", "holds no topic"),
    ],
)
def test_topics_that_are_none_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UserError) as caught:
        load_topics(written(tmp_path / "topics", text))
    assert complaint in str(caught.value)
    assert "topics'" in str(caught.value)


def test_judgements_keep_their_order_and_their_lines(tmp_path: Path) -> None:
    qrels = load_qrels(written(tmp_path / "qrels", "q2 0 d1 1\r\n\r\nq1\tQ0  d1 -1\n q2 3 d2 0 \n"))
    assert qrels.grades() == {"q2": {"d1": 1, "d2": 0}, "q1": {"d1": -1}}
    assert qrels.places[Judgement("q1", "d1", -1)].line == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("q1 d1 1", "line 1: 4 columns (query iteration document grade) were expected, not 3"),
        ("q1 0 d1 1 x", "line 1: 4 columns"),
        ("q1 0 d1 1\nq1 1 d1 1", "line 2: document 'd1' of query 'q1' was judged on line 1"),
        ("q1 0 d1 high", "line 1: the grade must be a whole number, not 'high'"),
        ("q1 0 d1 1.0", "line 1: the grade must be a whole number, not '1.0'"),
        ("q1 0 d1 1000000", "line 1: the grade must lie between -1000 and 1000"),
        ("q1 0 d1 " + "9" * 5000, "line 1: the grade must be a whole number"),
        ("", "holds no judgement"),
        (" \n\n", "holds no judgement"),
    ],
)
def test_judgements_that_are_none_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UserError) as caught:
        load_qrels(written(tmp_path / "qrels", text))
    assert complaint in str(caught.value)


def test_a_run_is_ranked_by_its_scores_not_by_its_lines_or_ranks(tmp_path: Path) -> None:
    text = "q1 Q0 a 1 0.5 me\nq2 Q0 a 1 1e3 me\nq1 Q0 b 2 0.7 me\nq1 Q0 c 3 -1 me\n"
    assert load_run(written(tmp_path / "run", text)) == {
        "q1": [("b", 0.7), ("a", 0.5), ("c", -1.0)],
        "q2": [("a", 1000.0)],
    }


def test_equal_scores_are_ranked_by_document_the_last_first(tmp_path: Path) -> None:
    text = "".join(f"q Q0 {document} 1 2.0 me\n" for document in ("b", "10", "ä", "9", "Z"))
    found = load_run(written(tmp_path / "run", text))
    assert [document for document, _ in found["q"]] == ["ä", "b", "Z", "9", "10"]


def test_ties_are_broken_as_trecs_own_code_does(tmp_path: Path) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="not packaged for this machine")
    random.seed(4)
    near = [0.1, 0.1 + 1e-12, 0.1 - 1e-12, 0.1 + 1e-8, 0.1 + 1e-7, 1e300, 1e299, -1e300]
    scores = {f"d{number}": random.choice([*near, 2.0, 3.0]) for number in range(60)}
    text = "".join(f"q Q0 {name} 1 {score!r} me\n" for name, score in scores.items())
    ours = [name for name, _ in load_run(written(tmp_path / "run", text))["q"]]
    ranks = {}
    for name in scores:  # the rank that its code gives the only relevant document
        evaluator = pytrec_eval.RelevanceEvaluator({"q": {name: 1}}, {"recip_rank"})
        ranks[name] = round(1 / evaluator.evaluate({"q": scores})["q"]["recip_rank"])
    assert ours == sorted(scores, key=ranks.__getitem__)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("q1 Q0 d1 1 0.5", "line 1: 6 columns (query Q0 document rank score tag) were expected"),
        ("q1 Q0 d1 1 nan me", "line 1: the score must be a finite number, not 'nan'"),
        ("q1 Q0 d1 1 -inf me", "line 1: the score must be a finite number, not '-inf'"),
        ("q1 Q0 d1 1 1e999 me", "line 1: the score must be a finite number, not '1e999'"),
        ("q1 Q0 d1 1 good me", "line 1: the score must be a finite number, not 'good'"),
        ("q1 Q0 d1 first 1 me", "line 1: the rank must be a whole number, not 'first'"),
        ("q1 Q0 d1 1 2 me\nq1 Q0 d1 2 1 me", "line 2: document 'd1' of query 'q1' was ranked on"),
        ("", "holds no result"),
    ],
)
def test_runs_that_are_none_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UserError) as caught:
        load_run(written(tmp_path / "run", text))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("load", [load_topics, load_qrels, load_run])
def test_files_that_are_no_text_or_not_there_are_named(
    tmp_path: Path, load: Callable[[Path], object]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\n\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(UserError, match=r"file', line 2: byte 1 is not UTF-8"):
        load(path)
    with pytest.raises(NotFound, match=r"no file .*nowhere"):
        load(tmp_path / "nowhere")
