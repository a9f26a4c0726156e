"""Users and their keys: kept as hashes, checked quickly, read anew when they change."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from agents.people.identity import Users, new_key
from corpus.errors import Conflict, NotFound, OperatorError, UserError
from corpus.home import Home
from corpus.identity import OWNER, Person


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(Home(tmp_path))


def test_without_users_no_key_is_asked_for(users: Users) -> None:
    assert users.accounts() == []
    assert not users.are_there()
    assert users.who(new_key()) is None


def test_a_key_finds_its_person(users: Users) -> None:
    ada, root = users.add("ada"), users.add("root", owner=True)
    assert ada.startswith("alcove_")
    assert len(ada) == len("alcove_") + 43
    found = [users.who(key) for key in (ada, root)]
    assert [account and account.person for account in found] == [Person("ada"), OWNER]
    other = "A" if ada[-1] != "A" else "B"
    for wrong in ("", "alcove_", ada[:-1], ada[:-1] + other, ada + "A", new_key(), "é" * 50):
        assert users.who(wrong) is None


def test_no_key_is_on_the_disk_and_nobody_else_reads_the_file(users: Users, tmp_path: Path) -> None:
    key = users.add("ada")
    text = (tmp_path / "users.toml").read_text()
    assert key not in text
    assert key[20:] not in text
    assert (tmp_path / "users.toml").stat().st_mode & 0o777 == 0o600


def test_a_new_key_ends_the_old_one(users: Users) -> None:
    old = users.add("ada")
    new = users.rotate("ada")
    assert users.who(old) is None
    assert users.who(new) is not None


def test_changes_of_another_process_are_seen(users: Users, tmp_path: Path) -> None:
    other = Users(Home(tmp_path))
    key = other.add("ada")
    assert users.who(key) is not None
    other.remove("ada")
    assert users.who(key) is None


def test_once_there_were_users_their_absence_opens_nothing(users: Users, tmp_path: Path) -> None:
    users.add("ada")
    assert users.are_there()
    (tmp_path / "users.toml").unlink()
    assert users.are_there()
    assert users.accounts() == []


def test_a_file_that_others_can_read_is_refused(users: Users, tmp_path: Path) -> None:
    users.add("ada")
    (tmp_path / "users.toml").chmod(0o644)
    with pytest.raises(OperatorError, match="chmod 600"):
        users.accounts()


@pytest.mark.parametrize(
    "text",
    [
        "users = 3",
        "[users.ada]\n",
        "[users.ada]\nkey = 1\nsalt = 'x'\nhash = 'y'\n",
        "not toml",
        f"[users.ADA]\nkey = '12345678'\nsalt = '{'0' * 32}'\nhash = '{'0' * 64}'\n",
    ],
)
def test_a_file_that_is_no_list_of_users_is_refused(
    users: Users, tmp_path: Path, text: str
) -> None:
    (tmp_path / "users.toml").write_text(text)
    (tmp_path / "users.toml").chmod(0o600)
    with pytest.raises(OperatorError, match=r"users\.toml"):
        users.accounts()


def test_names_are_short_plain_and_taken_once(users: Users) -> None:
    for name in ("", "Ada", "a/b", "..", "a" * 33, "é", "-a"):
        with pytest.raises(UserError):
            users.add(name)
    users.add("ada")
    with pytest.raises(Conflict, match="'ada'"):
        users.add("ada")
    for change in (users.rotate, users.remove):
        with pytest.raises(NotFound, match="'bob'"):
            change("bob")


def test_finding_a_person_costs_no_slow_hash_for_each_user(users: Users) -> None:
    keys = [users.add(f"user-{n}") for n in range(20)]
    began = time.process_time()
    for _ in range(50):
        for key in (keys[-1], new_key()):
            users.who(key)
    assert (time.process_time() - began) / 100 < 0.005


def test_a_killed_write_leaves_the_users_as_they_were(users: Users, tmp_path: Path) -> None:
    key = users.add("ada")
    (tmp_path / "users.toml.tmp").write_text("half")
    os.utime(tmp_path / "users.toml")
    assert users.who(key) is not None
    users.add("bob")
    assert [account.name for account in users.accounts()] == ["ada", "bob"]
