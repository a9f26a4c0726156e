"""Finds a running language model server on this machine, and asks a server for its models.

The search looks at loopback addresses only, at the ports where servers usually listen. Knows
nothing of engines or settings.
"""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from agents.addresses import is_this_machine

__all__ = [
    "LOCAL_URLS",
    "UNREADABLE",
    "Server",
    "ask_server",
    "fetch_json",
    "find_server",
    "is_loopback",
]

log = logging.getLogger(__name__)

# Where servers listen when nothing is said: vLLM and TensorRT-LLM on 8000 (8001 beside another),
# Ollama on 11434, llama.cpp on 8080, LM Studio on 1234, SGLang on 30000.
LOCAL_URLS = tuple(f"http://127.0.0.1:{port}/v1" for port in (8000, 8001, 11434, 8080, 1234, 30000))
_OWNERS = {  # what each server says of itself in its list of models
    "vllm": "vLLM",
    "tensorrt_llm": "TensorRT-LLM",
    "library": "Ollama",
    "llamacpp": "llama.cpp",
    "organization_owner": "LM Studio",
    "sglang": "SGLang",
}
_LONGEST_LIST = 1_000_000  # bytes of a list of models; what sends more is not such a server
UNREADABLE = (
    OSError,
    http.client.HTTPException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What asking a server that is not there, or is none of these, can raise."""


@dataclass(frozen=True, slots=True)
class Server:
    """A language model server that answered, and the first model it serves."""

    url: str
    model: str
    label: str


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine."""
    return is_this_machine(urlsplit(url).hostname or "")


def find_server(
    urls: Sequence[str] = LOCAL_URLS, timeout: float = 0.4, api_key: str = ""
) -> Server | None:
    """The first of ``urls``, in their order, where a language model server answers.

    All are asked at once and without any proxy; those that take longer than ``timeout`` seconds,
    or are not on this machine, are passed over, and so is our own service (owner ``alcove``).
    """
    local = [url for url in urls if is_loopback(url)]
    pool = ThreadPoolExecutor(max_workers=max(1, len(local)), thread_name_prefix="alcove-find")
    asked = [pool.submit(ask_server, url, timeout, api_key) for url in local]
    wait(asked, timeout=timeout)
    pool.shutdown(wait=False, cancel_futures=True)
    answers = (future.result() for future in asked if future.done())
    return next((server for server in answers if server), None)


def ask_server(url: str, timeout: float, api_key: str = "") -> Server | None:
    """Who answers at ``url``; nobody, or somebody who is no such server, is ``None``."""
    try:
        cards = fetch_json(f"{url.rstrip('/')}/models", timeout, api_key)["data"]
        model, owner = str(cards[0]["id"]), str(cards[0].get("owned_by", ""))
    except UNREADABLE as exc:
        log.debug("no language model server at %s: %r", url, exc)
        return None
    if owner == "alcove":
        return None
    return Server(url, model, f"{_OWNERS.get(owner, 'OpenAI-compatible server')} at {url}")


def fetch_json(
    url: str, timeout: float, api_key: str = "", body: Mapping[str, Any] | None = None
) -> Any:
    """What a GET, or a POST of ``body``, gives; ``http.client``, which knows no proxies or redirects.

    Raises:
        OSError: nobody answers within ``timeout`` seconds, or the status is not 200; see
            ``UNREADABLE`` for what else.
    """
    parts = urlsplit(url)
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        if body is None:
            connection.request("GET", parts.path, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            connection.request("POST", parts.path, json.dumps(body), headers)
        reply = connection.getresponse()
        if reply.status != http.client.OK:
            raise OSError(f"status {reply.status}")
        return json.loads(reply.read(_LONGEST_LIST))
    finally:
        connection.close()
