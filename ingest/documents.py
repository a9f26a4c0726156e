"""The catalog's record of a source, from what was read of it. A sidecar's word counts before the document's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from corpus.records import UPLOAD, Document, Parsed, State
from ingest.reading import Work

__all__ = ["ARCHIVE_TYPE", "document_of", "document_without_text"]

ARCHIVE_TYPE = "application/zip"


def document_of(work: Work, parsed: Parsed, collection: str) -> Document:
    """The document that was parsed from a source."""
    name = work.source.name
    about = {**_lowered(parsed.metadata), **work.sidecar.metadata}
    missing = [*parsed.missing, *filter(None, [work.sidecar.problem])]
    return Document(
        id=Document.make_id(collection, name, work.sha256),
        source=name,
        sha256=work.sha256,
        media_type=parsed.media_type,
        title=work.sidecar.metadata.get("title") or parsed.title or _file_name(name),
        collection=collection,
        pages=len(parsed.pages),
        state=State.INDEXED_PARTIAL if missing else State.INDEXED,
        reason="; ".join(missing),
        size=work.size,
        metadata=about,
    )


def document_without_text(
    work: Work, collection: str, media_type: str, state: State, reason: str
) -> Document:
    """The row of a source that has no text of its own: one that could not be read, or an archive."""
    name = work.source.name
    return Document(
        id=Document.make_id(collection, name, work.sha256),
        source=name,
        sha256=work.sha256,
        media_type=media_type,
        title=work.sidecar.metadata.get("title") or _file_name(name),
        collection=collection,
        pages=0,
        state=state,
        reason=reason,
        size=work.size,
        metadata=dict(work.sidecar.metadata),
    )


def _file_name(source: str) -> str:
    return Path(source.removeprefix(UPLOAD)).name


def _lowered(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in metadata.items() if value}
