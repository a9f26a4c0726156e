"""Arithmetic is exact, says when it is not, and ends whatever it is asked."""

from __future__ import annotations

import time
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.tools import TOOLS, Desk
from agents.tools.arithmetic import Value, calculate
from corpus.errors import UserError
from tests.agents.shelf import Shelf

CALC = TOOLS["calculator"]
Expression = tuple[str, Fraction]


def calc(expression: str) -> str:
    shelf = Shelf()
    return CALC({"expression": expression}, Desk(shelf, shelf))


numbers = st.integers(0, 10**6).map(lambda n: (f"{n:,}", Fraction(n))) | st.integers(0, 10**6).map(
    lambda n: (f"{n // 1000}.{n % 1000:03}", Fraction(n, 1000))
)


def _joined(parts: tuple[Expression, str, Expression]) -> Expression:
    (left, a), sign, (right, b) = parts
    if sign in ("/", "//", "%"):
        assume(b != 0)
    value = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "//": lambda: Fraction(a // b),
        "%": lambda: a % b,
    }[sign]()
    return f"({left} {sign} {right})", value


expressions = st.recursive(
    numbers,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(_joined)
        | inner.map(lambda e: (f"(-({e[0]}))", -e[1]))
        | inner.map(lambda e: (f"({e[0]})%", e[1] / 100))
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(expressions)
def test_it_agrees_with_fractions(expression: Expression) -> None:
    text, value = expression
    found = calculate(text)
    assert (found.number, found.exact) == (value, True)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="0123456789.,+-*/%()eE ^abcsqrtmaxlogexp_of", max_size=60))
def test_whatever_is_typed_ends_soon_in_a_value_or_a_sentence(text: str) -> None:
    began = time.process_time()
    with suppress(UserError):
        calculate(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1,250 - 980", "= 270 (exact)"),
        ("0.1 + 0.2", "= 0.3 = 3/10 (exact)"),
        ("1/3", "= 1/3 ≈ 0.333333333333333333333333333333"),
        ("15% of 80", "= 12 (exact)"),
        ("7 % 3", "= 1 (exact)"),
        ("-7 // 2", "= -4 (exact)"),
        ("50% - 3", "= -2.5"),
        ("200 * (1 + 10%)", "= 220 (exact)"),
        ("-2**2", "= -4 (exact)"),
        ("2**3**2", "= 512 (exact)"),
        ("2^10", "= 1024 (exact)"),
        ("3 × 4 ÷ 2", "= 6 (exact)"),
        ("sqrt(9/4)", "= 1.5"),
        ("sqrt(2)", "≈ 1.4142135623730950488"),
        ("8**(1/3)", "≈ 2 (rounded"),
        ("log(1000, 10)", "= 3 (exact)"),
        ("exp(0)", "= 1 (exact)"),
        ("round(2.5)", "= 3 (exact)"),
        ("round(-1.005, 2)", "= -1.01"),
        ("mean(3, 4.5)", "= 3.75"),
        ("sum(1, 2, 3) / max(4, 5) - min(6, 7) + abs(-1)", "= -3.8"),
        ("1.5e3", "= 1500 (exact)"),
    ],
)
def test_values_are_said_with_whether_they_are_exact(expression: str, said: str) -> None:
    assert said in calc(expression)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("1/0", "divides by zero"),
        ("9**9**9", "3,900 digits"),
        ("10**4000", "3,900 digits"),
        ("1e999999", "too large"),
        ("exp(100000)", "3,900 digits"),
        ("2**" * 100 + "2", "nested deeper"),
        ("(" * 100 + "1" + ")" * 100, "nested deeper"),
        ("1" * 3000, "3000 characters"),
        ("max(1,234, 3)", "one number or several"),
        ("sqrt(-1)", "no real square root"),
        ("(-8)**(1/3)", "no real power"),
        ("log(0)", "logarithm"),
        ("sqrt(1, 2)", "takes 1 to 1"),
        ("sinh(1)", "there are sqrt, abs"),
        ("x + 1", "'x' is no number"),
        ("__import__('os').system('true')", "cannot be read"),
        ("(lambda: 1)()", "cannot be read"),
        ("1 2", "not expected"),
        ("(1 + 2", "not closed"),
        ("1 +", "missing at the end"),
        ("", "was called wrongly"),
    ],
)
def test_what_has_no_value_is_answered_in_a_sentence(expression: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        calc(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "log(10, 1.0000000001)",  # 23 milliards: that power of the base is never taken
        "log(1 + 1e-45, 1 + 1e-49)",
        "+".join(["(1e-3000)**300.5"] * 100),  # a million digits each
        f"sum({', '.join(f'1/{p}**1800' for p in range(3, 150, 2))})",  # no denominator in common
        f"mean({', '.join(f'1/{p}**1800' for p in range(3, 150, 2))})",
    ],
)
def test_short_expressions_with_long_numbers_end_soon(expression: str) -> None:
    began = time.process_time()
    with suppress(UserError):
        calculate(expression)
    assert time.process_time() - began < 1


def test_a_logarithm_that_is_whole_is_exact_and_another_is_not() -> None:
    assert calculate("log(9**4000, 9)") == Value(Fraction(4000))
    assert calculate("log(1/1024, 2)") == Value(Fraction(-10))
    assert not calculate("log(10, 1.0000000001)").exact
