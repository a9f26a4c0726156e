"""Settings of the page: which service it shows, and how often it looks there.

Read once per process from the command line (after ``--``), ``ALCOVE_SERVICE`` and
``ALCOVE_API_KEY``, by ``page_settings``; nothing is read at import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["PageSettings", "page_settings"]


class PageSettings(BaseModel):
    """Where the service is, and the page's rhythm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(
        default="http://127.0.0.1:8700", description="Base URL of the Alcove service."
    )
    key: SecretStr = Field(
        default=SecretStr(""), description="API key sent to the service; empty: none."
    )
    connect_s: float = Field(
        default=2.0, gt=0, description="Seconds until the service must have accepted."
    )
    read_s: float = Field(default=30.0, gt=0, description="Seconds until it must have replied.")
    silence_s: float = Field(
        default=20.0,
        gt=0,
        description="Seconds without a word until the page attaches to an answer again.",
    )
    stream_s: float = Field(
        default=0.2, gt=0, description="Seconds between two looks at a growing answer."
    )
    jobs_s: float = Field(
        default=0.7, gt=0, description="Seconds between two looks at running jobs."
    )
    status_s: float = Field(
        default=4.0, gt=0, description="Seconds between two looks at how the service is."
    )
    outage_s: float = Field(
        default=1.5, gt=0, description="Seconds between two tries while it is down."
    )
    context_characters: int = Field(
        default=700, ge=0, description="Characters of text shown on each side of a cited span."
    )
    page_pixels: int = Field(
        default=1200, gt=0, description="Width in pixels of a PDF page in the viewer."
    )
    threads_shown: int = Field(
        default=30, gt=0, description="Conversations listed at first, and with each 'Show more'."
    )
    messages_shown: int = Field(
        default=40, gt=0, description="Messages of a conversation shown at first, from its end."
    )
    undo_s: int = Field(
        default=20, gt=0, description="Seconds in which what was deleted can be had back."
    )


def page_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> PageSettings:
    """The settings of this page.

    Args:
        arguments: what stood after ``--`` on Streamlit's command line; ``--service URL`` is taken.
        environment: ``ALCOVE_SERVICE`` is used when no argument names the service; ``ALCOVE_API_KEY`` is the key.
    """
    given = dict(pairwise(arguments)).get("--service")
    service = (given or environment.get("ALCOVE_SERVICE", "")).rstrip("/")
    chosen = {"service": service, "key": environment.get("ALCOVE_API_KEY", "")}
    return PageSettings.model_validate({name: value for name, value in chosen.items() if value})
