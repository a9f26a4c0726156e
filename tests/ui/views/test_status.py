"""The status as a session sees it, against the fake service."""

from __future__ import annotations

from pathlib import Path

import corpus
from tests.ui.asking import Opener
from tests.ui.conftest import words

SAMPLE = Path(corpus.__file__).parent / "sample"


def test_the_status_names_engine_encoder_and_home(open_page: Opener) -> None:
    page = open_page(view="status")
    assert "llama" in words(page)
    assert "MiniLM" in words(page)
    assert "alcove models pull" in words(page).replace("\\", "")
    assert "share/alcove" in words(page).replace("\\", "")
