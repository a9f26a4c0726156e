"""The command line run in this process, in a home of its own, with a model that loads at once."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ui.cli import main


class Outcome(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """The one object on standard output."""
        return json.loads(self.out)


Alcove = Callable[..., Outcome]


@pytest.fixture(scope="session")
def tiny_model(make_e5: Callable[..., Path]) -> Path:
    return make_e5("tiny-e5")


@pytest.fixture
def alcove(
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Alcove:
    """Runs a command in a home of its own, with a model that loads at once."""
    _settle(monkeypatch, tmp_path / "home", tiny_model)

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = _status(monkeypatch, *arguments)
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    return _written(tmp_path / "papers")


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with papers, and with a home into which they were ingested."""
    folder = tmp_path_factory.mktemp("stocked")
    with pytest.MonkeyPatch.context() as patch:
        _settle(patch, folder / "home", tiny_model)
        assert _status(patch, "ingest", _written(folder / "papers")) == 0
    return folder


@pytest.fixture
def ingested(tmp_path: Path, stocked: Path) -> Path:
    """The papers, which no test changes, where the home of ``alcove`` is as their ingest left it."""
    shutil.copytree(stocked / "home", tmp_path / "home", symlinks=True)
    return stocked / "papers"


def _settle(patch: pytest.MonkeyPatch, home: Path, model: Path) -> None:
    patch.setenv("ALCOVE_HOME", str(home))
    patch.setenv("ALCOVE_EMBEDDING__MODEL", str(model))
    patch.setenv("ALCOVE_LLM__DISCOVER", "false")
    patch.setenv("ALCOVE_INGEST__WORKERS", "1")


def _status(patch: pytest.MonkeyPatch, *arguments: object) -> int:
    patch.setattr(sys, "argv", ["alcove", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    status = ended.value.code
    return status if isinstance(status, int) else 0


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "box.txt").write_text("The red box weighs seven kilograms. It stands in the hall.")
    (folder / "car.md").write_text(
        "# Car\n\nThe blue car is parked in the street behind the house."
    )
    return folder
