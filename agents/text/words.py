"""Words as they are compared: lower case, without endings, numbers in one spelling, weighed by rarity.

Made for English, whose function words it knows; in other languages every word counts. Knows
nothing of passages or models.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

__all__ = ["MONTHS", "content_words", "coverage", "names", "numbers", "rarity", "stem"]

_WORD = re.compile(r"\d+(?:[.,]\d+)*[A-Za-z%]*|[^\W\d_]+(?:['’][^\W\d_]+)?\d*[^\W_]*")
_DATE = re.compile(r"(?<!\d)\d{4}-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?(?!\d)")  # ISO 8601
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_GROUPED = re.compile(r"^\d{1,3}(?:,\d{3})+(?=\D|$)")
_FUNCTION_WORD_LIST = """
    a about above across after again against all along also although am among an and any are
    around as at be became because been before being below beneath between beyond both but by can
    cannot could did do does doing done down during each either else ever every few for from further
    get give given gives go goes had has have having he her here hers him his how however i if in
    into is it its itself just let like may me might more most much must my near need no nor not now
    of off on once one only onto or other our out over own per please rather same say says shall she
    should since so some still such tell than that the their theirs them then there these they this
    those though through thus to too toward under until up upon us use used uses using very via was
    we were what when where whether which while who whom whose why will with within without would
    yes yet you your many long often far old kind type name mean called describe explain list show
    find happen
"""
_NUMBER_WORD_LIST = """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty
"""
_NUMBER_WORDS = {word: str(n) for n, word in enumerate(_NUMBER_WORD_LIST.split(), 2)}
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)?)[a-z%]{1,3}")  # 30B, 4bit, 86%
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())
_ENDINGS = (
    ("sses", "ss"), ("ies", "y"), ("ied", "y"), ("ational", "ate"), ("ization", "ize"),
    ("isation", "ize"), ("ations", "ate"), ("ation", "ate"), ("ities", "ity"), ("ings", ""),
    ("ing", ""), ("edly", ""), ("ed", ""), ("ers", ""), ("er", ""), ("ors", ""), ("ly", ""),
    ("ment", ""), ("ments", ""), ("es", ""), ("s", ""), ("e", ""),
)  # fmt: skip
_KEPT = 50_000  # stems; of the words of passages, which every question about them compares anew


@functools.lru_cache(_KEPT)
def stem(word: str) -> str:
    """``word`` in lower case without a common English ending; numbers without grouping commas."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    if word[:1].isdigit():
        return _GROUPED.sub(lambda m: m.group().replace(",", ""), word).rstrip(".,")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            if ending == "s" and word.endswith(("ss", "us", "is")):
                continue
            word = word.removesuffix(ending) + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def content_words(text: str) -> list[str]:
    """Stems of the words of ``text`` that carry meaning, in order, with repetitions.

    A date in figures counts as said in words too: 2026-06-03 is in June, on the 3. A small number in
    words is the same as in figures, and one with its unit also stands for itself: 30B is 30, too.
    """
    found = (m.group().lower() for m in _WORD.finditer(text))
    words = [_NUMBER_WORDS.get(w) or stem(w) for w in found if w not in _FUNCTION_WORDS]
    words += [unit[1] for word in words if (unit := _WITH_UNIT.fullmatch(word))]
    for date in _DATE.finditer(text):
        words.append(stem(MONTHS[int(date[1]) - 1]))
        if date[2]:
            words.append(str(int(date[2])))
    return words


def numbers(text: str) -> list[str]:
    """Stems of the words of ``text`` that begin with a digit."""
    return [word for word in content_words(text) if word[0].isdigit()]


def names(text: str) -> set[str]:
    """Stems of words that look like names: capitals inside a sentence, or letters with digits."""
    found = set()
    for match in _WORD.finditer(text):
        word = match.group()
        first = not text[: match.start()].strip(" \"'([“")
        capital = any(c.isupper() for c in (word[1:] if first else word))
        mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
        if (capital or mixed) and word.lower() not in _FUNCTION_WORDS:
            found.add(stem(word))
    return found


def rarity(texts: Iterable[Collection[str]]) -> Mapping[str, float]:
    """The inverse document frequency of each word of ``texts`` (as in BM25), which are word sets.

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009).
    """
    counted = [set(text) for text in texts]
    frequency = Counter(word for text in counted for word in text)
    size = len(counted)
    return {w: math.log(1 + (size - n + 0.5) / (n + 0.5)) for w, n in frequency.items()}


def coverage(
    wanted: Collection[str], found: Collection[str], weights: Mapping[str, float], unseen: float
) -> float:
    """The share (0..1), by weight, of the ``wanted`` words that are ``found``.

    ``unseen`` is the weight of a word that ``weights`` does not know. Without any word: 0.
    """
    weighed = {word: weights.get(word, unseen) for word in wanted}
    total = sum(weighed.values())
    return sum(w for word, w in weighed.items() if word in found) / total if total else 0.0
