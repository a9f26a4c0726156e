"""``alcove eval show``: what a results folder holds, again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpus.errors import NotFound, UserError
from eval.__main__ import app
from eval.results.folder import write_results
from eval.results.tables import markdown_table
from tests.eval.results.examples import METRIC, report_of, rows_of

ROWS = rows_of(10)
REPORT = report_of(ROWS)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    write_results(tmp_path / "r", REPORT, ROWS, {}, {}, "")
    return str(tmp_path / "r")


def said(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["show", *arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_the_tables_are_those_of_the_run(folder: str) -> None:
    text = said(folder)
    assert "manuals, 10 questions" in text
    assert "has the best mean recall@5 of 8 systems" in " ".join(text.split())


def test_the_markdown_table_holds_the_measures_that_were_asked_for(folder: str) -> None:
    assert said(folder, "--markdown") == markdown_table(REPORT)
    assert said(folder, "--metric", METRIC) == markdown_table(REPORT, [METRIC])


def test_json_is_the_report(folder: str) -> None:
    assert json.loads(said(folder, "--json")) == json.loads(json.dumps(REPORT))


def test_what_is_not_there_is_named(folder: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no results in"):
        said(str(tmp_path))
    with pytest.raises(UserError, match="no measure 'MAP'"):
        said(folder, "--metric", "MAP")
