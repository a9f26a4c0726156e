"""How long the page takes: from a press or a key until nothing on it changes any more, as the browser sees it.

Changes in the shadow trees of the page's own components count as all others do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from playwright.sync_api import Locator, Page

__all__ = ["Timings", "Until", "begin", "click", "percentile", "press", "table", "taken", "watch"]

Timings = dict[str, list[float]]
_QUIET_MS = 200  # without a change; the page is settled
_WATCH = """
  const quiet = QUIET, roots = [document];
  const held = (window.watched = { taken: 0 });
  const options = { attributes: true, characterData: true, childList: true, subtree: true };
  const running = () => document.querySelector(".stApp")?.dataset.testScriptState === "running";
  const find = css => roots.flatMap(
    root => root === document || root.host.isConnected ? [...root.querySelectorAll(css)] : []);
  const there = ({ css, text, count }) => {
    const found = find(css).filter(one => one.textContent.includes(text));
    return count === null ? found.length > 0 : found.length === count;
  };
  const wait = () => { clearTimeout(held.timer); held.timer = setTimeout(look, quiet); };
  const look = () => {
    if (held.taken !== null) return;
    if (held.last === null || running() || !held.until.every(there)) wait();
    else held.taken = held.last - held.from;
  };
  const changes = new MutationObserver(() => {
    if (held.taken !== null) return;
    held.last = performance.now();
    wait();
  });
  changes.observe(document, options);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (how) {
    const root = attach.call(this, how);
    roots.push(root);
    changes.observe(root, options);
    return root;
  };
  held.begin = until => {
    Object.assign(held, { until, from: performance.now(), last: null, taken: null });
    wait();
  };
"""


@dataclass(frozen=True)
class Until:
    """What is on the page when it is done: elements like ``css`` that hold ``text``; ``count`` of them, or any."""

    css: str
    text: str = ""
    count: int | None = None


def watch(tab: Page) -> None:
    """Look for changes on this tab from now on, also when it is loaded anew; loads it anew."""
    tab.add_init_script(_WATCH.replace("QUIET", str(_QUIET_MS)))
    tab.reload()


def begin(tab: Page, *until: Until) -> None:
    """From now on time passes."""
    tab.evaluate("until => window.watched.begin(until)", [asdict(one) for one in until])


def click(found: Locator, *until: Until) -> float:
    """Press something; the milliseconds until the page was settled, with all of ``until`` there."""
    found.wait_for()
    script = "(element, until) => { window.watched.begin(until); element.click(); }"
    found.evaluate(script, [asdict(one) for one in until])
    return taken(found.page)


def press(tab: Page, key: str, *until: Until) -> float:
    """Press a key; the milliseconds until the page was settled, with all of ``until`` there."""
    begin(tab, *until)
    tab.keyboard.press(key)
    return taken(tab)


def taken(tab: Page) -> float:
    """The milliseconds from ``begin`` until the last change, once the page is settled."""
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
