"""Headless Chromium on a running page. Without Chromium the journeys are skipped, but never in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser.stacks import FakeStack, Stack, fake_stack, real_stack

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 60_000  # the first question waits until the encoder is loaded
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, where it is installed."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")  # an open browser keeps this thread's event loop running
def browser() -> Iterator[Browser]:
    """One Chromium for all journeys."""
    if not any(map(shutil.which, _NAMES)):
        message = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    expect.set_options(timeout=_PATIENCE_MS)
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")  # an open browser keeps this thread's event loop running
def fake(browser: Browser) -> Iterator[FakeStack]:
    """The page over the fake service."""
    with fake_stack() as stack:
        yield stack


@pytest.fixture(scope="module")  # an open browser keeps this thread's event loop running
def real(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product."""
    with real_stack(tmp_path_factory.mktemp("alcove")) as stack:
        yield stack


@pytest.fixture(params=["fake", "real"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each of the two in turn."""
    found: Stack = request.getfixturevalue(request.param)
    return found


class Watched:
    """What a tab asked of the network and complained about."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.complaints: list[str] = []

    def request(self, request: Request) -> None:
        self.addresses.append(request.url)

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    @property
    def outside(self) -> list[str]:
        """The addresses that are not on this machine."""
        local = ("127.0.0.1", "localhost")
        return [
            a for a in self.addresses
            if urlsplit(a).scheme not in ("data", "blob") and urlsplit(a).hostname not in local
        ]  # fmt: skip


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens tabs; at the end none may have left this machine or complained."""
    watched, contexts = Watched(), []

    def opened(url: str, **options: Any) -> Page:
        size = options.pop("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(viewport=size, **options)
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        context.on("request", watched.request)
        context.on("console", watched.console)
        context.on("weberror", lambda error: watched.complaints.append(str(error.error)))
        page = context.new_page()
        page.on("websocket", lambda socket: watched.addresses.append(socket.url))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert watched.addresses
    assert watched.outside == []
    assert watched.complaints == []
