"""Who may use the service: ``users.toml`` in the home, with one hashed API key for each person.

Without users there is one person, the owner of the machine, and no key is asked for. A key is ``alcove_`` and 32
random bytes in base64url, shown once. Its first eight characters are its id, by which it is found; the rest, 208 bits,
is the secret. Kept is the SHA-256 of a salt and the whole key: a slow hash such as scrypt protects words that can be
guessed, and nobody guesses 208 bits, while a fast one lets a request be checked in microseconds.

The file is read again whenever it changed. Once there were users, a file that is gone or cannot be read lets nobody
in. Knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.errors import Conflict, NotFound, OperatorError, UserError
from corpus.home import Home, disk_errors, locked, write_durably
from corpus.identity import OWNER, Person

__all__ = ["Account", "Users", "new_key"]

_PREFIX = "alcove_"
_KEY = re.compile(r"alcove_[A-Za-z0-9_-]{43}")
_ID = slice(len(_PREFIX), len(_PREFIX) + 8)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Account:
    """A person with a key: what ``users.toml`` says of them. ``owner``: they act as the owner of the machine."""

    name: str
    key: str  # the key's id
    salt: str
    hash: str
    owner: bool = False
    created: str = ""

    @property
    def person(self) -> Person:
        """Who their requests come from."""
        return OWNER if self.owner else Person(self.name)

    def fits(self, key: str) -> bool:
        """Whether this is their key; takes as long whatever is given."""
        return hmac.compare_digest(_hash(self.salt, key), self.hash)


_NOBODY = Account("", "", "0" * 32, "0" * 64)  # compared with when no key has the id


class Users:
    """The people of one home. Safe to use from several threads.

    Raises (any method):
        OperatorError: ``users.toml`` cannot be read, is no such file, or is open to other users of the machine.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.root / "users.toml"
        self._lock_path = home.root / "users.lock"
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._accounts: dict[str, Account] = {}
        self._had_users = False

    def accounts(self) -> list[Account]:
        """Everyone, by name."""
        with self._lock:
            self._look()
            return [self._accounts[name] for name in sorted(self._accounts)]

    def are_there(self) -> bool:
        """Whether keys are asked for: there are users, or there were since this object was made."""
        return bool(self.accounts()) or self._had_users

    def who(self, key: str) -> Account | None:
        """Whose key this is; ``None``: nobody's."""
        wellformed = bool(_KEY.fullmatch(key))
        id = key[_ID] if wellformed else ""
        account = next((a for a in self.accounts() if a.key == id), _NOBODY)
        return account if account.fits(key) and wellformed else None

    def add(self, name: str, owner: bool = False, *, keep_owner: bool = False) -> str:
        """Let somebody in; returns their key, which is kept nowhere.

        Args:
            keep_owner: refuse to leave nobody with an owner's key, for whoever asks over HTTP.

        Raises:
            UserError: this cannot be a name. Conflict: it is taken, or nobody would have an owner's key.
        """
        if not _NAME.fullmatch(name):
            raise UserError(
                f"{name[:80]!r} cannot name a user; use 1 to 32 of a-z, 0-9, '-' and '_', a letter or digit first"
            )
        with self._writing() as accounts:
            if name in accounts:
                raise Conflict(
                    f"there is a user {name!r} already; `alcove users rotate` makes a new key"
                )
            key = new_key()
            accounts[name] = _account(name, key, owner, datetime.now(UTC).date().isoformat())
            if keep_owner and not _owners(accounts):
                raise Conflict(
                    f"once {name!r} has a key everybody needs one, and nobody would have the owner's; make a key for"
                    " an owner first"
                )
        return key

    def rotate(self, name: str) -> str:
        """Give somebody a new key in place of the old; raises ``NotFound``."""
        with self._writing() as accounts:
            account, key = _known(accounts, name), new_key()
            accounts[name] = _account(name, key, account.owner, account.created)
        return key

    def remove(self, name: str, *, keep_owner: bool = False) -> None:
        """Let somebody in no more; what is theirs stays.

        Raises:
            NotFound: there is no such user. Conflict: ``keep_owner``, and nobody else has an owner's key.
        """
        with self._writing() as accounts:
            del accounts[_known(accounts, name).name]
            if keep_owner and not _owners(accounts):
                raise Conflict(
                    f"{name!r} has the only owner's key, without which nobody could let anybody in; make another"
                    " owner first, or run `alcove users remove` on the machine itself"
                )

    @contextmanager
    def _writing(self) -> Iterator[dict[str, Account]]:
        """The accounts to change; written back at the end, with one writer at a time."""
        with locked(
            self._lock_path, "users.toml is being changed; try again in a moment", wait=True
        ):
            accounts = {account.name: account for account in self.accounts()}
            yield accounts
            write_durably(self._path, _toml(accounts).encode(), mode=0o600)

    def _look(self) -> None:
        """Read the file if it changed. The caller holds the lock."""
        with disk_errors(self._path):
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                self._seen, self._accounts = (), {}
                return
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_mode)
            if seen == self._seen:
                return
            self._seen = ()
            if stat.st_mode & 0o077:
                raise OperatorError(
                    f"{str(self._path)!r} can be read by others on this machine; run `chmod 600` on it"
                )
            text = self._path.read_bytes()
        self._accounts = _parsed(text, self._path)
        self._seen = seen
        self._had_users = self._had_users or bool(self._accounts)


def new_key() -> str:
    """A key that nobody has."""
    return _PREFIX + secrets.token_urlsafe(32)


def _account(name: str, key: str, owner: bool, created: str) -> Account:
    salt = secrets.token_hex(16)
    return replace(Account(name, key[_ID], salt, "", owner, created), hash=_hash(salt, key))


def _hash(salt: str, key: str) -> str:
    return hashlib.sha256(f"{salt}{key}".encode("utf-8", "surrogateescape")).hexdigest()


def _owners(accounts: Mapping[str, Account]) -> list[Account]:
    return [account for account in accounts.values() if account.owner]


def _known(accounts: Mapping[str, Account], name: str) -> Account:
    if name not in accounts:
        raise NotFound(f"there is no user {name!r}; `alcove users list` shows who there is")
    return accounts[name]


def _parsed(raw: bytes, path: Path) -> dict[str, Account]:
    try:
        users = tomllib.loads(raw.decode()).get("users", {})
        return {name: _from_table(name, table) for name, table in users.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise OperatorError(
            f"{str(path)!r} is not a list of users ({exc}); correct it, or delete it and add them anew"
        ) from exc


def _from_table(name: str, table: Mapping[str, Any]) -> Account:
    account = Account(name=name, **table)
    shape = {"key": 8, "salt": 32, "hash": 64}
    fits = all(isinstance(table[part], str) and len(table[part]) == n for part, n in shape.items())
    if not (fits and _NAME.fullmatch(name) and type(table.get("owner", False)) is bool):
        raise ValueError(f"the user {name!r} is not written as `alcove users add` writes it")
    return account


def _toml(accounts: Mapping[str, Account]) -> str:
    lines = ["# Written by `alcove users`. Keys are kept as hashes: they cannot be read from here."]
    for name in sorted(accounts):
        a = accounts[name]
        lines += [
            "",
            f"[users.{name}]",
            f'key = "{a.key}"',
            f'salt = "{a.salt}"',
            f'hash = "{a.hash}"',
        ]
        lines += [f"owner = {str(a.owner).lower()}", f'created = "{a.created}"']
    return "\n".join(lines) + "\n"
