"""Write docs/settings.md from the settings themselves: every one with its default and what it means.

Run it after a setting was added or described anew: `.venv/bin/python -m scripts.make_settings_page`.
A test holds the page to it.
"""

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from agents.outside_settings import ServerSettings
from agents.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_Named: TypeAlias = tuple[str, type[BaseModel], str]  # a section: name, settings, description
_HEAD = """# Settings

All there are. They go into `alcove.toml` in the home, or into variables: `url` under `[llm]` is `ALCOVE_LLM__URL`, and
a list is written as JSON there. What has a table of its own in a section (`retrieval.dense`, `mcp.servers`) goes into
the file. The command line wins over variables, and variables over the file. A name that does not exist is refused.

This page is made from the settings by `scripts/make_settings_page.py`.
"""


def page() -> str:
    """The whole page."""
    sections: list[_Named] = [
        (name, _model(field), str(field.description))
        for name, field in Settings.model_fields.items()
    ]
    nested: list[_Named] = [
        (f"{name}.{inner}", _model(field), str(field.description))
        for name, section, _ in sections
        for inner, field in section.model_fields.items()
        if _model_or_none(field)
    ]
    servers: list[_Named] = [("mcp.servers.NAME", ServerSettings, "One server of tools.")]
    found = [*sections, *nested, *servers]
    return "\n".join([_HEAD, *(part for section in found for part in _section(*section))])


def _section(name: str, model: type[BaseModel], description: str) -> Iterator[str]:
    rows = [
        f"| `{key}` | {_default(field)} | {_cell(str(field.description))} |"
        for key, field in sorted(model.model_fields.items())
        if not _model_or_none(field) and (name, key) not in (("corpus", "home"), ("mcp", "servers"))
    ]
    if rows:
        yield f"## [{name}]\n\n{description}\n\n| setting | default | meaning |\n|---|---|---|"
        yield from [*rows, ""]


def _model(field: FieldInfo) -> type[BaseModel]:
    found = _model_or_none(field)
    if found is None:
        raise TypeError(f"{field!r} is no section")
    return found


def _model_or_none(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    is_model = (
        isinstance(kind, type) and not typing.get_origin(kind) and issubclass(kind, BaseModel)
    )
    return typing.cast(type[BaseModel], kind) if is_model else None


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), {}):
        return ""
    return f"`{json.dumps(value, default=str)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
