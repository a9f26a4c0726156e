"""Parsers that misbehave, for the tests of the processes that hold them. The file's first word says how."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.limits import Limits
from ingest.parsing.progress import steps


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


def _daemonise() -> None:
    """Leave a process behind that has nothing in common with this one: session, parent, surroundings."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.execve("/bin/sleep", [f"daemon of {tempfile.gettempdir()}", "3600"], {})
        os._exit(0)
    os.wait()


def _daemonise_and_abort() -> None:
    _daemonise()
    os.abort()


def _daemonise_and_hang() -> None:
    _daemonise()
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


def _fill_the_disk_by_many() -> None:
    folder = Path(tempfile.mkdtemp())
    for number in range(100_000):
        (folder / str(number)).write_bytes(b"x" * 65_536)
    time.sleep(3600)


def _fill_the_disk_by_files_without_a_name() -> None:
    with contextlib.ExitStack() as hoard:
        for _ in range(100):
            file = hoard.enter_context(tempfile.TemporaryFile())
            file.write(b"x" * (1 << 20))
            file.flush()
        time.sleep(3600)


def _get_on_and_hang() -> None:
    for page in steps(range(3)):
        time.sleep(0.3 if page < 2 else 3600)


def _get_on() -> None:
    for _ in steps(range(4)):
        time.sleep(0.6)
    time.sleep(1.5)


def _connect_in_c() -> None:
    """Connect as a library would, past everything in Python that could refuse."""
    libc = ctypes.CDLL(None, use_errno=True)
    port = int(os.environ["ALCOVE_TEST_PORT"])
    address = struct.pack("=HH4s8x", 2, socket.htons(port), b"\x7f\0\0\1")
    libc.connect(libc.socket(2, 1, 0), address, len(address))


def _raise() -> None:
    raise ZeroDivisionError("a bug of the parser")


def _connect() -> None:
    socket.create_connection(("192.0.2.1", 80), timeout=1)


_DEEDS = {
    "hang": _hang,
    "ignore": _ignore_and_hang,
    "spin": _spin,
    "allocate": _allocate,
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "burst": _hoard_and_abort,
    "exit": lambda: os._exit(3),
    "shout": _shout,
    "fork": _fork,
    "daemonise": _daemonise,
    "daemonise-and-abort": _daemonise_and_abort,
    "daemonise-and-hang": _daemonise_and_hang,
    "many": _fill_the_disk_by_many,
    "nameless": _fill_the_disk_by_files_without_a_name,
    "stall": _get_on_and_hang,
    "step": _get_on,
    "connect-in-c": _connect_in_c,
    "program": _start_a_program_and_hang,
    "litter": _litter,
    "fill": _fill_the_disk,
    "raise": _raise,
    "connect": _connect,
}
