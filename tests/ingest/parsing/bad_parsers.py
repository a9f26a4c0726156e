"""Parsers that misbehave, for the tests of the processes that hold them. The file's first word says how."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.limits import Limits


def parse(path: Path, limits: Limits) -> Parsed:
    """Do what the file says; a file that says nothing of the kind is read as it is."""
    words = path.read_text(encoding="utf-8")
    deed = _DEEDS.get(words.split()[0])
    if deed is not None:
        deed()
    builder = TextBuilder()
    builder.add(ElementKind.TEXT, words)
    return builder.build("text/plain")


def _hang() -> None:
    time.sleep(3600)


def _ignore_and_hang() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(3600)


def _spin() -> None:
    while True:
        pass


def _allocate() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(32 << 20))


def _hoard_and_abort() -> None:
    hoard = [bytearray(32 << 20) for _ in range(28)]
    time.sleep(1)
    if hoard:
        os.abort()


def _shout() -> None:
    for _ in range(200):
        os.write(1, b"\x00\x00\x00\x00\x00\x00\x00\x05 nonsense " * 100)
        print("noise" * 1000)
        print("noise" * 1000, file=sys.stderr)


def _fork() -> None:
    if os.fork() == 0:
        time.sleep(3600)


def _start_a_program_and_hang() -> None:
    subprocess.Popen(["sleep", "3600"])
    time.sleep(3600)


def _litter() -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("left behind")


def _fill_the_disk() -> None:
    with tempfile.NamedTemporaryFile("wb", delete=False) as file:
        while True:
            file.write(bytes(1 << 20))


def _raise() -> None:
    raise ZeroDivisionError("a bug of the parser")


def _connect() -> None:
    import socket

    socket.create_connection(("192.0.2.1", 80), timeout=1)


_DEEDS = {
    "hang": _hang,
    "ignore": _ignore_and_hang,
    "spin": _spin,
    "allocate": _allocate,
    "abort": os.abort,
    "burst": _hoard_and_abort,
    "exit": lambda: os._exit(3),
    "shout": _shout,
    "fork": _fork,
    "program": _start_a_program_and_hang,
    "litter": _litter,
    "fill": _fill_the_disk,
    "raise": _raise,
    "connect": _connect,
}
