"""Tools of other servers, over the Model Context Protocol, as tools of ours.

What a server says of its tools is not trusted. A tool is used only if its fingerprint (name, description,
schema) is pinned in the settings: one that is new, or has changed since it was pinned, is left out with a
sentence. What it can touch is what the settings say; left unsaid, it writes, leaves the machine and reads
what is not trusted, so that every call needs approval. Arguments are checked against its schema before
they are sent; results are data, fenced and cut. Everything has a deadline; a server that has died is started again by
the next call, and its tools are compared with their pins again. A program is ended with us.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.outside.mcp_session import Session
from agents.outside_settings import McpSettings, ServerSettings, WebSettings
from agents.text.fences import defused
from agents.text.inert import one_line
from agents.tools.tool import Desk, Tool
from corpus.errors import AlcoveError, Conflict

if TYPE_CHECKING:
    from mcp_types import CallToolResult
    from mcp_types import Tool as Offered

__all__ = ["McpServer", "fingerprint", "make_servers", "server_tools"]

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_SCHEMA = 20_000  # characters
_DESCRIPTION = 600  # characters


def fingerprint(tool: Offered) -> str:
    """What a tool's pin must be: a hash of everything a model is told of it."""
    said = [tool.name, tool.description or "", tool.input_schema]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _JsonSchema:
    """A server's schema of arguments. Patterns are not tried: a server could write one that never ends."""

    schema: Mapping[str, Any]

    def json_schema(self) -> Mapping[str, Any]:
        return self.schema

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError, ValidationError
        from jsonschema.validators import extend
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        lenient = extend(Draft202012Validator, {"pattern": None, "patternProperties": None})
        given = dict(arguments)
        try:
            # An empty registry: a reference to somewhere else is refused, not fetched.
            lenient(dict(self.schema), registry=Registry()).validate(given)
        except ValidationError as exc:
            where = ".".join(map(str, exc.absolute_path)) or "the arguments"
            raise ValueError(f"{where}: {exc.message[:200]}") from exc
        except (SchemaError, Unresolvable, RecursionError, TypeError, KeyError) as exc:
            raise ValueError(f"its schema cannot be checked ({type(exc).__name__})") from exc
        return given


class McpServer:
    """One server, started when it is first needed.

    Args:
        name: in the settings.
        settings: how to start or reach it.
        web: whose ``allow`` lists the hosts that a URL may name beside this machine's.
    """

    def __init__(self, name: str, settings: ServerSettings, web: WebSettings) -> None:
        self.name, self._settings, self._web = name, settings, web
        self._lock = threading.Lock()
        self._session: Session | None = None

    def offered(self) -> dict[str, Offered]:
        """What it offers, by name; starts it if it is not running.

        Raises:
            OperatorError: it cannot be started or does not answer. NotAllowed: its URL is not.
        """
        return self._running().offered

    def problem_of(self, offered: Offered) -> str:
        """Why a tool is not used; empty if it is."""
        pin, found = self._settings.pins.get(offered.name), fingerprint(offered)
        called = f"the tool {offered.name[:80]!r} of the MCP server {self.name!r}"
        if not _NAME.fullmatch(f"{self.name}__{offered.name}"):
            return f"{called} has a name that models cannot call; it is not used"
        if len(json.dumps(offered.input_schema)) > _MOST_SCHEMA:
            return f"{called} describes its arguments at too great a length; it is not used"
        if pin is None:
            return f"{called} is not pinned; to use it, look at it and set its pin to {found!r}"
        if pin != found:
            return (
                f"{called} has changed since it was pinned and is not used; look at what it says now,"
                f" and set its pin to {found!r} if it may be used"
            )
        return ""

    def tools(self) -> list[Tool]:
        """Its tools that may be used; the others are named in the log."""
        found = []
        for offered in self.offered().values():
            problem = self.problem_of(offered)
            if problem:
                _LOG.warning("%s", problem)
            else:
                found.append(self._tool(offered))
        return found

    def close(self) -> None:
        """End the connection, and the program if it is one."""
        with self._lock:
            if self._session is not None:
                self._session.close()
            self._session = None

    def _running(self) -> Session:
        with self._lock:
            if self._session is None or self._session.ended:
                if self._session is not None:
                    self._session.close()
                self._session = Session(self.name, self._settings, self._web)
            return self._session

    def _tool(self, offered: Offered) -> Tool:
        said = defused(one_line(offered.description or "", _DESCRIPTION))

        def run(arguments: dict[str, Any], desk: Desk) -> str:
            return self._call(offered.name, arguments, desk)

        return Tool(
            name=f"{self.name}__{offered.name}",
            description=f"A tool of the server {self.name!r}, in its words: {said}",
            schema=_JsonSchema(offered.input_schema),
            run=run,
            labels=self._settings.labels_of(offered.name),
        )

    def _call(self, tool: str, arguments: dict[str, Any], desk: Desk) -> str:
        session = self._running()
        offered = session.offered.get(tool)
        problem = self.problem_of(offered) if offered else f"there is no tool {tool!r} any more"
        if problem:
            raise Conflict(problem)
        result = session.call(tool, arguments)
        text = _text(result)
        more = len(text) - self._settings.characters
        rest = f"\n({more} more characters are not shown.)" if more > 0 else ""
        what = f"{'error' if result.is_error else 'result'} of {self.name}__{tool}"
        return desk.quoted(what, text[: self._settings.characters]) + rest


def server_tools(servers: Sequence[McpServer]) -> dict[str, Tool]:
    """The tools of all servers, by name; a server that cannot be used is named in the log."""
    found: dict[str, Tool] = {}
    for server in servers:
        try:
            found |= {tool.name: tool for tool in server.tools()}
        except AlcoveError as exc:
            _LOG.warning("%s", exc)
    return found


def make_servers(settings: McpSettings, web: WebSettings) -> list[McpServer]:
    """The servers of the settings; none is started."""
    return [McpServer(name, server, web) for name, server in settings.servers.items()]


def _text(result: CallToolResult) -> str:
    pieces = []
    for block in result.content:
        text = getattr(block, "text", None)
        pieces.append(text if isinstance(text, str) else f"({block.type} left out)")
    if not pieces and result.structured_content is not None:
        pieces.append(json.dumps(result.structured_content, ensure_ascii=False))
    return "\n".join(pieces) or "(nothing)"
