"""Reads the text in the pictures of Office files that hold hardly any other text: a scan pasted into a
Word file, a slide that is one picture.

Beside more text, pictures are counted, not read, and not called missing: nearly all are logos, icons
and photographs, and recognising them takes longer than the rest of the file.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from corpus.errors import FileProblem
from corpus.records import ElementKind
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.limits import Limits
from ingest.parsing.progress import in_time

__all__ = ["FEW_CHARACTERS", "add_pictures"]

FEW_CHARACTERS = 100  # of other text, below which pictures are read
_MOST = 100  # pictures of one file or slide
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def add_pictures(builder: TextBuilder, path: Path, parts: Sequence[str], limits: Limits) -> None:
    """Add the text in the pictures ``parts`` of the Office file at ``path``; what cannot be read is
    missing.
    """
    if len(parts) > _MOST:
        builder.missing.append(f"pictures after the first {_MOST}: over the limit")
    with zipfile.ZipFile(path) as archive:
        for part in in_time(parts[:_MOST], limits, builder.missing, "pictures"):
            name, suffix = PurePosixPath(part).name, PurePosixPath(part).suffix.lower()
            if suffix not in _SUFFIXES:
                builder.missing.append(f"picture {name!r}: its format cannot be read")
                continue
            _add_picture(builder, name, suffix, archive.read(part), limits)


def _add_picture(
    builder: TextBuilder, name: str, suffix: str, content: bytes, limits: Limits
) -> None:
    from ingest.parsing.pictures import open_picture, picture_blocks

    with tempfile.TemporaryDirectory(prefix="alcove-picture-") as folder:
        copy = Path(folder) / f"picture{suffix}"
        copy.write_bytes(content)
        try:
            with open_picture(copy, limits) as image:
                blocks = picture_blocks(image, *image.size)
        except FileProblem as problem:
            builder.missing.append(f"picture {name!r}: {problem.state}")
            return
    for block in blocks:
        builder.add(ElementKind.IMAGE_TEXT, block.text)
