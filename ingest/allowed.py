"""Which files of this machine the service may be asked to read: those below the folders that its owner has named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from corpus.errors import NotAllowed, NotFound

__all__ = ["allowed_path"]


def allowed_path(path: str, folders: Sequence[Path]) -> str:
    """``path`` made plain, if the owner of this machine allows it, wherever its links may lead.

    Raises:
        NotAllowed: it is not absolute, or below none of ``folders``. NotFound: there is nothing there.
    """
    plain = os.path.abspath(path)  # noqa: PTH100 - the links in it are its name
    real = Path() if "\0" in path else Path(os.path.realpath(plain))
    open_ = [Path(os.path.realpath(folder.expanduser())) for folder in folders]
    if not Path(path).is_absolute() or not any(real.is_relative_to(folder) for folder in open_):
        raise NotAllowed(
            f"the service may not read {path!r}; name its folder in `folders` under [ingest] in "
            "alcove.toml, start the service again, and give an absolute path"
        )
    if not real.exists():
        raise NotFound(f"there is no file or folder {path!r}; nothing was changed")
    return plain
