"""How a document falls apart by its own structure: sections under headings, and stretches of one kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from corpus.records import Element, ElementKind

__all__ = ["is_title", "sections", "stretches"]


def is_title(element: Element) -> bool:
    """Whether ``element`` is a heading."""
    return element.kind is ElementKind.TITLE


def sections(elements: Sequence[Element]) -> Iterator[list[Element]]:
    """Elements from one heading (or group of headings) to the next."""
    section: list[Element] = []
    for element in elements:
        if is_title(element) and section and not is_title(section[-1]):
            yield section
            section = []
        section.append(element)
    if section:
        yield section


def stretches(section: Sequence[Element]) -> Iterator[tuple[str, int, list[Element]]]:
    """What of a section is cut alike: prose together, each table and each piece of code alone.

    Yields "prose", "table" or "code", where the stretch begins, and its elements. The headings on
    top belong to the first stretch, which begins where they do; a section may be nothing else.
    """

    def key(numbered: tuple[int, Element]) -> tuple[str, int]:
        index, element = numbered
        if element.kind in (ElementKind.TABLE, ElementKind.CODE):
            return element.kind.value, index
        return "prose", -1

    below = [element for element in section if not is_title(element)] or list(section)
    start: int | None = section[0].span.start
    for (kind, _), group in groupby(enumerate(below), key):
        elements = [element for _, element in group]
        yield kind, elements[0].span.start if start is None else start, elements
        start = None
