"""The commands that let people in, and those that show what is remembered."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents.store.memory import Chats
from corpus.errors import AlcoveError, NotFound, UserError
from corpus.home import Home
from ui.commands.people import memories_app, users_app


def run(app: object, home: Path, *words: str) -> Result:
    result = CliRunner().invoke(app, [*words, "--home", str(home)])  # type: ignore[arg-type]
    if isinstance(result.exception, AlcoveError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_a_key_is_shown_once(tmp_path: Path) -> None:
    said = run(users_app, tmp_path, "add", "ada").output
    key = next(word for word in said.split() if word.startswith("alcove_"))
    assert "--owner" in said
    listed = run(users_app, tmp_path, "list").output
    assert "ada" in listed
    assert key not in listed
    raw = json.loads(run(users_app, tmp_path, "rotate", "ada", "--json").stdout)
    assert raw["key"] != key
    assert json.loads(run(users_app, tmp_path, "remove", "ada", "--json").stdout) == {
        "removed": "ada"
    }
    with pytest.raises(NotFound, match="'ada'"):
        run(users_app, tmp_path, "remove", "ada")
    with closing(Chats(Home(tmp_path))) as chats:
        entries = chats.audit.entries()
    assert [e["action"] for e in entries] == ["user.removed", "user.rotated", "user.added"]
    assert {e["details"]["user"] for e in entries} == {"ada"}


def test_memories_are_listed_changed_and_deleted(tmp_path: Path) -> None:
    made = json.loads(run(memories_app, tmp_path, "add", "Likes tea.", "--json").stdout)
    run(memories_app, tmp_path, "edit", made["id"], "Likes green tea.")
    assert "Likes green tea." in run(memories_app, tmp_path, "list").output
    assert "tea" not in run(memories_app, tmp_path, "list", "--user", "ada").output
    run(memories_app, tmp_path, "delete", made["id"])
    assert json.loads(run(memories_app, tmp_path, "list", "--json").stdout) == {"memories": []}
    assert json.loads(run(memories_app, tmp_path, "--json").stdout) == {"memories": []}


def test_removing_somebody_says_what_stays_and_forgets_it_when_asked(tmp_path: Path) -> None:
    run(users_app, tmp_path, "add", "ada")
    run(memories_app, tmp_path, "add", "Likes tea.", "--user", "ada")
    run(memories_app, tmp_path, "add", "Owns the place.")
    said = run(users_app, tmp_path, "remove", "ada").output
    assert "1 memory" in said
    assert "--forget" in said
    with pytest.raises(UserError, match="add --yes"):
        run(users_app, tmp_path, "remove", "ada", "--forget")
    run(users_app, tmp_path, "add", "ada")
    raw = json.loads(
        run(users_app, tmp_path, "remove", "ada", "--forget", "--yes", "--json").stdout
    )
    counts = {"threads": 0, "memories": 1, "notes": 0, "documents": 0}
    assert raw == {"removed": "ada", "forgotten": counts}
    assert "Likes tea" not in run(memories_app, tmp_path, "list", "--user", "ada").output
    assert "Owns the place" in run(memories_app, tmp_path, "list").output
    assert json.loads(run(users_app, tmp_path, "list", "--json").stdout) == {"users": []}
    with pytest.raises(NotFound, match="'ada'"):
        run(users_app, tmp_path, "remove", "ada", "--forget", "--yes")


def test_what_is_the_owners_is_not_forgotten_with_a_key(tmp_path: Path) -> None:
    run(users_app, tmp_path, "add", "root", "--owner")
    for name in ("root", ""):
        with pytest.raises(UserError, match="owner"):
            run(users_app, tmp_path, "remove", name, "--forget", "--yes")
    assert "root" in run(users_app, tmp_path, "list").output
