"""A server whose times are known: it writes at a set pace, and tells when it did what.

``python timed_server.py FIRST_S GAP_S TOKENS [STALL_AT_S STALL_S]`` prints its port. All clocks are the machine's, so
another process's ``time.perf_counter`` can be compared. ``GET /times`` gives, for each request, when it came and
when its pieces left. A stall holds everything, as a garbage collection or a full cache does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

FIRST, GAP, TOKENS = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
STALL = [float(s) for s in sys.argv[4:6]]
times: list[list[float]] = []
began: list[float] = []


async def hold(seconds: float) -> None:
    """Sleep, and longer when a stall begins or goes on meanwhile."""
    await asyncio.sleep(seconds)
    if STALL and began:
        start = began[0] + STALL[0]
        left = start + STALL[1] - time.perf_counter()
        if time.perf_counter() > start and left > 0:
            await asyncio.sleep(left)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        lines = head.decode().split("\r\n")
        length = next(
            (int(v.split(":")[1]) for v in lines if v.lower().startswith("content-length")), 0
        )
        await reader.readexactly(length)
        if "/times" in lines[0]:
            whole(writer, json.dumps(times).encode())
        elif "/models" in lines[0]:
            whole(writer, json.dumps({"data": [{"id": "timed", "owned_by": "vllm"}]}).encode())
        else:
            await answer(writer)
        await writer.drain()


def whole(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + body
    )


async def answer(writer: asyncio.StreamWriter) -> None:
    came = time.perf_counter()
    began[:] = began or [came]
    row = [came]
    times.append(row)
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for number in range(TOKENS):
        await hold(FIRST if number == 0 else GAP)
        send(writer, {"choices": [{"delta": {"content": "word "}}]})
        await writer.drain()
        row.append(time.perf_counter())
    usage = {"prompt_tokens": 1500, "completion_tokens": TOKENS}
    send(writer, {"choices": [], "usage": usage})
    data = b"data: [DONE]\n\n"
    writer.write(b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n")


def send(writer: asyncio.StreamWriter, event: object) -> None:
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    writer.write(b"%x\r\n" % len(data) + data + b"\r\n")


async def main() -> None:
    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
