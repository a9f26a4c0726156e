"""Small real implementations that tests use in place of what a test must not need.

Nothing here is imported by the product.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import numpy as np

from retrieval.fingerprint import Fingerprint
from tests.deltas import deltas, tool_call

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


@dataclass(frozen=True)
class Reply:
    """One scripted reply of ``FakeLLMServer``; seconds everywhere.

    ``end`` is how it ends: ``done`` properly; ``undone`` without finish reason and ``[DONE]``;
    ``cut`` in the middle of the HTTP body; ``reset`` by a TCP reset; ``bad_json`` with an event
    that is not JSON; ``endless`` repeats the last piece until the client goes; ``hang`` says no
    more and keeps the connection open.
    """

    pieces: tuple[str, ...] = ()
    tools: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    first_delay: float = 0.0
    gap: float = 0.0
    end: Literal["done", "undone", "cut", "reset", "bad_json", "endless", "hang"] = "done"
    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    thoughts: tuple[str, ...] = ()  # sent apart, as vLLM's ``reasoning``
    reason: str = ""  # finish reason; empty: the one that fits


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    json: Any
    headers: Mapping[str, str]


class FakeLLMServer:
    """An OpenAI-compatible server on a free loopback port that plays a script of replies.

    ``with FakeLLMServer() as llm: llm.say("Paris [1]."); … llm.url`` (ends in ``/v1``). Every chat
    request takes the next reply of the script, a request without one gets status 500, and a request
    for another model 404. ``requests`` holds what came in; ``gone`` counts the streams whose client
    left before their end.
    """

    def __init__(self, model: str = "fake-model", owner: str = "vllm", port: int = 0) -> None:
        self.model, self.owner = model, owner
        self.script: deque[Reply] = deque()
        self.requests: list[Request] = []
        self.gone = 0
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeLLMServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def say(self, *pieces: str, **options: Any) -> None:
        """Appends a reply of text, streamed in these pieces."""
        self.script.append(Reply(pieces=pieces, **options))

    def think(self, *thoughts: str, **options: Any) -> None:
        """Appends a reply whose thoughts are sent apart, before its text (``pieces``)."""
        self.script.append(Reply(thoughts=thoughts, **options))

    def call(self, name: str, arguments: Mapping[str, Any], **options: Any) -> None:
        """Appends a reply that calls one tool."""
        self.script.append(Reply(tools=((name, arguments),), **options))

    def fail(self, status: int, message: str = "scripted", **options: Any) -> None:
        """Appends an error reply in the OpenAI shape."""
        body = json.dumps({"error": {"message": message, "type": "scripted", "code": status}})
        self.script.append(Reply(status=status, body=body, **options))

    @property
    def chats(self) -> list[Any]:
        """The JSON bodies of the chat requests so far."""
        return [r.json for r in self.requests if r.path.endswith("/chat/completions")]

    def took(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def lost_client(self) -> None:
        with self._lock:
            self.gone += 1

    def answer_to(self, path: str, asked: Any) -> tuple[int, str] | None:
        """Status and body for every route but those that take a reply of the script (``None``)."""
        if path == "/v1/models":
            card = {"id": self.model, "object": "model", "owned_by": self.owner}
            return 200, json.dumps({"object": "list", "data": [card]})
        return None if path.endswith("/completions") else (404, '{"detail": "Not Found"}')

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        """The reply to a chat request: the script's next one. A model with a mind of its own overrides this."""
        model = asked.get("model", "")
        with self._lock:
            if model != self.model:
                error = {"error": {"message": f"The model `{model}` does not exist.", "code": 404}}
                return Reply(status=404, body=json.dumps(error))
            if not self.script:
                return Reply(status=500, body='{"error": {"message": "the script is empty"}}')
            return self.script.popleft()


class _Handler(BaseHTTPRequestHandler):
    """Speaks the two routes; ``fake`` is the server that made the class."""

    fake: FakeLLMServer
    asked: Mapping[str, Any] = {}
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stays silent: the test says what matters."""

    def do_GET(self) -> None:
        self.fake.took(Request("GET", self.path, None, dict(self.headers)))
        self._whole(*(self.fake.answer_to(self.path, None) or (404, "{}")))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.fake.took(Request("POST", self.path, asked, dict(self.headers)))
        whole = self.fake.answer_to(self.path, asked)
        if whole is not None:
            self._whole(*whole)
            return
        self.asked = asked
        reply = self.fake.reply_to(asked)
        try:
            self._play(reply, bool(asked.get("stream")))
        except OSError:  # the client is gone, which is what some tests are about
            self.fake.lost_client()
            self.close_connection = True

    def _play(self, reply: Reply, stream: bool) -> None:
        self._wait(reply.first_delay)
        if reply.status != 200 or reply.body:
            self._whole(reply.status, reply.body, reply.headers)
        elif stream:
            self._stream(reply)
        else:
            self._whole(200, json.dumps(self._completion(reply)), reply.headers)

    def _wait(self, seconds: float) -> None:
        """Waits, but notices at once when the client hangs up (``OSError``) or the test ends."""
        waited = 0.0
        while waited < seconds and not self.fake.stopping.wait(0.02):
            waited += 0.02
            self._client_is_there()

    def _client_is_there(self) -> None:
        self.connection.setblocking(False)
        try:
            if self.connection.recv(1, socket.MSG_PEEK) == b"":
                raise ConnectionAbortedError
        except BlockingIOError:
            pass
        finally:
            self.connection.setblocking(True)

    def _whole(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        extra = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        for name, value in {**extra, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _completion(self, reply: Reply) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(reply.pieces)}
        if reply.tools:
            message["tool_calls"] = [tool_call(i, *tool) for i, tool in enumerate(reply.tools)]
        reason = reply.reason or ("tool_calls" if reply.tools else "stop")
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {**self._envelope("chat.completion"), "choices": [choice], "usage": USAGE}

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": self.fake.model}

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, delta in enumerate(deltas(reply.pieces, reply.tools, reply.thoughts)):
            if number:
                self._wait(reply.gap)
            self._event(delta)
        getattr(self, f"_end_{reply.end}")(reply)

    def _event(self, delta: Mapping[str, Any], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        if "/chat/" not in self.path:
            choice = {"index": 0, "text": delta.get("content") or "", "finish_reason": reason}
        self._data(json.dumps({**self._envelope("chat.completion.chunk"), "choices": [choice]}))

    def _data(self, data: str) -> None:
        line = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    def _end_done(self, reply: Reply) -> None:
        self._event({}, reply.reason or ("tool_calls" if reply.tools else "stop"))
        if (self.asked.get("stream_options") or {}).get("include_usage"):
            self._data(
                json.dumps(
                    {**self._envelope("chat.completion.chunk"), "choices": [], "usage": USAGE}
                )
            )
        self._data("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _end_undone(self, reply: Reply) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _end_cut(self, reply: Reply) -> None:
        self.close_connection = True

    def _end_reset(self, reply: Reply) -> None:
        self._wait(0.1)  # lets what was sent arrive before the reset throws it away
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _end_bad_json(self, reply: Reply) -> None:
        self._data('{"choices": [{"delta": ')
        self._end_done(reply)

    def _end_endless(self, reply: Reply) -> None:
        while not self.fake.stopping.is_set():
            self._event({"content": reply.pieces[-1]})
            self._wait(max(reply.gap, 0.02))

    def _end_hang(self, reply: Reply) -> None:
        self._wait(3600.0)

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # the connection may have been reset on purpose
            super().finish()


class HashEncoder:
    """An encoder without weights: words are hashed into a bag, so texts that share words are near.

    Args:
        dimension: of the vectors.
        name: enters the fingerprint; two names are two embedding spaces.
    """

    def __init__(self, dimension: int = 256, name: str = "hash") -> None:
        self.fingerprint = Fingerprint(
            model=name,
            revision="1",
            weights_sha256="",
            tokenizer_sha256="",
            query_prefix="",
            passage_prefix="",
            pooling="sum",
            normalised=True,
            dimension=dimension,
            max_tokens=256,
            dtype="fp32",
            config_sha256="0",
        )
        self.encoded = 0  # passages embedded so far

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += len(texts)
        return self.encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), self.fingerprint.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                vectors[row, int.from_bytes(digest, "big") % self.fingerprint.dimension] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))
