"""The store under test: the conversations of an empty home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.store.memory import Chats
from corpus.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home, with no models beside it."""
    return Home(tmp_path)


@pytest.fixture
def chats(home: Home) -> Iterator[Chats]:
    """The conversations of that home."""
    store = Chats(home)
    yield store
    store.close()
