"""Reads formats that pandoc turns into HTML first: EPUB, RTF, ODT, and Word files that need it (see
``office``).

``pandoc`` comes inside the package ``pypandoc_binary``. It runs sandboxed, so that a document
cannot make it read other files or fetch anything: without that it follows the addresses of a
document's pictures.
"""

from __future__ import annotations

from pathlib import Path

from corpus.records import Parsed
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.limits import Limits
from ingest.parsing.markup import add_html
from ingest.parsing.sniff import MEDIA_TYPES

__all__ = ["parse_converted", "to_html"]

_FORMATS = {
    MEDIA_TYPES[".epub"]: "epub",
    MEDIA_TYPES[".rtf"]: "rtf",
    MEDIA_TYPES[".odt"]: "odt",
}
_RTF_NOTE = b"\\footnote"
# Formulas as text, not as MathML, which nothing after this step reads.
_OPTIONS = ["--sandbox", "--standalone", "--wrap=none", "--quiet", "--mathjax"]


def parse_converted(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a document of one of the media types in this module's table."""
    builder = TextBuilder()
    title = add_html(builder, to_html(path, _FORMATS[media_type]))
    if media_type == MEDIA_TYPES[".rtf"] and (notes := path.read_bytes().count(_RTF_NOTE)):
        builder.missing.append(f"{notes} footnotes, which are not read from RTF")
    return builder.build(media_type, title="" if title == path.stem else title)


def to_html(path: Path, source_format: str) -> str:
    """The document at ``path`` as a whole HTML page."""
    import pypandoc

    return str(pypandoc.convert_file(str(path), "html", format=source_format, extra_args=_OPTIONS))
