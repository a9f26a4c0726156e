"""The keys of a model's ``config.json``, each checked when it is read.

Every error names the key, what it holds and what it may hold, so that a plan is never made of a guess.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from corpus.errors import UserError

__all__ = ["Config"]

_MOST = 10**8  # of anything that is counted in one: a vocabulary, a width, a context


class Config:
    """Reads ``values``, the object of one ``config.json``; ``name`` is what errors call the model."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self._values, self.name = values, name

    def count(self, *keys: str, default: int | None = None) -> int:
        """A whole number of at least 1, under the first of ``keys`` that is there.

        Raises:
            UserError: there is none and no default, or it is something else.
        """
        for key in keys:
            if self._values.get(key) is not None:
                return self._checked(key, 1)
        if default is None:
            raise self._missing(keys)
        return default

    def optional(self, key: str) -> int | None:
        """A whole number of at least 1, or ``None`` where the key is missing, null or 0."""
        return self._checked(key, 0) or None if self._values.get(key) is not None else None

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise UserError(f"{key!r} of {self.name!r} is {value!r}; it must be true or false")
        return value

    def words(self, key: str, length: int, allowed: Collection[str]) -> list[str] | None:
        """A list of ``length`` words, each one of ``allowed``; ``None`` where the key is missing."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != length:
            raise UserError(
                f"{key!r} of {self.name!r} must be a list of {length} names, one a layer"
            )
        for word in value:
            if word not in allowed:
                raise UserError(
                    f"{key!r} of {self.name!r} names {word!r}; known are {', '.join(sorted(allowed))}"
                )
        return [str(word) for word in value]

    def part(self, key: str) -> Mapping[str, Any]:
        """An object within; empty where there is none."""
        value = self._values.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise UserError(f"{key!r} of {self.name!r} is {value!r}; it must be an object")
        return value

    def numbers(self, key: str) -> list[int]:
        """A list of whole numbers from 0; empty where the key is missing."""
        value = self._values.get(key) or []
        if not isinstance(value, list) or not all(type(n) is int and n >= 0 for n in value):
            raise UserError(f"{key!r} of {self.name!r} must be a list of numbers from 0")
        return value

    def _checked(self, key: str, least: int) -> int:
        value = self._values[key]
        if type(value) is not int or not least <= value <= _MOST:
            raise UserError(
                f"{key!r} of {self.name!r} is {value!r}; it must be a whole number from {least} to"
                f" {_MOST:,}"
            )
        return value

    def _missing(self, keys: Collection[str]) -> UserError:
        wanted = " or ".join(repr(key) for key in keys)
        return UserError(
            f"the configuration of {self.name!r} has no {wanted}; give the config.json that lies"
            " beside the model's weights"
        )
