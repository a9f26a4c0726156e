"""What figures depend on besides the question asked: versions, the machine, the code, the data and the settings.

No time of day, so that the same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.settings import Settings

__all__ = ["code_hash", "machine", "settings_of", "versions"]

PACKAGES = {
    "alcove": "alcove",
    "torch": "torch",
    "openvino": "openvino",
    "faiss": "faiss-cpu",
    "tantivy": "tantivy",
    "ir_measures": "ir-measures",
    "numpy": "numpy",
}
ROOT = Path(__file__).parents[2]


def versions() -> dict[str, str]:
    """Of Python and of the packages that a figure can change with."""
    found = {name: _version(package) for name, package in PACKAGES.items()}
    return {"python": platform.python_version(), **found}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a checkout that was never installed, say
        return "unknown"


@cache
def machine() -> dict[str, Any]:
    """The hardware that latencies were measured on."""
    from retrieval.probe import processor

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
    }


@cache
def code_hash(*places: str) -> str:
    """SHA-256 of the Python files at ``places`` (files or folders of this program), the sample's not counted."""
    digest = hashlib.sha256()
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if "sample" not in file.parts:
                digest.update(file.read_bytes())
    return digest.hexdigest()


def settings_of(settings: Settings) -> dict[str, Any]:
    """The settings that a search depends on, as plain JSON."""
    ingest = settings.ingest.model_dump(
        mode="json", include={"strategy", "chunk_tokens", "overlap_tokens", "sentences"}
    )
    embedding = settings.embedding.model_dump(
        mode="json", include={"model", "precision", "runtime"}
    )
    return {
        "ingest": ingest,
        "embedding": embedding,
        "retrieval": settings.retrieval.model_dump(mode="json"),
    }
