"""Whether an engine works: can it make one token? A server may say that it is healthy and answer nothing.

One that is busy may keep a token waiting. It is told from a dead one by the tokens that it counts itself, in the
Prometheus metrics of vLLM, TensorRT-LLM and llama.cpp.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from urllib.parse import urlsplit

__all__ = ["counted_tokens", "one_token"]

_LONGEST = 2**20  # bytes of a reply
_COUNTERS = re.compile(
    r"^(?:vllm:generation_tokens_total|trtllm:?_?generation_tokens(?:_total)?|llamacpp:tokens_predicted_total)"
    r"(?:\{[^}]*\})? ([0-9.eE+]+)$",
    re.MULTILINE,
)


def one_token(url: str, model: str, patience_s: float, api_key: str = "") -> str:
    """Why the server at ``url`` (it ends in ``/v1``) did not make a token in time; empty if it did."""
    parts = urlsplit(url)
    deadline = time.monotonic() + patience_s
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 1,
        "temperature": 0,
    }
    headers = {"Content-Type": "application/json"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port, timeout=patience_s
    )
    try:
        connection.request("POST", f"{parts.path}/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        data = response.read(_LONGEST)
    except (OSError, http.client.HTTPException) as exc:
        return f"it did not make a token within {patience_s:g} seconds ({type(exc).__name__})"
    finally:
        connection.close()
    if response.status != 200:
        return f"it answered with status {response.status} when it was asked for a token"
    if time.monotonic() > deadline:
        return f"it took over {patience_s:g} seconds for one token"
    try:
        reply = json.loads(data)
        made = reply["choices"][0]
    except (ValueError, LookupError, TypeError):
        return "what it answered is no reply of a language model"
    return "" if "message" in made else "its reply holds no message"


def counted_tokens(url: str, patience_s: float) -> float | None:
    """How many tokens the server at ``url`` says that it has made; ``None`` where it does not count them."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port, timeout=patience_s
    )
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read(_LONGEST).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    found = [float(number) for number in _COUNTERS.findall(text)]
    return sum(found) if found and response.status == 200 else None
