"""A search as one call, for programs that do not care where it runs: in this process, or in a running service.

Both take the body of ``POST /v1/search`` and give its reply (README, "The service"), and raise the same errors. The
retrievers for LangChain and LlamaIndex stand on this; it knows nothing of them.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from corpus.errors import Conflict, NotSignedIn, OperatorError, UserError, error_class

if TYPE_CHECKING:
    from retrieval.search import Searcher

__all__ = ["Search", "search_at", "search_in", "texts_of"]

Search = Callable[[Mapping[str, Any]], dict[str, Any]]


def search_in(searcher: Searcher, reader: str | None = None) -> Search:
    """Search in this process.

    Args:
        reader: the name of who asks, who finds only what they may read; ``None``: the owner, who finds everything.

    Raises (each call):
        Conflict: nothing was ever ingested. Otherwise as ``Searcher.search``.
    """
    from retrieval.routes import search_json

    def search(body: Mapping[str, Any]) -> dict[str, Any]:
        found = searcher.search(**body, reader=reader)
        if not found.snapshot:
            raise Conflict("there are no documents to search yet; `alcove ingest FOLDER` adds some")
        return search_json(found)

    return search


def search_at(url: str, timeout_s: float = 60.0, key: str | None = None) -> Search:
    """Search in the service at ``url``, the address that ``alcove serve`` prints.

    Args:
        timeout_s: how long a reply may take (seconds).
        key: the API key, where the service asks for one; ``None``: that of the variable ``ALCOVE_API_KEY``, if it is
            set. It is sent to ``url`` and nowhere else.

    Raises:
        UserError: the key holds characters that no key has.

    Raises (each call):
        NotSignedIn: the service asks for a key, or does not know this one.
        OperatorError: the service does not answer, or is none of Alcove's. Otherwise what the service's search raised.
    """
    import httpx

    place = f"{url.rstrip('/')}/v1/search"
    headers = {"Content-Type": "application/json", **_signed(key)}
    certificates = ssl.create_default_context()  # read once: it takes longer than a search

    def search(body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            # A proxy from the environment must not see what is asked of a service on this machine.
            reply = httpx.post(
                place,
                content=json.dumps(
                    dict(body)
                ),  # escaped, so that whatever was typed gets there to be judged
                headers=headers,
                timeout=timeout_s,
                trust_env=False,
                verify=certificates,
            )
        except (httpx.TransportError, httpx.InvalidURL) as exc:
            raise OperatorError(
                f"the service at {url!r} does not answer ({type(exc).__name__}); start it with `alcove serve`"
            ) from exc
        return _checked(reply, url)

    return search


def texts_of(reply: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The text of each hit, best first, with all else that is known of it: its ids, place, score and snapshot."""
    for hit in reply["hits"]:
        about = {name: value for name, value in hit.items() if name != "text"}
        yield hit["text"], {**about, "snapshot": reply["snapshot"]}


def _signed(key: str | None) -> dict[str, str]:
    """The header that says who asks."""
    key = os.environ.get("ALCOVE_API_KEY", "") if key is None else key
    if not (key.isascii() and key.isprintable()):
        raise UserError("the API key holds characters that no key has; copy it again")
    return {"Authorization": f"Bearer {key.strip()}"} if key.strip() else {}


def _checked(reply: Any, url: str) -> dict[str, Any]:
    """The reply's object, or the error that it stands for."""
    if reply.status_code == NotSignedIn.http_status:
        raise NotSignedIn(
            f"the service at {url!r} asks for an API key that it knows; give it as `key`, or set ALCOVE_API_KEY"
        )
    try:
        body = reply.json()
        if reply.is_success and isinstance(body["hits"], list):
            return dict(body)
        error = error_class(body["error"]["type"])(body["error"]["message"])
    except (ValueError, KeyError, TypeError) as exc:
        raise OperatorError(
            f"what answers at {url!r} with status {reply.status_code} is no Alcove service;"
            " give the address that `alcove serve` prints"
        ) from exc
    raise error
