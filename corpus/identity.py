"""Who asks: the one person of a machine without users, or one of several.

A thread, a memory, a note or a collection belongs to a person by name; the owner of the machine is the empty
name, so that what was made before there were users stays theirs. Knows nothing of keys or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OWNER", "Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who may ask. ``name`` is what things belong to; the owner of the machine has none."""

    name: str

    @property
    def is_owner(self) -> bool:
        """Whether this is the owner of the machine, who may read every collection and sees the settings."""
        return not self.name

    @property
    def reader(self) -> str | None:
        """The name that ``Searcher.search`` filters by; ``None`` for the owner, who reads everything."""
        return self.name or None


OWNER = Person("")
"""The only person where nobody has set up users."""
