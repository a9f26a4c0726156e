"""Reads e-mail (EML and Outlook MSG) with its attachments.

The message itself goes through ``unstructured``; its subject is the title and its correspondents stand on top. An
attachment of a type that can be read is read too and follows under its own name; any other is named in
``missing``. Mails in mails are followed a few levels deep.
"""

from __future__ import annotations

import email
import email.policy
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import FileProblem
from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.limits import Limits
from ingest.parsing.office import add_elements
from ingest.parsing.quiet_unstructured import partition

if TYPE_CHECKING:
    from unstructured.documents.elements import ElementMetadata

__all__ = ["parse_mail"]

_MAX_DEPTH = 3
_MAX_NAME = 120


def parse_mail(path: Path, media_type: str, limits: Limits, depth: int = 0) -> Parsed:
    """Read one message and, up to a few levels, what is attached to it."""
    kind = "msg" if media_type == "application/vnd.ms-outlook" else "email"
    elements = partition(kind, path, process_attachments=False)
    builder = TextBuilder()
    head = _head(elements[0].metadata) if elements else {}
    subject = head.pop("Subject", "")
    builder.add(ElementKind.TITLE, subject, level=1)
    builder.add(ElementKind.TEXT, "\n".join(f"{name}: {value}" for name, value in head.items()))
    for element in elements:
        element.metadata.category_depth = None  # a message has no headings of its own
    add_elements(builder, elements)
    attached = _outlook_files(path) if kind == "msg" else _mime_files(path)
    for name, content in attached:
        _add_attachment(builder, name, content, limits, depth)
    return builder.build(media_type, title=subject, metadata=head)


def _head(metadata: ElementMetadata) -> dict[str, str]:
    pairs = {
        "Subject": metadata.subject or "",
        "From": ", ".join(metadata.sent_from or ()),
        "To": ", ".join(metadata.sent_to or ()),
        "Cc": ", ".join(metadata.cc_recipient or ()),
        "Date": metadata.last_modified or "",
    }
    return {name: one_line(value) for name, value in pairs.items() if value}


def _mime_files(path: Path) -> Iterator[tuple[str, bytes]]:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    for part in message.iter_attachments() if isinstance(message, EmailMessage) else ():
        name = part.get_filename() or f"attachment.{part.get_content_subtype()}"
        if part.get_content_type() == "message/rfc822":
            inner = part.get_content()
            yield part.get_filename() or "message.eml", inner.as_bytes()
        else:
            payload = part.get_payload(decode=True)
            yield name, payload if isinstance(payload, bytes) else b""


def _outlook_files(path: Path) -> Iterator[tuple[str, bytes]]:
    from oxmsg import Message

    for attachment in Message.load(str(path)).attachments:
        yield attachment.file_name or "attachment", attachment.file_bytes or b""


def _add_attachment(
    builder: TextBuilder, name: str, content: bytes, limits: Limits, depth: int
) -> None:
    from ingest.parsing import parse_file

    name = one_line(name)[:_MAX_NAME]
    if depth >= _MAX_DEPTH:
        builder.missing.append(f"attachment {name!r}: nested too deep")
        return
    with tempfile.TemporaryDirectory(prefix="alcove-mail-") as folder:
        copy = Path(folder) / f"attachment{Path(name).suffix[:12]}"
        copy.write_bytes(content)
        try:
            parsed = parse_file(copy, limits, depth=depth + 1)
        except FileProblem as problem:
            builder.missing.append(f"attachment {name!r}: {problem.state}")
            return
    builder.add(ElementKind.TITLE, f"Attachment: {name}", level=2)
    for element in parsed.elements:
        level = min(element.level + 2, 6) if element.level else 0
        builder.add(element.kind, element.text, level=level, html=element.html)
    builder.missing.extend(f"attachment {name!r}: {what}" for what in parsed.missing)
