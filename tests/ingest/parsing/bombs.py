"""Makes containers, pictures and PDF files that unpack to far more than they weigh, or to themselves.

Nothing large is made on the way: compressed streams are put together from repeated pieces, and headers claim what is
not there.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ingest.parsing.papers import zip_of

__all__ = [
    "Packed",
    "bmp_of",
    "flate",
    "forged_zip",
    "jpeg_of",
    "many_ifds",
    "nested_zip",
    "office",
    "pdf_of",
    "png_of",
    "spaces",
    "tiff_of",
    "tiff_that_loops",
    "zip_in_zip",
]

GIB = 1 << 30
_PIECE = 1 << 20


def _repeated(byte: bytes, size: int, wbits: int) -> bytes:
    """A deflate stream of ``size`` (a multiple of 1 MiB) times ``byte``, made without unpacking it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    first = packer.compress(byte * _PIECE) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(byte * _PIECE) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (size // _PIECE - 1) + packer.flush()


def spaces(size: int = 4 * GIB) -> bytes:
    """A raw deflate stream that unpacks to ``size`` spaces."""
    return _repeated(b" ", size, -15)


def flate(size: int = 4 * GIB) -> bytes:
    """The same with the header that PDF and PNG want (and a wrong checksum)."""
    return _repeated(b" ", size, 15)


@dataclass(frozen=True, slots=True)
class Packed:
    """A member of a forged zip file: what its headers say, whatever ``data`` is."""

    name: str
    data: bytes
    size: int
    method: int = zipfile.ZIP_DEFLATED
    shares: int | None = (
        None  # the number of the member whose local header and data this one claims
    )


def forged_zip(path: Path, members: Sequence[Packed]) -> None:
    """A zip file with just these headers; zip64 is not used, so sizes stop at 4 GiB less one byte."""
    body, places = bytearray(), list[int]()
    for one in members:
        if one.shares is not None:
            places.append(places[one.shares])
            continue
        places.append(len(body))
        body += b"PK\x03\x04" + _header(one) + one.name.encode() + one.data
    directory = b"".join(
        b"PK\x01\x02"
        + struct.pack("<H", 20)
        + _header(one)
        + struct.pack("<HHHII", 0, 0, 0, 0, place)
        + one.name.encode()
        for one, place in zip(members, places, strict=True)
    )
    count = min(len(members), 0xFFFF)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(bytes(body) + directory + b"PK\x05\x06" + end)


def _header(one: Packed) -> bytes:
    size, packed = min(one.size, 0xFFFFFFFE), len(one.data)
    checksum = zlib.crc32(one.data) if one.method == zipfile.ZIP_STORED else 0
    return struct.pack(
        "<HHHHHIIIHH", 20, 0, one.method, 0, 33, checksum, packed, size, len(one.name.encode()), 0
    )


def zip_in_zip(path: Path, depth: int, innermost: bytes) -> None:
    """An archive in an archive in an archive."""
    for _ in range(depth):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("in.zip", innermost)
        innermost = buffer.getvalue()
    path.write_bytes(innermost)


def nested_zip(path: Path, depth: int, copies: int) -> None:
    """Archives of archives, ``copies`` of them at every one of ``depth`` levels, over a bomb."""
    forged_zip(path, [Packed("bomb.txt", spaces(), 4 * GIB)])
    for _ in range(depth):
        inner = path.read_bytes()
        zip_of(path, {f"{number}.zip": inner for number in range(copies)})


_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{}</Types>'
_PART = (
    '<Override PartName="/{}" ContentType="application/vnd.openxmlformats-officedocument.{}+xml"/>'
)
_DEFAULTS = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
)
_RELS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
_MAIN = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def office(path: Path, main: str, kind: str, parts: dict[str, str | bytes]) -> None:
    """An Office file of the part ``main``, whose content type ends in ``kind``, and of other ``parts``."""
    start = _RELS.format(f'<Relationship Id="r1" Type="{_MAIN}" Target="{main}"/>')
    types = _TYPES.format(_DEFAULTS + _PART.format(main, kind))
    zip_of(path, {"[Content_Types].xml": types, "_rels/.rels": start, **parts})


def pdf_of(path: Path, objects: Iterable[bytes]) -> None:
    """A PDF file of these objects, numbered from 1; the first one is the catalog."""
    body, places = bytearray(b"%PDF-1.7\n"), list[int]()
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start, size = len(body), len(places) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    body += b"trailer <</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start)
    path.write_bytes(body)


def png_of(path: Path, width: int, height: int, data: bytes, depth: int = 1) -> None:
    """A grey PNG picture that says it is so large, with this compressed data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def bmp_of(path: Path, width: int, height: int) -> None:
    """A BMP picture that says it is so large, and is nothing but its header."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(100))


def jpeg_of(path: Path, source: bytes, width: int, height: int) -> None:
    """The JPEG picture ``source`` with another size in its header."""
    place = source.index(b"\xff\xc0") + 5
    path.write_bytes(source[:place] + struct.pack(">HH", height, width) + source[place + 4 :])


def _ifd(width: int, height: int, following: int) -> bytes:
    """A directory of a TIFF file: one grey picture of one strip, and where the next directory stands."""
    tags = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, 64),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


_FIRST_IFD = 8 + 64  # after the header and 64 grey pixels


def tiff_of(path: Path, width: int, height: int) -> None:
    """A TIFF picture that says it is so large, with 64 pixels in it."""
    path.write_bytes(
        b"II*\x00" + struct.pack("<I", _FIRST_IFD) + bytes(64) + _ifd(width, height, 0)
    )


def tiff_that_loops(path: Path) -> None:
    """A TIFF file whose second page is followed by its first."""
    length = len(_ifd(8, 8, 0))
    pages = _ifd(8, 8, _FIRST_IFD + length) + _ifd(8, 8, _FIRST_IFD)
    path.write_bytes(b"II*\x00" + struct.pack("<I", _FIRST_IFD) + bytes(64) + pages)


def many_ifds(path: Path, pages: int) -> None:
    """A TIFF file of very many pages, all the same."""
    length = len(_ifd(8, 8, 0))
    places = (_FIRST_IFD + length * number for number in range(1, pages))
    directories = b"".join(_ifd(8, 8, place) for place in (*places, 0))
    path.write_bytes(b"II*\x00" + struct.pack("<I", _FIRST_IFD) + bytes(64) + directories)
