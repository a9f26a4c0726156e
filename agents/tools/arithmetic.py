"""Exact arithmetic on what a person would type: own tokens, own parser, fractions; nothing is ever run as code.

    sum        = product (("+" | "-") product)*
    product    = signed (("*" | "/" | "//" | "%" | "of") signed)*
    signed     = ("+" | "-") signed | power
    power      = percent (("**" | "^") signed)?
    percent    = operand "%"*
    operand    = NUMBER | NAME "(" sum ("," sum)* ")" | "(" sum ")"

``%`` before a number, a name or a bracket is the remainder, anywhere else per cent: 15% of 80 is 12, and 200 + 10% is
200.1. Roots, logarithms and powers that are no fraction are decimals of 50 digits and marked as rounded; everything
else is exact. Length, depth and size are bounded, so it ends at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, localcontext
from fractions import Fraction
from functools import partial, reduce
from math import isqrt

from corpus.errors import UserError

__all__ = ["FUNCTIONS", "Value", "calculate"]

_MOST_CHARACTERS = 2_000
_MOST_DEPTH = 40
_MOST_BITS = 13_000  # about 3,900 digits
_DIGITS = 50  # of a rounded value
_TOO_LONG = "a number on the way has more than 3,900 digits; use smaller ones"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d[\d_]*)(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+)"
    r"|(?P<name>[A-Za-z]+\d*)|(?P<sign>\*\*|//|[-+*/%^(),×÷−·]))"
)
_SAME = {"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**"}


@dataclass(frozen=True, slots=True)
class Value:
    """A number; ``exact`` is false once a root, a logarithm or the like was rounded on the way."""

    number: Fraction
    exact: bool = True


def calculate(text: str) -> Value:
    """The value of an expression.

    Raises:
        UserError: it cannot be read or has no value, or is larger than is worked with.
    """
    if len(text) > _MOST_CHARACTERS:
        raise UserError(
            f"the expression has {len(text)} characters, at most {_MOST_CHARACTERS} are worked with"
        )
    try:
        with localcontext(Context(prec=_DIGITS)):
            return _Parser(_tokens(text)).whole()
    except ZeroDivisionError as exc:
        raise UserError(f"{_short(text)!r} divides by zero, which has no value") from exc
    except DecimalException as exc:
        raise UserError(f"{_short(text)!r} has no value that can be written down") from exc


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token."""
    found, position, text = [], 0, text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            rest = _short(text[position:].strip())
            raise UserError(
                f"{rest!r} cannot be read as arithmetic; use numbers, + - * / // % ** ( ) and"
                f" {', '.join(FUNCTIONS)}"
            )
        kind = str(token.lastgroup)
        found.append((kind, _SAME.get(token[kind], token[kind])))
        position = token.end()
    return found


class _Parser:
    """Reads tokens once, from left to right, computing as it goes."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth, self._in_call = tokens, 0, 0, 0

    def whole(self) -> Value:
        value = self._sum()
        if self._at < len(self._tokens):
            raise UserError(f"{self._next()!r} is not expected there; check the expression")
        return value

    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _kind(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at][0] if at < len(self._tokens) else ""

    def _take(self, *texts: str) -> str:
        """The next token if it is one of these, else nothing."""
        if self._next() in texts and self._kind() != "number":
            self._at += 1
            return self._tokens[self._at - 1][1]
        return ""

    def _sum(self) -> Value:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise UserError(f"the brackets are nested deeper than {_MOST_DEPTH}; use fewer")
        value = self._product()
        while sign := self._take("+", "-"):
            value = _combine(sign, value, self._product())
        self._depth -= 1
        return value

    def _product(self) -> Value:
        value = self._signed()
        while sign := self._take("*", "/", "//", "%", "of"):
            value = _combine("*" if sign == "of" else sign, value, self._signed())
        return value

    def _signed(self) -> Value:
        minus = False
        while sign := self._take("+", "-"):
            minus ^= sign == "-"
        value = self._power()
        return Value(-value.number, value.exact) if minus else value

    def _power(self) -> Value:
        base = self._percent()
        if not self._take("**"):
            return base
        self._depth += 1  # 2**2**2**… calls itself as brackets do
        if self._depth > _MOST_DEPTH:
            raise UserError(f"the powers are nested deeper than {_MOST_DEPTH}; use brackets")
        value = _power(base, self._signed())
        self._depth -= 1
        return value

    def _percent(self) -> Value:
        value = self._operand()
        while self._next() == "%" and not self._is_remainder():
            self._at += 1
            value = Value(value.number / 100, value.exact)
        return value

    def _is_remainder(self) -> bool:
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ("", "")
        return (following[0] in ("number", "name") and following[1] != "of") or following[1] == "("

    def _operand(self) -> Value:
        kind, text = self._kind(), self._next()
        self._at += 1
        if kind == "number":
            return self._number(text)
        if kind == "name" and self._next() == "(":
            return self._call(text)
        if text == "(":
            value = self._sum()
            self._close()
            return value
        if kind == "name":
            raise UserError(f"{text!r} is no number; write the number it stands for")
        raise UserError(
            f"a number is missing before {text!r}" if text else "a number is missing at the end"
        )

    def _number(self, text: str) -> Value:
        if "," in text and self._in_call:
            raise UserError(
                f"{text!r} inside a function may be one number or several;"
                f" write {text.replace(',', '')}, or {text.replace(',', ', ')}"
            )
        digits, _, exponent = text.lower().replace(",", "").replace("_", "").partition("e")
        if len(exponent) > 5 or abs(int(exponent or 0)) > _MOST_BITS // 4:
            raise UserError(f"{_short(text)!r} is too large or too small to work with")
        return _bounded(Value(Fraction(digits) * Fraction(10) ** int(exponent or 0)))

    def _call(self, name: str) -> Value:
        function = FUNCTIONS.get(name.lower())
        if function is None:
            raise UserError(f"there is no function {name!r}; there are {', '.join(FUNCTIONS)}")
        self._at += 1
        self._in_call += 1
        values = [self._sum()]
        while self._take(","):
            values.append(self._sum())
        self._close()
        self._in_call -= 1
        least, most = _COUNTS.get(name.lower(), (1, _MOST_CHARACTERS))
        if not least <= len(values) <= most:
            raise UserError(f"{name!r} takes {least} to {most} numbers, not {len(values)}")
        result = function(values)
        return _bounded(Value(result.number, result.exact and all(v.exact for v in values)))

    def _close(self) -> None:
        if not self._take(")"):
            raise UserError("a bracket is not closed; write ')' where it ends")


def _combine(sign: str, a: Value, b: Value) -> Value:
    left, right = a.number, b.number
    match sign:
        case "+":
            number = left + right
        case "-":
            number = left - right
        case "*":
            number = left * right
        case "/":
            number = left / right
        case "//":
            number = Fraction(left // right)
        case _:
            number = left % right
    return _bounded(Value(number, a.exact and b.exact))


def _bounded(value: Value) -> Value:
    if _bits(value.number) > _MOST_BITS:
        raise UserError(_TOO_LONG)
    return value


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _power(base: Value, exponent: Value) -> Value:
    number, power, exact = base.number, exponent.number, base.exact and exponent.exact
    if power.denominator == 1:
        if _bits(number) * abs(power) > 2 * _MOST_BITS and abs(number) not in (0, 1):
            raise UserError("a power on the way has more than 3,900 digits; use smaller numbers")
        return _bounded(Value(number ** int(power % 2 if abs(number) == 1 else power), exact))
    if number < 0:
        raise UserError("a negative number has no real power that is no whole number")
    if power == Fraction(1, 2):
        root = _root([base])
        return Value(root.number, root.exact and exact)
    return _rounded_off(_decimal(number) ** _decimal(power))


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _rounded_off(number: Decimal) -> Value:
    """A decimal as a value; one of a million digits would take long to become a fraction, only to be refused."""
    if number and abs(number.adjusted()) > _MOST_BITS:
        raise UserError(_TOO_LONG)
    return _bounded(Value(Fraction(number), False))


def _root(values: Sequence[Value]) -> Value:
    number = values[0].number
    if number < 0:
        raise UserError("a negative number has no real square root")
    above, below = isqrt(number.numerator), isqrt(number.denominator)
    if above**2 == number.numerator and below**2 == number.denominator:
        return Value(Fraction(above, below))
    return Value(Fraction(_decimal(number).sqrt()), False)


def _logarithm(values: Sequence[Value]) -> Value:
    number, base = values[0].number, values[1].number if len(values) > 1 else None
    if number <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise UserError(
            "only a number above 0, to a base above 0 and other than 1, has a logarithm"
        )
    if number == 1:
        return Value(Fraction(0))
    found = _decimal(number).ln() / (Decimal(1) if base is None else _decimal(base).ln())
    whole = int(found.to_integral_value())
    if base and _bits(base) * abs(whole) <= 2 * _MOST_BITS and base**whole == number:
        return Value(Fraction(whole))
    return Value(Fraction(found), False)


def _exponential(values: Sequence[Value]) -> Value:
    number = values[0].number
    if abs(number) > _MOST_BITS * 2 // 3:
        raise UserError("exp of so large a number has more than 3,900 digits; use a smaller one")
    return Value(Fraction(_decimal(number).exp()), number == 0)


def _rounded(values: Sequence[Value]) -> Value:
    number, digits = values[0].number, values[1].number if len(values) > 1 else Fraction(0)
    if digits.denominator != 1 or abs(digits) > 100:
        raise UserError("round takes a whole number of digits, at most 100")
    unit = Fraction(10) ** -int(digits)
    nearest = (abs(number) / unit + Fraction(1, 2)) // 1 * unit
    return Value(nearest if number >= 0 else -nearest)


_plus = partial(_combine, "+")  # bounded on the way, as a written sum is

FUNCTIONS: dict[str, Callable[[Sequence[Value]], Value]] = {
    "sqrt": _root,
    "abs": lambda values: Value(abs(values[0].number)),
    "min": lambda values: Value(min(value.number for value in values)),
    "max": lambda values: Value(max(value.number for value in values)),
    "round": _rounded,
    "sum": lambda values: reduce(_plus, values),
    "mean": lambda values: Value(reduce(_plus, values).number / len(values)),
    "log": _logarithm,
    "exp": _exponential,
}
"""By name. ``round`` takes the digits after the point too, and rounds halves away from zero; ``log`` a base."""

_COUNTS = {"sqrt": (1, 1), "abs": (1, 1), "round": (1, 2), "log": (1, 2), "exp": (1, 1)}
