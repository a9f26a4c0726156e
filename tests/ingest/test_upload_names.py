"""An uploaded name is kept as far as it is safe; one that cannot be used is refused in words."""

from __future__ import annotations

import pytest

from corpus.errors import FileProblem
from corpus.records import State
from ingest.upload_names import upload_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.txt", "a.txt"),
        ("reports/2026/q1.pdf", "reports/2026/q1.pdf"),
        ("reports\\2026\\q1.pdf", "reports/2026/q1.pdf"),
        ("./a//b.txt", "a/b.txt"),
        ("two\nlines\r.txt", "twolines.txt"),
        ("two%0D%0Alines %22quoted%22 100%.txt", 'twolines "quoted" 100%.txt'),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("\u2067fo\u200blder/na\u200fme.md", "folder/name.md"),
        ("  spaced name .txt ", "spaced name .txt"),
        ("u\u0308ber.txt", "über.txt"),
        ("...txt", "...txt"),
    ],
)
def test_what_is_safe_is_kept(given: str, kept: str) -> None:
    assert upload_name(given) == kept


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("../a.txt", "leads out"),
        ("a/../../b.txt", "leads out"),
        ("a/.\u202e./b.txt", "leads out"),
        ("/etc/passwd", "absolute"),
        ("\\\\server\\share\\a.txt", "absolute"),
        ("C:\\Users\\a.txt", "absolute"),
        ("", "no visible character"),
        (None, "no visible character"),
        ("\u202e\n", "no visible character"),
        ("folder/\u202e", "no visible character"),
        ("folder/", "no visible character"),
        ("a" * 201, "longer than 200"),
        ("ab/" * 400 + "a.txt", "longer than"),
        ("a/" * 51 + "a.txt", "folders deep"),
        ("photos/.DS_Store", "passed over"),
        ("papers/~$draft.docx", "passed over"),
    ],
)
def test_what_is_not_is_refused_in_words(given: str | None, why: str) -> None:
    with pytest.raises(FileProblem, match=why) as refused:
        upload_name(given)
    assert refused.value.state in (State.UNSAFE_PATH, State.UNSUPPORTED_TYPE)
