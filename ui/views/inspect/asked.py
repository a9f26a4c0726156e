"""What the service says of a search that is looked into; the same one is not asked for twice in a row.

Shared by the sessions of one person, never by those of two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from ui.api.client import Service
from ui.api.inspecting import InspectionJson, InspectService, SettingsJson
from ui.state import service

__all__ = ["as_set", "inspection"]

_KEPT_S = 30  # documents may come and go meanwhile


def inspection(asked: Mapping[str, Any]) -> InspectionJson:
    """A search looked into; ``asked`` as for ``InspectService.inspect``."""
    return _inspection(service().who, service(), json.dumps(asked, sort_keys=True))


def as_set() -> SettingsJson:
    """How the service searches where nothing else is asked for."""
    return _as_set(service().who, service())


@st.cache_data(ttl=_KEPT_S, max_entries=50, show_spinner=False)
def _inspection(who: str, _service: Service, asked: str) -> InspectionJson:
    return InspectService(_service).inspect(json.loads(asked))


@st.cache_data(ttl=600, max_entries=50, show_spinner=False)
def _as_set(who: str, _service: Service) -> SettingsJson:
    return InspectService(_service).inspect({"query": "how", "k": 1})["settings"]
