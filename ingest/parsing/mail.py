"""Reads e-mail (EML and Outlook MSG) with its attachments.

The message itself goes through ``unstructured``; its subject is the title and its correspondents
stand on top. An attachment of a type that can be read is read too and follows under its own name;
any other is named in ``missing``. Mails in mails are followed a few levels deep.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from corpus.errors import FileProblem
from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.limits import Limits
from ingest.parsing.office import add_elements
from ingest.parsing.quiet_unstructured import partition

__all__ = ["parse_mail"]

_HEAD = ("Subject", "From", "To", "Cc", "Date")
_MAX_DEPTH = 3
_MAX_NAME = 120
_MAX_FILES = 1_000


def parse_mail(path: Path, media_type: str, limits: Limits, depth: int = 0) -> Parsed:
    """Read one message and, up to a few levels, what is attached to it."""
    outlook = media_type == "application/vnd.ms-outlook"
    head = _outlook_head(path) if outlook else _mime_head(path)
    subject = head.pop("Subject", "")
    builder = TextBuilder()
    builder.add(ElementKind.TITLE, subject, level=1)
    builder.add(ElementKind.TEXT, "\n".join(f"{name}: {value}" for name, value in head.items()))
    elements = partition("msg" if outlook else "email", path, process_attachments=False)
    for element in elements:
        element.metadata.category_depth = None  # a message has no headings of its own
    add_elements(builder, elements)
    files = _outlook_files(path) if outlook else _mime_files(path)
    for number, (name, content) in enumerate(files, 1):
        if number > _MAX_FILES:
            builder.missing.append(f"attachments after the first {_MAX_FILES:,}: over the limit")
            break
        _add_attachment(builder, name, content, limits, depth)
    return builder.build(media_type, title=subject, metadata=head)


def _mime_head(path: Path) -> dict[str, str]:
    message = _message(path)
    found = ((name, one_line(str(message.get(name) or ""))) for name in _HEAD)
    return {name: value for name, value in found if value}


def _outlook_head(path: Path) -> dict[str, str]:
    from oxmsg import Message

    message = Message.load(str(path))
    sent = message.sent_date
    values = (
        message.subject or "",
        message.sender or "",
        ", ".join(f"{r.name} <{r.email_address}>" for r in message.recipients),
        "",
        sent.isoformat(sep=" ") if sent else "",
    )
    return {name: one_line(value) for name, value in zip(_HEAD, values, strict=True) if value}


def _message(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(EmailMessage, policy=policy.default).parse(file)


def _mime_files(path: Path) -> Iterator[tuple[str, bytes]]:
    for part in _message(path).iter_attachments():
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
