"""Questions to ask next, made from the headings and titles of the documents that a question brought up.

No model writes them: a heading becomes a question by a fixed form of words. What is offered is what the documents
answer: whoever calls says so of each question, and one that they would refuse is left out. Headings and titles are
data; they are quoted on one line, without what is not seen. Knows nothing of search, storage or HTTP.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from agents.answering.evidence import passage_words
from agents.answering.followup import leans
from agents.text.inert import one_line
from agents.text.words import content_words
from corpus.records import Document, Passage

__all__ = ["MOST", "suggestions"]

MOST = 3
_TRIED = 5  # questions that are looked into for one list: each costs a search
_OF_ONE = 2  # of one document
_LONGEST = 90  # characters of a heading or a title; a longer one is a sentence
_NUMBER = re.compile(
    r"^(?:(?:chapter|section|part|appendix)\s+)?(?:[A-Z]|\d+)(?:\.\d+)*[.):]\s+|^\d+(?:\.\d+)*\s+",
    re.I,
)
_LETTERS = re.compile(r"[^\W\d_]{2}")
_FILE = re.compile(r"\.\w{1,5}$")
_PLAIN_LIST = """
    abstract acknowledgements appendix background conclusion conclusions contents content data discussion figure
    figures glossary index introduction note notes other overview page references results scope sheet slide summary
    table tables untitled
"""
_PLAIN = frozenset(_PLAIN_LIST.split())  # headings that name a part of any document
_QUOTES = str.maketrans({"“": "'", "”": "'", '"': "'"})


def suggestions(
    passages: Sequence[Passage],
    asked: Collection[str],
    answers: Callable[[str], Collection[str]],
    sections: Callable[[str], Sequence[str]] = lambda document: (),
    most: int = MOST,
) -> list[str]:
    """At most ``most`` questions that the documents answer, those about the first passages first.

    Args:
        passages: what a question brought up, the best first; those that share no word with it are passed over.
        asked: the questions that were asked already; none of them is suggested.
        answers: the ids of the documents that answer a question; none if it would be refused.
        sections: the headings of the other sections of a document.
        most: how many.
    """
    found: list[str] = []
    counts = Counter[str]()
    tried = 0
    for question, document in _candidates(passages, asked, sections):
        if len(found) == most or tried == _TRIED:
            break
        if counts[document] < _OF_ONE:
            tried += 1
            if document in answers(question):
                counts[document] += 1
                found.append(question)
    return found


def _candidates(
    passages: Sequence[Passage],
    asked: Collection[str],
    sections: Callable[[str], Sequence[str]],
) -> Iterator[tuple[str, str]]:
    """Each question once, with the id of the document it is made from; what is said already is left out."""
    said = [frozenset(content_words(question)) for question in asked]
    near = frozenset[str]().union(*said)
    passages = [passage for passage in passages if near & passage_words(passage)]
    documents = {passage.document.id: passage.document for passage in reversed(passages)}
    for document in reversed(documents.values()):
        own = [p.headings[-1] for p in passages if p.document.id == document.id and p.headings]
        more = sections(document.id) if document.id == passages[0].document.id else ()
        for topic in map(_topic, (*own, *more)):
            question, words = _question(topic, document), frozenset(content_words(topic))
            if topic and words and not any(words <= before for before in said):
                said.append(words)
                if not leans(question):
                    yield question, document.id


def _topic(heading: str) -> str:
    """What a section is about; empty where its heading does not say."""
    topic = _NUMBER.sub("", one_line(heading, 4 * _LONGEST)).strip(" :.–-").translate(_QUOTES)
    words = topic.casefold().split()
    says = any(word not in _PLAIN and _LETTERS.search(word) for word in words)
    return topic if says and "|" not in topic and len(topic) <= _LONGEST else ""


def _question(topic: str, document: Document) -> str:
    if topic.endswith("?"):
        return topic
    title = one_line(document.title, 4 * _LONGEST).strip().translate(_QUOTES)
    if topic == title or _FILE.search(title) or not 3 <= len(title) <= _LONGEST:
        return f"What do the documents say about “{topic}”?"
    return f"What does “{title}” say about “{topic}”?"
