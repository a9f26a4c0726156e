"""How much one file may cost: bytes read, pages, unpacked size, seconds and memory of its worker.

Every figure is a ceiling, not a target; a file that reaches one ends in a named state. Knows
nothing of settings files: whoever reads those fills in this record.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one file.

    Attributes:
        max_bytes: size of the file itself, bytes.
        max_unpacked_bytes: total size of what a zip-based file unpacks to, bytes.
        max_ratio: unpacked over packed size above which an archive is a bomb (small archives may
            exceed it up to ``ratio_floor_bytes``).
        ratio_floor_bytes: unpacked bytes below which the ratio is not looked at.
        max_members: files in a zip archive or zip-based document, nested archives' included.
        max_pages: pages read of one document; the rest is reported as missing.
        max_image_pixels: pixels of one image, or of one rendered page.
        max_characters: length of the canonical text of one document; the rest is reported as missing.
        timeout_s: wall-clock seconds for one file.
        stall_s: wall-clock seconds for one step (a page, a member) of a parser that reports steps.
        cpu_s: processor seconds for one file.
        memory_bytes: address space of the worker process, bytes.
        scratch_bytes: temporary files of the worker, all together, bytes.
        files_per_worker: files after which a worker is replaced by a fresh one.
    """

    max_bytes: int = 200 * MEBIBYTE
    max_unpacked_bytes: int = 1024 * MEBIBYTE
    max_ratio: float = 200.0
    ratio_floor_bytes: int = 32 * MEBIBYTE
    max_members: int = 50_000
    max_pages: int = 5_000
    max_image_pixels: int = 120_000_000
    max_characters: int = 10_000_000
    timeout_s: float = 300.0
    stall_s: float = 100.0
    cpu_s: int = 600
    memory_bytes: int = 2048 * MEBIBYTE
    scratch_bytes: int = 512 * MEBIBYTE
    files_per_worker: int = 200

    def too_much_scratch(self, name: str) -> str:
        """Why a file whose parser writes too much ends: the reason, in a sentence."""
        return f"Reading {name!r} takes more than the {self.scratch_bytes:,} bytes of temporary files allowed."
