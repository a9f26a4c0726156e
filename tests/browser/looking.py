"""What axe-core finds wrong on a page, in words; and the four ways in which a page is looked at."""

from __future__ import annotations

import time
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

__all__ = ["DESK", "LOOKS", "OTHER_LOOKS", "PHONE", "asked_for_key", "findings", "look"]

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
LOOKS, OTHER_LOOKS = (("light", DESK), ("dark", PHONE)), (("light", PHONE), ("dark", DESK))
_GRAVE = ("serious", "critical")
_SETTLED_S = 10.0  # what is still wrong then, is wrong
_FORGOTTEN_S = 120.0  # what pages keep of the service is younger
_OPTIONS = {"resultTypes": ["violations"]}


def look(tab: Page, scheme: str, size: dict[str, int]) -> None:
    """Show the open page in a colour scheme and a size, once its new colours are there."""
    tab.set_viewport_size(size)  # type: ignore[arg-type]
    tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    tab.wait_for_function(
        "wanted => getComputedStyle(document.querySelector('.stApp')).colorScheme === wanted",
        arg=scheme,
    )


def findings(tab: Page) -> list[str]:
    """What axe-core calls serious or critical: the rule, the element and what is wrong with it.

    What goes away by itself was a page still being drawn.
    """
    deadline = time.monotonic() + _SETTLED_S
    while (found := _findings(tab)) and time.monotonic() < deadline:
        tab.wait_for_timeout(500)
    return found


def _findings(tab: Page) -> list[str]:
    found: list[dict[str, Any]] = Axe().run(tab, options=_OPTIONS).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} ({_why(node)})"
        for rule in found
        if rule["impact"] in _GRAVE
        for node in rule["nodes"]
    ]


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks)


def asked_for_key(tab: Page) -> Locator:
    """The field for a key, once the page no longer shows what it had read before one was needed."""
    field = tab.get_by_label("API key", exact=True)
    main = tab.get_by_role("main")
    deadline = time.monotonic() + _FORGOTTEN_S
    while True:
        expect(main.get_by_role("heading").first).to_be_visible()
        if field.is_visible() or time.monotonic() > deadline:
            expect(field).to_be_visible()
            return field
        tab.wait_for_timeout(1000)
        tab.reload()
