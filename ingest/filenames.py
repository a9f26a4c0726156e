"""What names of files say: which are passed over without a word, which belong to a document, how they are stored."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "PASSED_OVER",
    "SIDECAR_SUFFIXES",
    "is_dropping",
    "is_passed_over",
    "paired",
    "printable",
]

PASSED_OVER = frozenset({"__pycache__", "node_modules", ".DS_Store", "Thumbs.db", "desktop.ini"})
SIDECAR_SUFFIXES = (".meta.yaml", ".meta.yml", ".meta.json")
# What editors and office programs keep beside an open file: vim, emacs, Word, LibreOffice.
_EDITORS = re.compile(r"\..*\.sw[a-z]|.*~|#.*#|\.#.*|~\$.*|\.~lock\..*#|4913")


def is_passed_over(path: Path, root: Path) -> bool:
    """Whether a walk of ``root`` would not come to a file at ``path`` below it, whatever the patterns say."""
    if not path.is_relative_to(root):
        return False
    *folders, name = path.relative_to(root).parts or ("",)
    hidden = any(folder.startswith(".") for folder in folders)
    return hidden or any(is_dropping(part) for part in (*folders, name))


def is_dropping(name: str) -> bool:
    """Whether desktops or editors leave files or folders of this name behind."""
    return name in PASSED_OVER or _EDITORS.fullmatch(name) is not None


def paired(names: Iterable[str]) -> dict[str, list[str]]:
    """The documents among ``names``, each with its sidecars; a sidecar without its document is a document."""
    there = set(names)
    pairs: dict[str, list[str]] = {}
    for name in sorted(there):
        if not any(name.endswith(s) and name.removesuffix(s) in there for s in SIDECAR_SUFFIXES):
            pairs[name] = [name + s for s in SIDECAR_SUFFIXES if name + s in there]
    return pairs


def printable(path: Path) -> str:
    """The path as text that can be stored; bytes that are not UTF-8 appear as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
