"""HTTP route of exports: a conversation as a file to keep."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query
from fastapi.responses import Response

from agents.build import App
from agents.chats.export import as_markdown
from agents.chats.export_html import as_html
from retrieval.caller import Caller

__all__ = ["router"]

_Format: TypeAlias = Annotated[Literal["markdown", "html"], Query(alias="format")]
_FORMATS = {
    "markdown": (as_markdown, "text/markdown", "md"),
    "html": (as_html, "text/html", "html"),
}


def router(app: App) -> APIRouter:
    """The route under ``/v1``."""
    api = APIRouter(prefix="/v1")

    @api.get("/threads/{id}/export", tags=["threads"], response_class=Response)
    def export_thread(id: str, person: Caller, kind: _Format = "markdown") -> Response:
        """The thread as one file, with every citation's quote, source and page."""
        write, media_type, ending = _FORMATS[kind]
        headers = {
            "Content-Disposition": f'attachment; filename="conversation.{ending}"',
            "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        content = write(app.chats.thread(id, person.name))
        return Response(content, media_type=f"{media_type}; charset=utf-8", headers=headers)

    return api
