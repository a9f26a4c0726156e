"""Which files a person wants left out: globs of the settings, and ``.alcoveignore`` files inside the folders.

Both use the patterns of ``.gitignore``, relative to the folder that is ingested or to the one that holds the ignore
file; the file nearest to a path decides, and below an ignored folder nothing is taken back. ``.gitignore`` files
themselves are honoured only when the settings say so: what git leaves out (exports, scans, notes) is often just what
one wants to search, and a document must not be missing for a reason nobody gave. Opens no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from corpus.errors import UserError
from corpus.records import content_id

__all__ = ["ALCOVEIGNORE", "GITIGNORE", "Ignored", "Rules"]

ALCOVEIGNORE = ".alcoveignore"
GITIGNORE = ".gitignore"


class Rules:
    """The globs of the settings.

    Args:
        include: a file must match one of these, if there are any.
        exclude: a file or folder that matches one of these is left out.
        gitignore: whether ``.gitignore`` files count like ``.alcoveignore``.

    Raises:
        UserError: a glob is not valid.
    """

    def __init__(
        self, include: Sequence[str] = (), exclude: Sequence[str] = (), gitignore: bool = False
    ) -> None:
        self.files = (GITIGNORE, ALCOVEIGNORE) if gitignore else (ALCOVEIGNORE,)
        self.key = content_id("rules", *include, "exclude", *exclude)  # changes when the globs do
        self._include = _spec(include) if include else None
        self._exclude = Ignored(exclude)

    def leaves_out(self, relative: str) -> bool:
        """Whether a file at this path, relative to the ingested folder, is not wanted."""
        missed = self._include is not None and not self._include.match_file(relative)
        return missed or self._exclude.leaves_out(relative)

    def prunes(self, folder: str) -> bool:
        """Whether nothing below this folder is wanted."""
        return self._exclude.leaves_out(folder + "/")


@dataclass(frozen=True, slots=True)
class _Layer:
    """One ignore file: where it stands, with ``/`` at the end if that is not the top, and what it says."""

    prefix: str
    spec: GitIgnoreSpec


class Ignored:
    """What the ignore files from the top down to one folder leave out.

    Raises:
        UserError: a pattern is not valid.
    """

    def __init__(
        self, patterns: Sequence[str] = (), folder: str = "", above: Ignored | None = None
    ) -> None:
        own = (_Layer(f"{folder}/" if folder else "", _spec(patterns)),) if patterns else ()
        self._layers: tuple[_Layer, ...] = own + (above._layers if above else ())

    def leaves_out(self, relative: str) -> bool:
        """Whether a path, relative to the top, is left out; a folder's ends in ``/``."""
        for layer in self._layers:
            said = layer.spec.check_file(relative.removeprefix(layer.prefix)).include
            if said is not None:
                return said
        return False


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as exc:
        raise UserError(f"{list(patterns)!r} are not all valid patterns: {exc}") from exc
