"""What a search is restricted to: counted, taken off again, and open at either end."""

from __future__ import annotations

from ui.api.narrowing import LAST_PAGE, Narrowed


def test_a_range_of_pages_may_be_open_at_either_end() -> None:
    held = Narrowed()
    held.between(None, 4)
    assert (held.pages, held.span) == ((1, 4), (1, 4))
    held.between(3, None)
    assert (held.pages, held.span) == ((3, LAST_PAGE), (3, None))
    held.between(5, 2)
    assert held.pages == (5, 5)
    held.between(None, None)
    assert (held.pages, held.span) == (None, (None, None))


def test_restrictions_are_counted_and_taken_off() -> None:
    held = Narrowed()
    held.filter("author", "Ada")
    held.between(1, 2)
    assert held.count == 2
    held.filter("author", None)
    held.filter("nothing", None)
    assert held.count == 1
