"""Where Alcove keeps its files, and how many old snapshots it keeps. Reads nothing from the environment itself."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CorpusSettings", "default_home"]


def default_home() -> Path:
    """The platform's folder for user data, e.g. ``~/.local/share/alcove`` on Linux."""
    return Path(platformdirs.user_data_dir("alcove", appauthor=False))


class CorpusSettings(BaseModel):
    """Settings of the files on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(
        default_factory=default_home, description="folder that holds everything Alcove stores"
    )
    keep_snapshots: int = Field(
        default=2,
        ge=1,
        description="published snapshots kept on disk, the live one included (count)",
    )
    min_free_mib: int = Field(
        default=64,
        ge=0,
        description="free space below which a commit is refused as disk full (MiB)",
    )
