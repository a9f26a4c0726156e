"""The tool that calculates: exactly, with fractions, by ``agents.tools.arithmetic``."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

from pydantic import Field

from agents.tools.arithmetic import FUNCTIONS, Value, calculate
from agents.tools.tool import Arguments, Desk, Tool

__all__ = ["CALCULATOR", "CalculatorArguments"]

_SHOWN = 30  # significant digits of a value that is not shown in full
_WHOLE = 400  # most digits that are shown in full


class CalculatorArguments(Arguments):
    """What to calculate."""

    expression: str = Field(
        description="E.g. (1,250 - 980) / 980, 15% of 80, round(mean(3, 4.5), 1), 2**10.",
        min_length=1,
    )


def _run(arguments: CalculatorArguments, desk: Desk) -> str:
    value = calculate(arguments.expression)
    return f"{' '.join(arguments.expression.split())} {_said(value)}"


def _said(value: Value) -> str:
    number = value.number
    if not value.exact:
        return f"≈ {_rounded(number)} (rounded to {_SHOWN} significant digits)"
    if number.denominator == 1 and len(str(number)) <= _WHOLE:
        return f"= {number} (exact)"
    fraction = f"{number.numerator}/{number.denominator}"
    shown = f"= {fraction} " if number.denominator != 1 and len(fraction) <= _WHOLE else ""
    decimal = _terminating(number)
    if decimal:
        return f"= {decimal} {shown}(exact)"
    return f"{shown}≈ {_rounded(number)} (rounded to {_SHOWN} significant digits)"


def _terminating(number: Fraction) -> str:
    """The decimal that is exactly this number; empty when there is none that can be shown."""
    below, places = number.denominator, 0
    for prime in (2, 5):
        count = 0
        while below % prime == 0 and count <= _WHOLE:
            below, count = below // prime, count + 1
        places = max(places, count)
    if below != 1 or places + len(str(abs(int(number)))) > _WHOLE:
        return ""
    return format(Decimal(int(number * 10**places)).scaleb(-places, Context(prec=2 * _WHOLE)), "f")


def _rounded(number: Fraction) -> str:
    context = Context(prec=_SHOWN)
    text = str(context.divide(Decimal(number.numerator), Decimal(number.denominator)))
    mantissa, sign, exponent = text.partition("E")
    short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return short + sign + exponent


CALCULATOR = Tool(
    name="calculator",
    description=(
        "Calculate exactly. Knows + - * / // (whole quotient) % (per cent, or remainder between two"
        f" numbers) ** ( ) and {', '.join(FUNCTIONS)}. Numbers only, without units."
    ),
    schema=CalculatorArguments,
    run=_run,
    labels=frozenset(),
)
