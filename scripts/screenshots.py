"""Take the pictures of the page that stand in docs/: light and dark, on a desk and on a phone.

Starts Alcove on a new home with the sample and its extractive engine, asks a question, opens its
source and goes through the views with headless Chromium. Needs the `dev` extra and a Chromium:
`python scripts/screenshots.py`. Pictures are PNG of at most 120 kB each.
"""

from __future__ import annotations

import io
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "docs" / "screenshots"
SIZES = {"desk": (1280, 800), "phone": (390, 800)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
VIEWS = ("chat", "library", "inspect", "evaluate", "status")
QUESTION = "How much memory should I expect a QLoRA run of a 70B model to take?"
LARGEST = 120_000  # bytes
_README = {"chat-light-desk": "screenshot.png", "chat-dark-desk": "screenshot-dark.png"}
_START_MS, _PATIENCE_MS = 240_000, 60_000


@contextmanager
def alcove(home: Path) -> Iterator[str]:
    """`alcove up` on a new home with the sample and without a language model; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "ui.cli", "up", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        if "Alcove is ready" not in said:
            raise SystemExit(said or "alcove up ended")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def converse(tab: Page, url: str) -> str:
    """Ask on an empty page; the address of the conversation, once it is answered."""
    tab.goto(url)
    tab.get_by_test_id("stChatInputTextArea").fill(QUESTION)
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="Open source 1").first).to_be_visible(timeout=_START_MS)
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    return tab.url


def measure(tab: Page, url: str) -> None:
    """Let the sample's questions be measured, so that there is a result to show."""
    tab.goto(f"{url}/?view=evaluate")
    tab.get_by_role("button", name="Start").click()
    expect(tab.get_by_text("Results").first).to_be_visible(timeout=_START_MS)
    expect(tab.get_by_text(re.compile("scores highest|is better"))).to_be_visible(timeout=_START_MS)


def show(tab: Page, view: str, url: str, conversation: str) -> None:
    """Open a view as it is in use."""
    tab.goto(conversation if view == "chat" else f"{url}/?view={view}")
    expect(tab.get_by_test_id("stMain").locator("h1, .prose").first).to_be_visible()
    if view == "chat":
        tab.get_by_role("button", name="Open source 1").first.click()
        expect(tab.locator(".st-key-viewer").locator("img, mark").first).to_be_visible()
    if view == "inspect":
        tab.get_by_test_id("stMain").get_by_role("textbox").first.fill(QUESTION)
        tab.keyboard.press("Enter")
    expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
    tab.wait_for_timeout(2000)  # plots and pictures have no other sign of being drawn


def save(picture: bytes, name: str) -> None:
    """Write a picture with as many colours as fit into ``LARGEST``, and where the README shows it too."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        image.quantize(colours).save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            break
    (SHOTS / f"{name}.png").write_bytes(out.getvalue())
    if name in _README:
        (ROOT / "docs" / _README[name]).write_bytes(out.getvalue())


def main() -> int:
    """Take every picture; return the exit status."""
    SHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, alcove(Path(home)) as url, sync_playwright() as p:
        chromium = p.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        expect.set_options(timeout=_PATIENCE_MS)
        tab = chromium.new_page()
        conversation = converse(tab, url)
        measure(tab, url)
        for scheme in SCHEMES:
            for size, (width, height) in SIZES.items():
                tab.set_viewport_size({"width": width, "height": height})
                tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                for view in VIEWS:
                    show(tab, view, url, conversation)
                    save(tab.screenshot(), f"{view}-{scheme}-{size}")
        chromium.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
