"""Words as the lexical index sees them: lower-cased, folded to ASCII, stemmed; compound names by their parts too.

A query's function words ("what is the purpose of …") are left out: every question has them, and in texts that hold
few of them, source code above all, BM25 would take them for rare words. The index keeps them, so a query of nothing
else still finds something.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import Any

__all__ = ["ANALYZER", "QueryWords", "analyzer", "count_words", "with_parts"]

ANALYZER = "alcove-2"  # raise it when words are made otherwise: an index knows its analyzer by name
LONGEST = 64  # characters of a word; longer ones are encoded data, not words
# English words of the closed classes that a question is built with: interrogatives, auxiliaries and pronouns.
# Articles, prepositions and conjunctions come with tantivy's own list.
QUESTION_WORDS = (  # noqa: SIM905 - reads and compares better than a column of literals
    "what which who whom whose when where why how "
    "am been being do does did doing done have has had having "
    "can could shall should would may might must "
    "i me my we us our you your he him his she her its them about from"
).split()
_WORD = re.compile(r"\w+")
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def with_parts(text: str) -> str:
    """``text``, followed by the parts of its camelCase names, so that "executor" finds ``DiffExecutor``."""
    if not _SEAM.search(text):  # as most prose: many times faster than word by word
        return text
    parts = [_SEAM.sub(" ", word) for word in _WORD.findall(text) if _SEAM.search(word)]
    return " ".join([text, *parts])


def analyzer(*, without_function_words: bool = False) -> Any:
    """A tantivy analyzer; the one for indexing keeps every word."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    builder = builder.filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase())
    if without_function_words:
        builder = builder.filter(Filter.stopword("english")).filter(
            Filter.custom_stopword(QUESTION_WORDS)
        )
    return builder.filter(Filter.ascii_fold()).filter(Filter.stemmer("english")).build()


class QueryWords:
    """Turns a query into the words to look up, with how often each stands in it."""

    def __init__(self) -> None:
        self._telling = analyzer(without_function_words=True)
        self._all = analyzer()

    def __call__(self, query: str, most: int) -> list[tuple[str, int]]:
        """At most ``most`` words; function words only if there are no others."""
        text = with_parts(query)
        words = self._telling.analyze(text) or self._all.analyze(text)
        return Counter(words).most_common(most)


def count_words(query: str) -> int:
    """How many words of ``query`` are looked up, each as often as it stands in it."""
    return sum(n for _, n in _query_words()(query, len(query)))


@functools.cache
def _query_words() -> QueryWords:
    return QueryWords()
