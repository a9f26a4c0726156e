"""Metadata of documents: flat texts by lower-case key, from sidecar files and from YAML in front of a text.

A sidecar stands beside its document and is called like it with ``.meta.yaml``, ``.meta.yml`` or ``.meta.json`` at the
end. YAML is read without types (``1.10`` stays ``1.10``, ``no`` stays ``no``) and without anchors; a list becomes its
items with ``, `` between. Everything is bounded, since anyone may have written it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from corpus.errors import FileProblem
from ingest.discover import Source
from ingest.opening import opened

__all__ = ["MAX_BYTES", "Sidecar", "flat", "read_sidecar", "read_yaml"]

MAX_BYTES = 1 << 16
MAX_KEYS = 100
MAX_KEY_CHARACTERS = 80
MAX_VALUE_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What stands beside a document about it.

    Attributes:
        metadata: by key; empty if there is no sidecar, or it cannot be used.
        key: changes whenever the sidecar does; empty if there is none.
        problem: why it cannot be used, in words.
    """

    metadata: Mapping[str, str]
    key: str = ""
    problem: str = ""


def read_sidecar(source: Source) -> Sidecar:
    """The metadata beside ``source``; one that cannot be used is told, not raised."""
    if not source.sidecars:
        return Sidecar({})
    names = [path.name for path in source.sidecars]
    data = b""
    try:
        data = b"\n".join(_read(source, n) for n in range(len(names)))
        if len(names) > 1:
            raise ValueError(f"there are {len(names)} of them; keep one")
        return Sidecar(_parse(names[0], data), _key(names, data))
    except (ValueError, FileProblem) as exc:
        problem = f"the metadata in {' and '.join(map(repr, names))} is not used: {exc}"
        return Sidecar({}, _key(names, data), problem)


def read_yaml(text: str) -> dict[str, str]:
    """Metadata from a YAML mapping.

    Raises:
        ValueError: it is no mapping of names to texts or lists of them, or too large.
    """
    if len(text) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} characters")
    loader = _PlainLoader(text)
    try:
        return flat(loader.get_single_data())
    except (yaml.YAMLError, RecursionError) as exc:
        problem = str(getattr(exc, "problem", None) or "it is nested too deep")
        raise ValueError(f"it is no valid YAML: {problem}") from exc
    finally:
        loader.dispose()


def flat(raw: object) -> dict[str, str]:
    """A mapping of names to texts, numbers, or lists of these, as texts by lower-case key.

    Raises:
        ValueError: it is something else, or too large.
    """
    if not isinstance(raw, Mapping):
        raise ValueError("it is no mapping of names to values")
    if len(raw) > MAX_KEYS:
        raise ValueError(f"it has {len(raw)} keys, at most {MAX_KEYS} are kept")
    values = {_name(key): _value(key, value) for key, value in raw.items()}
    return {key: value for key, value in values.items() if value}


class _PlainLoader(yaml.BaseLoader):
    """Reads scalars as the texts they are. Anchors are refused: merged again and again they fill the memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "it uses anchors, which are not read")
        return super().compose_node(parent, index)


def _read(source: Source, number: int) -> bytes:
    with opened(source.sidecars[number], source.root, MAX_BYTES) as handle:
        return handle.read(MAX_BYTES)


def _parse(name: str, data: bytes) -> dict[str, str]:
    text = data.decode("utf-8-sig")
    if not name.endswith(".json"):
        return read_yaml(text)
    try:
        return flat(json.loads(text))
    except RecursionError as exc:
        raise ValueError("it is nested too deep") from exc


def _key(names: list[str], data: bytes) -> str:
    return hashlib.sha256("/".join(names).encode("utf-8", "replace") + data).hexdigest()[:16]


def _name(key: object) -> str:
    name = " ".join(str(key).lower().split())
    if not 0 < len(name) <= MAX_KEY_CHARACTERS:
        raise ValueError(f"{str(key)[:MAX_KEY_CHARACTERS]!r} cannot name a value")
    return name


def _value(key: object, value: object) -> str:
    parts = value if isinstance(value, list) else [value]
    if not all(part is None or isinstance(part, str | int | float) for part in parts):
        raise ValueError(f"the value of {key!r} is no text, number or list of these")
    text = ", ".join(filter(None, (_text(part) for part in parts)))
    if len(text) > MAX_VALUE_CHARACTERS:
        raise ValueError(f"the value of {key!r} has more than {MAX_VALUE_CHARACTERS} characters")
    return text


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else " ".join(str(value).split())
