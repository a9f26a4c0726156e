"""Asking and pressing on the page under Streamlit's own test runner."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.ui.conftest import until

__all__ = ["ANSWER", "QUESTION", "Opener", "answered", "ask", "has_button", "press"]

Opener = Callable[..., AppTest]
QUESTION = "How much memory does a 70B model need in FP4?"
ANSWER = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4. [1]"


def ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input(key="prompt").set_value(question).run()


def has_button(name: str) -> Callable[[AppTest], bool]:
    return lambda page: any(name in b.label for b in page.button)


def press(page: AppTest, name: str) -> AppTest:
    return next(b for b in page.button if name in b.label).click().run()


def answered(page: AppTest, question: str = QUESTION) -> AppTest:
    return until(ask(page, question), has_button("quantization"))
