"""What tools can touch, in four words. Approval is decided by these alone. Knows nothing of any tool."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Label"]


class Label(StrEnum):
    """What a tool can touch; approval is decided by labels, never by the tool's name."""

    READS_PRIVATE = "reads private"
    READS_UNTRUSTED = "reads untrusted"
    WRITES = "writes"
    LEAVES_MACHINE = "leaves the machine"
