"""Finds what a sentence says differently from the text it cites: numbers, units, dates, names, negation.

Sentences that share most of their words can still disagree, and these are the words by which they
do. ``clashes`` names each; none found does not mean that the sentence is true. Rules of English, with
figures, names and ISO dates in any language that writes them so.

Knows nothing of answers, passages or scores.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from agents.text.words import MONTHS, content_words, names, stem

__all__ = ["Figure", "clashes", "equal", "figures", "is_computed"]

_WORD_LIST = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
_TEN_LIST = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_LIST = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth"
_VALUES: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(_WORD_LIST.split())},
    **{word: float(value) for value, word in enumerate(_ORDINAL_LIST.split())},
    **{word: 10.0 * value for value, word in enumerate(_TEN_LIST.split(), 2)},
    "hundred": 100.0,
    "dozen": 12.0,
    "half": 0.5,
    "once": 1.0,
    "twice": 2.0,
}
_TIMES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
          "k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9}  # fmt: skip
_LITTLE = 12  # numbers up to here, in words, often only count what a sentence lists
_UNIT_LIST = (
    "% percent percentage|gb gigabyte gib|mb megabyte mib|kb kilobyte kib|tb terabyte tib"
    "|ms millisecond|s sec second|min minute|h hr hour|day|week|month|year"
    "|mm millimetre millimeter|cm centimetre centimeter|m metre meter|km kilometre kilometer"
    "|mile|foot feet ft|inch inches|kg kilogram kilo|g gram|mg milligram|t tonne|lb pound"
    "|w watt|kw kilowatt|mw megawatt|kwh|v volt|a amp ampere|hz hertz|mhz|ghz"
    "|°c celsius|°f fahrenheit|l litre liter|ml|€ eur euro|$ usd dollar|£ gbp|core|token|page|degree"
)
_UNITS = {stem(word): group.split()[0] for group in _UNIT_LIST.split("|") for word in group.split()}
_NUMBER = re.compile(
    r"(?P<figure>(?<![\w.,])[-−]?\d+(?:[.,]\d+)*)|(?P<word>\b(?:" + "|".join(_VALUES) + r")\b)",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?:st|nd|rd|th)?[\s-]{0,2}([^\W\d_]+|[%$€£]|°[CF])")
_DATE = re.compile(r"\b(\d{4})-(\d{2})(?:-(\d{2}))?\b")
_DAY_LIST = "monday tuesday wednesday thursday friday saturday sunday"
_DAYS = frozenset(_DAY_LIST.split())
_NOT = re.compile(
    r"\b(?:not|never|no|none|neither|nor|nobody|nothing|without|cannot|unable|fails?|failed|lacks?)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
_ANSWER_WORD = re.compile(r"^\W*(?:no|yes)\b[,.:;–—-]*\s*", re.IGNORECASE)
_REACH = 3  # words behind a negation that it denies
_OPPOSITE_LIST = """
    increase/decrease rise/fall more/less most/least before/after maximum/minimum highest/lowest
    largest/smallest higher/lower always/never above/below first/last allowed/forbidden
    required/optional enabled/disabled success/failure north/south east/west win/lose
    accept/reject open/closed older/younger faster/slower larger/smaller early/late
    longer/shorter inside/outside include/exclude with/without all/none start/end
"""
_OPPOSITES = tuple(tuple(stem(word) for word in pair.split("/")) for pair in _OPPOSITE_LIST.split())


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as a text has it; ``unit`` and ``noun`` are stems of what it counts, empty if it counts nothing."""

    value: float
    shown: str
    unit: str
    noun: str
    worded: bool

    @property
    def counts(self) -> str:
        """The unit, else the noun."""
        return self.unit or self.noun


def clashes(
    sentence: str, quote: str, around: str = "", computed: Collection[float] = ()
) -> list[str]:
    """What ``sentence`` says that the cited text does not, each as ``kind: words``.

    Args:
        sentence: without its ``[n]``.
        quote: the words it cites.
        around: what stands by the quote: the sentences before and after, headings, the title.
        computed: numbers that need stand nowhere: tools worked them out.
    """
    said = _ANSWER_WORD.sub("", sentence)
    whole = f"{quote}\n{around}"
    return [
        *(f"number: {shown}" for shown in _numbers(said, quote, whole, computed)),
        *(f"date: {word}" for word in _calendar(said) - _calendar(whole)),
        *(f"name: {name}" for name in _names(said, whole)),
        *(f"negation: {word}" for word in _negations(said, quote)),
        *(f"opposite: {word}" for word in _opposites(said, quote)),
    ]


def _numbers(sentence: str, quote: str, whole: str, computed: Collection[float]) -> Iterator[str]:
    there = list(figures(whole))
    for said in figures(sentence):
        if is_computed(said, computed):
            continue
        same = [other for other in there if equal(said.value, other.value)]
        if not same:
            counted = {other.noun for other in there if other.noun}
            if not (said.worded and said.value <= _LITTLE) or said.noun in counted:
                yield said.shown
        elif said.unit and all(other.unit and other.unit != said.unit for other in same):
            yield f"{said.shown} {said.unit}"
        elif said.counts and all(other.counts != said.counts for other in same):
            # The quote counts the same, and comes to another number.
            elsewhere = any(other.counts == said.counts for other in figures(quote))
            yield from [f"{said.shown} {said.counts}"] * elsewhere


def is_computed(said: Figure, computed: Collection[float]) -> bool:
    """Whether a number is one of those that tools worked out, rounded to the places it is said with."""
    places = len(said.shown.rpartition(".")[2]) if "." in said.shown else 0
    values = (
        value * scale for value in computed for scale in ((1, 100) if said.unit == "%" else (1,))
    )
    return any(
        equal(abs(said.value), abs(value)) or _rounds_to(said.value, value, places)
        for value in values
    )


def _rounds_to(said: float, value: float, places: int) -> bool:
    """Whether ``said`` is ``value`` rounded; a number is not rounded away to less than two digits."""
    return abs(said) >= 10.0 ** (1 - places) and abs(abs(said) - abs(value)) <= 0.5 * 10.0**-places


def equal(one: float, other: float) -> bool:
    """Whether two numbers are one, but for how floats are stored."""
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1.0)


def figures(text: str) -> Iterator[Figure]:
    """The numbers of a text, in figures or in words."""
    for found in _NUMBER.finditer(text):
        worded = found["word"] is not None
        value = _VALUES[found[0].lower()] if worded else _value(found["figure"])
        after = _AFTER.match(text, found.end())
        word = after[1].lower() if after else ""
        if word in _TIMES and not (worded and len(word) < 3):
            value *= _TIMES[word]
            after = _AFTER.match(text, after.end()) if after else None
            word = after[1].lower() if after else ""
        before = text[max(0, found.start() - 1) : found.start()]
        unit = next(filter(None, (_UNITS.get(u, "") for u in (before, word, stem(word)))), "")
        yield Figure(value, found[0], unit, stem(word) if word else "", worded)


def _value(figure: str) -> float:
    figure = figure.replace("−", "-")
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", figure):
        return float(figure.replace(",", ""))
    whole, *rest = re.split(r"[.,]", figure)
    return float(f"{whole}.{''.join(rest)}") if rest else float(whole)


def _calendar(text: str) -> set[str]:
    """The months and days of the week that are named, those of ISO dates among them."""
    words = {word.lower() for word in re.findall(r"\b[A-Z][a-z]+\b", text)}
    found = words & (_DAYS | set(MONTHS))
    iso = (int(date[2]) for date in _DATE.finditer(text))
    return found | {MONTHS[month - 1] for month in iso if 1 <= month <= 12}


def _names(sentence: str, whole: str) -> Iterator[str]:
    there = set(content_words(whole)) | {stem(word) for word in re.findall(r"\w+", whole)}
    initials = "".join(word[0] for word in re.findall(r"\b[A-Z]\w*", whole)).lower()
    spelled = _spelled_out(sentence, there)
    for name in sorted(names(sentence) - {stem(month) for month in MONTHS} - set(_DAYS)):
        if name[0].isdigit() or name in there | spelled or name in _UNITS or name in _VALUES:
            continue
        if not (_inflected(name, there) or (len(name) <= 4 and name in initials)):
            yield name


def _spelled_out(sentence: str, there: Collection[str]) -> set[str]:
    """Words of names that the text has as initials only: United States, US."""
    runs = re.findall(r"\b[A-Z]\w+(?:\s+(?:of\s+|and\s+)?[A-Z]\w+)+", sentence)
    found: set[str] = set()
    for run in runs:
        words = [word for word in run.split() if word[0].isupper()]
        if stem("".join(word[0] for word in words)) in there:
            found |= {stem(word) for word in words}
    return found


def _inflected(name: str, there: Collection[str]) -> bool:
    """Whether a word of the text is the name with another ending: German, Germany."""
    return len(name) >= 4 and any(
        other.startswith(name) or (len(other) >= 4 and name.startswith(other)) for other in there
    )


def _negations(sentence: str, quote: str) -> Iterator[str]:
    """What is denied on one side and said on the other."""
    said, there = _polarity(sentence), _polarity(quote)
    for word, denied in said.items():
        if word in there and there[word] != denied and (denied or not _NOT.search(sentence)):
            yield word


def _polarity(text: str) -> dict[str, bool]:
    """Each word with a meaning and whether it is denied everywhere it stands."""
    found: dict[str, bool] = {}
    for clause in re.split(r"[,;:.!?()\n]|\b(?:but|and|or|so|because|while)\b", text):
        reach = 0
        for match in re.finditer(r"[\w'’]+", clause):
            if _NOT.search(match[0]):
                reach = _REACH
                continue
            words = content_words(match[0])
            for word in words:
                found[word] = found.get(word, True) and reach > 0
            reach -= bool(words)
    return found


def _opposites(sentence: str, quote: str) -> Iterator[str]:
    said = {stem(word) for word in re.findall(r"[^\W\d_]+", sentence)}
    there = {stem(word) for word in re.findall(r"[^\W\d_]+", quote)}
    for one, other in _OPPOSITES:
        for word, against in ((one, other), (other, one)):
            if word in said and against not in said and against in there and word not in there:
                yield word
