"""What the chat's journeys share: asking, looking at answers, and finding the marked place on a page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth

from tests.browser.stacks import Stack

__all__ = [
    "ANSWER", "QUESTION", "SENTENCE", "Box", "Opener", "answer", "ask", "asked", "ended", "gold_box",
    "overlap", "yellow_box",
]  # fmt: skip

Opener = Callable[..., Page]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as parts of a page's width and height."""

QUESTION = "How much memory does a 70B model need in FP4?"
SENTENCE = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4."
ANSWER = f"{SENTENCE} [1]"
_LEFT, _BASELINE, _SIZE = 64.0, 760.0 - 22.0, 11  # where make_pdf writes the second line of a page
_YELLOW = """image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  for (let i = 0; i < data.length; i += 4)
    if (data[i] > 200 && data[i + 1] > 180 && data[i + 2] < data[i] - 25) {
      const [x, y] = [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)];
      [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
    }
  return [left / canvas.width, top / canvas.height, right / canvas.width, bottom / canvas.height];
}"""


def ask(tab: Page, question: str) -> None:
    """Type a question and send it."""
    tab.get_by_test_id("stChatInputTextArea").fill(question)
    tab.keyboard.press("Enter")


def ended(tab: Page) -> None:
    """Wait until no answer is being written."""
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)


def answer(tab: Page) -> str:
    """The text of the newest answer."""
    return tab.locator(".prose.answer").last.inner_text()


def asked(tab: Page, stack: Stack) -> None:
    """Ask the question that the second page of the PDF answers, and wait for its end."""
    stack.answer(ANSWER)
    ask(tab, QUESTION)
    expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()
    ended(tab)


def gold_box() -> Box:
    """Where the answering sentence stands on its page, from how the test's own PDF was written."""
    width, height = A4
    right = _LEFT + stringWidth(SENTENCE, "Helvetica", _SIZE)
    top, bottom = height - _BASELINE - _SIZE * 0.75, height - _BASELINE + _SIZE * 0.25
    return (_LEFT / width, top / height, right / width, bottom / height)


def yellow_box(picture: Locator) -> Box:
    """What is marked on a page's picture: nothing else on the test's pages is yellow."""
    left, top, right, bottom = picture.evaluate(_YELLOW)
    return (left, top, right, bottom)


def overlap(one: Box, other: Box) -> float:
    """The area that two boxes share, as a part of the area that either covers."""
    shared = [
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    ]
    common = _area(shared[0], shared[1], shared[2], shared[3])
    return common / (_area(*one) + _area(*other) - common)


def _area(left: float, top: float, right: float, bottom: float) -> float:
    return max(0.0, right - left) * max(0.0, bottom - top)
