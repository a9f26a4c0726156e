"""What the processor is called and which of its features speed depends on; knows Linux only."""

from __future__ import annotations

import platform
from pathlib import Path

__all__ = ["processor"]

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "i8mm", "bf16")


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, with those of its features that matter to arithmetic."""
    try:
        text = cpuinfo.read_text("utf-8", "replace")
    except OSError:  # not Linux: the name alone
        text = ""
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    name = facts.get("model name") or platform.processor() or platform.machine()
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return (
        f"{name} ({', '.join(flag for flag in FEATURES if flag in flags) or 'no known features'})"
    )
