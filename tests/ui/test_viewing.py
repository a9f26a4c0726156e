"""The viewer's state: one place of an answer open at a time."""

from __future__ import annotations

from ui.viewing import Place, Viewing

PLACES = tuple(Place("d", "a.pdf", n, 0, 1, "q", n) for n in (1, 2, 3))


def test_one_steps_round_and_back() -> None:
    viewing = Viewing()
    viewing.open(PLACES, 2, "run")
    viewing.step(1)
    assert viewing.place == PLACES[0]
    viewing.step(-1)
    assert viewing.place == PLACES[2]


def test_a_turned_page_is_left_with_its_place() -> None:
    viewing = Viewing()
    viewing.open(PLACES, 0, "run")
    viewing.turn(9)
    assert viewing.page == 9
    viewing.step(1)
    assert viewing.page is None


def test_only_the_answer_that_it_belongs_to_shows_what_is_open() -> None:
    viewing = Viewing()
    viewing.open(PLACES, 1, "run")
    assert (viewing.active_in("run"), viewing.opened_at("run")) == (2, 1)
    assert (viewing.active_in("other"), viewing.opened_at("other")) == (None, None)


def test_what_is_closed_has_nothing_to_step_through() -> None:
    viewing = Viewing()
    viewing.open(PLACES, 1, "run")
    viewing.close()
    viewing.step(1)
    assert viewing.place is None
