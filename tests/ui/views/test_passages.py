"""The part of a passage that a list shows."""

from __future__ import annotations

from ui.views.chat.passages import excerpt


def _plain(nodes: list[object]) -> str:
    (div,) = nodes
    assert isinstance(div, list)
    return "".join(n if isinstance(n, str) else f"<{n[1]}>" for n in div[1:])


def test_the_words_of_the_question_are_set_off() -> None:
    nodes = excerpt("The backup starts at two.", "When does the BACKUP start?")
    assert _plain(nodes) == "The <backup> starts at two."


def test_a_long_passage_is_shown_from_where_the_words_stand() -> None:
    text = (
        "Nothing of it here. " * 60 + "The backup of the catalog starts at two. " + "After. " * 99
    )
    shown = _plain(excerpt(text, "When does the backup of the catalog start?"))
    assert shown.startswith("…")
    assert "The <backup> of the <catalog>" in shown
    assert shown.endswith("…")
    assert len(shown) < 460


def test_a_passage_without_the_words_is_shown_from_its_start() -> None:
    assert _plain(excerpt("Short.", "Something else entirely?")) == "Short."
