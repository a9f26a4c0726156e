"""How long the page takes: from a press or a key until nothing on it changes any more, as the browser sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from playwright.sync_api import Locator, Page

__all__ = ["Timings", "click", "percentile", "press", "table", "watch"]

Timings = dict[str, list[float]]
_QUIET_MS = 250  # without a change; the page is settled
_WATCH = """quiet => {
  if (window.watched) return;
  const held = (window.watched = {});
  const running = () => document.querySelector(".stApp")?.dataset.testScriptState === "running";
  const wait = () => { clearTimeout(held.timer); held.timer = setTimeout(look, quiet); };
  const look = () => {
    if (!held.ran || running()) wait();
    else held.taken = held.last - held.from;
  };
  new MutationObserver(() => {
    if (held.taken !== null) return;
    held.ran ||= running();
    held.last = performance.now();
    wait();
  }).observe(document.body, {
    attributes: true, characterData: true, childList: true, subtree: true,
  });
}"""
_BEGIN = """() => Object.assign(window.watched, {
  from: performance.now(), last: null, ran: false, taken: null,
})"""
_CLICK = f"element => {{ ({_BEGIN})(); element.click(); }}"


def watch(tab: Page) -> None:
    """Look for changes on this tab from now on, until it is loaded anew."""
    tab.evaluate(_WATCH, _QUIET_MS)


def click(found: Locator) -> float:
    """Press something; the milliseconds until the page was settled."""
    found.wait_for()
    found.evaluate(_CLICK)
    return _settled(found.page)


def press(tab: Page, key: str) -> float:
    """Press a key; the milliseconds until the page was settled."""
    tab.evaluate(_BEGIN)
    tab.keyboard.press(key)
    return _settled(tab)


def _settled(tab: Page) -> float:
    tab.wait_for_function("() => window.watched.taken !== null", polling=50)
    return float(tab.evaluate("() => window.watched.taken"))


def percentile(values: Sequence[float], part: float) -> float:
    """The nearest-rank percentile."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def table(timings: Timings) -> str:
    """One line for each interaction: how often, median and 95th percentile in milliseconds."""
    rows = [f"{'interaction':<34}{'n':>4}{'p50 ms':>9}{'p95 ms':>9}"]
    for name, values in timings.items():
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        rows.append(f"{name:<34}{len(values):>4}{p50:>9.0f}{p95:>9.0f}")
    return "\n".join(rows)
