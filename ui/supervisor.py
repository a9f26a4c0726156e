"""``alcove up``: the service and the page as two child processes, started together and stopped together.

A child that dies is started again, a few times; a signal stops both cleanly. Also holds how the page is started, so
that ``alcove ui`` does it the same way.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from types import FrameType

from agents.settings import Settings
from corpus.errors import OperatorError
from ui.commands.console import say, tracked, warn, write

__all__ = ["is_up", "page_command", "page_environment", "require_free", "require_page_keys", "run"]

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "corpus" / "sample" / "documents"
START_S = 60.0  # until a child must answer
STOP_S = 15.0  # until a child that was asked to stop is killed
RESTARTS = 3  # in a row; one that has stayed up for a while may die anew
STEADY_S = 300.0


def run(settings: Settings, host: str, port: int, with_sample: bool) -> None:
    """Start both, print the address, and wait for a signal.

    Raises:
        UserError: the page would be open to a network without keys.
        OperatorError: a port is in use, or a child does not start or keeps dying.
    """
    require_page_keys(settings, host)
    require_free(host, port)
    if with_sample:
        _ingest_sample(settings)
    service_port = _service_port(settings.service.port, port)  # last: others may be starting too
    service = f"http://127.0.0.1:{service_port}"
    children = [
        _Child("service", _service_command(settings, service_port), service + "/healthz"),
        _Child("page", page_command(service, host, port), f"{_url(host, port)}/_stcore/health"),
    ]
    with _Stopping() as stopping:
        try:
            for child in children:
                child.start()
            for child in children:
                child.wait_until_up(stopping)
            if not stopping.asked:
                write(f"Alcove is ready: {_url(host, port)}   (API: {service}; Ctrl-C stops both)")
            while not stopping.asked:
                for child in children:
                    child.keep_up()
                time.sleep(0.2)
        finally:
            for child in reversed(children):
                child.stop()


def page_command(service: str, host: str, port: int) -> list[str]:
    """How the page is started; telemetry and the e-mail prompt are off whatever the user's own settings say."""
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "server.showEmailPrompt": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-P", "-m", "ui.page", *flags, "--", "--service", service]


def page_environment() -> Mapping[str, str]:
    """The page's environment: a proxy for the outside must not stand between it and the service."""
    return {**os.environ, "PYTHONSAFEPATH": "1", "NO_PROXY": "127.0.0.1,localhost,::1"}


def require_page_keys(settings: Settings, host: str) -> None:
    """Refuse a page that a network could use without a key.

    Raises:
        UserError: ``host`` is reached from beyond this machine, and the home has no users.
    """
    from agents.people.identity import Users
    from agents.people.sign_in import require_keys
    from corpus.home import Home

    require_keys(host, Users(Home(settings.corpus.home)), settings.service.trusted_network)


def require_free(host: str, port: int) -> None:
    """Raises:
    OperatorError: nothing can listen on this address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        raise OperatorError(
            f"port {port} of {host!r} cannot be used ({exc.strerror}); choose another with --port"
        ) from exc


def _service_port(wanted: int, page_port: int) -> int:
    """The service's usual port if it is free, else any other: only the page needs to know it."""
    try:
        if wanted != page_port:
            require_free("127.0.0.1", wanted)
            return wanted
    except OperatorError:
        say(f"Port {wanted} is taken; the service listens on another one.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _service_command(settings: Settings, port: int) -> list[str]:
    command = [sys.executable, "-P", "-m", "ui.cli", "serve", "--home", str(settings.corpus.home)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    return command + (["--llm", settings.llm.url] if settings.llm.url else [])


def _ingest_sample(settings: Settings) -> None:
    from agents.build import build

    app = build(settings)
    try:
        if app.catalog.documents():
            return
        say("First run: reading the sample documents.")
        pipeline = app.pipeline()
        with tracked("Ingesting") as advance:
            report = pipeline.sync(
                [SAMPLE],
                "sample",
                lambda p: advance(p.done, p.total, p.file.source if p.file else ""),
            )
        pipeline.close()
        say(f"Read {len(report.files)} sample documents in {report.seconds:.0f} s.")
    finally:
        app.close()


def _url(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


class _Child:
    """One supervised process and the address that tells whether it is up."""

    def __init__(self, name: str, command: list[str], health: str) -> None:
        self._name, self._command, self._health = name, command, health
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._started = 0.0

    def start(self) -> None:
        self._started = time.monotonic()
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops both in order.
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=page_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_until_up(self, stopping: _Stopping) -> None:
        deadline = time.monotonic() + START_S
        while not stopping.asked and not is_up(self._health):
            if self._status() is not None:
                raise OperatorError(f"the {self._name} did not start; its own words are above")
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"the {self._name} did not answer within {START_S:.0f} s; try again"
                )
            time.sleep(0.1)

    def keep_up(self) -> None:
        status = self._status()
        if status is None:
            return
        if time.monotonic() - self._started > STEADY_S:
            self._restarts = 0
        if self._restarts == RESTARTS:
            raise OperatorError(
                f"the {self._name} keeps ending (status {status}); `alcove doctor` may tell why"
            )
        self._restarts += 1
        warn(f"The {self._name} ended with status {status} and is started again.")
        self.start()

    def stop(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _status(self) -> int | None:
        return None if self._process is None else self._process.poll()


def is_up(url: str) -> bool:
    """Whether a GET of ``url`` ends with status 200 soon; whatever else is heard there is no sign of life.

    That may be our own words: a port that nobody listens on yet can be connected to itself.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except (OSError, HTTPException):
        return False


class _Stopping:
    """While entered, SIGINT and SIGTERM set ``asked`` instead of ending the process."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> _Stopping:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self.asked = True
