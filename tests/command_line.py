"""The command line run in this process, in a home of its own, with a model that loads at once."""

from __future__ import annotations

import json
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
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALCOVE_EMBEDDING__MODEL", str(tiny_model))
    monkeypatch.setenv("ALCOVE_LLM__DISCOVER", "false")
    monkeypatch.setenv("ALCOVE_INGEST__WORKERS", "1")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["alcove", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        status = ended.value.code
        return Outcome(status if isinstance(status, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "box.txt").write_text("The red box weighs seven kilograms. It stands in the hall.")
    (folder / "car.md").write_text(
        "# Car\n\nThe blue car is parked in the street behind the house."
    )
    return folder
