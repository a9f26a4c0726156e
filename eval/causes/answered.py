"""Where an answer lost the gold that it neither cites nor says: in the search, the prompt or the answer.

Goes from the answer backwards. Gold among what the engine was shown was ``ignored in the answer``, and
so was gold among the passages of a question that was refused before an engine was asked. Gold among
the hits, or the passages made of them, that the engine was not shown was ``cut from the prompt``. What the
search did not find is told by ``eval/causes/diagnosis.py``.

An answer that holds a reference answer word for word has lost nothing, whatever it cites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from agents.answering.passages import gather
from agents.records.answers import Answer
from agents.settings import AnswerSettings
from corpus.records import Hit, Passage
from eval.causes.diagnosis import Look, Piece, diagnose, holds, pieces, shown
from eval.causes.home import HomeLook, Terms
from eval.gold.records import Topic
from eval.reference import says
from eval.results.records import Loss, Stage

if TYPE_CHECKING:
    from corpus.catalog import Catalog
    from retrieval.search import Searcher
    from retrieval.settings import RetrievalSettings

__all__ = ["AnswerLook", "HomeAnswers", "answer_losses"]


class AnswerLook(Protocol):
    """Looks at what an answer was made from; ``HomeAnswers`` is one."""

    @property
    def search(self) -> Look:
        """A look at the search."""
        ...

    def hits(self, question: str) -> Sequence[Hit]:
        """The hits that the question's passages were made of, best first."""
        ...

    def passages(self, hits: Sequence[Hit]) -> Sequence[Passage]:
        """The passages made of these hits."""
        ...


class HomeAnswers:
    """An ``AnswerLook`` at one home, which searches as ``agents.answering.answer`` does without a history.

    Where the settings have a language model rephrase questions, its phrasings are not searched for again.

    Args:
        settings: how many hits and passages an answer is made of.
        retrieval: those that the searcher has.
    """

    def __init__(
        self,
        catalog: Catalog,
        searcher: Searcher,
        settings: AnswerSettings,
        retrieval: RetrievalSettings,
    ) -> None:
        self._catalog, self._searcher, self._most = catalog, searcher, settings.passages
        self._terms = Terms(k=settings.hits, mode=settings.mode)
        self.search = HomeLook(catalog, searcher, retrieval, self._terms)

    def hits(self, question: str) -> Sequence[Hit]:
        """The hits of the same search, made again."""
        return self._searcher.search(question.strip(), self._terms.k, self._terms.mode).hits

    def passages(self, hits: Sequence[Hit]) -> Sequence[Passage]:
        """The passages made of these hits."""
        return gather(hits, self._catalog.text, self._most)


def answer_losses(
    topic: Topic, references: Sequence[str], answer: Answer, look: AnswerLook
) -> tuple[Loss, ...]:
    """Every piece of a topic's gold that its answer neither cites nor says, with the stage that lost it.

    A span is cited where citations hold at least half of it, a whole document where one is of it.

    Args:
        references: reference answers.

    Returns:
        lost gold first, then in the order of the gold; nothing for a question without any.
    """
    if not answer.abstained and says(references, answer.text):
        return ()
    missing = [piece for piece in pieces(topic) if not _is_cited(piece, answer)]
    if not missing and not topic.lost:
        return ()
    hits = look.hits(topic.text)
    gathered = look.passages(hits)
    known = {piece: _after_search(piece, answer, hits, gathered) for piece in missing}
    rest = replace(
        topic,
        gold=tuple((p.document, p.span) for p, loss in known.items() if not loss and p.span),
        grades={p.document: 1 for p, loss in known.items() if not loss and not p.span},
    )
    before = diagnose(rest, hits, len(hits), look.search) if _has_gold(rest) else ()
    order = {(p.document, p.span.start if p.span else 0): n for n, p in enumerate(missing)}
    losses = (*before, *(loss for loss in known.values() if loss))
    return tuple(sorted(losses, key=lambda loss: order.get((loss.document, loss.start), -1)))


def _has_gold(topic: Topic) -> bool:
    return bool(topic.gold or topic.lost or topic.grades)


def _is_cited(piece: Piece, answer: Answer) -> bool:
    spans = [c.span for c in answer.citations if c.source == piece.document]
    return bool(spans) and holds(piece, piece.document, spans)


def _after_search(
    piece: Piece, answer: Answer, hits: Sequence[Hit], gathered: Sequence[Passage]
) -> Loss | None:
    """The loss of what the search found; ``None``: it did not find it."""
    read = _number(piece, answer.shown)
    if read is not None:
        return piece.lost(Stage.ANSWER, f"passage {read} of those shown holds it; {_did(answer)}")
    made = _number(piece, gathered)
    if made is not None and answer.abstained and not answer.shown:
        return piece.lost(Stage.ANSWER, f"passage {made} holds it; {_did(answer)}")
    if made is not None:
        return piece.lost(Stage.PROMPT, f"passage {made} holds it; {_showed(answer, gathered)}")
    for rank, hit in enumerate(hits, 1):
        if holds(piece, hit.document.source, shown(hit.chunk)):
            many = f"the prompt is made of the best {len(gathered)} passages"
            return piece.lost(Stage.PROMPT, f"hit {rank} of {len(hits)} holds it; {many}")
    return None


def _number(piece: Piece, passages: Sequence[Passage]) -> int | None:
    """The number of the first passage that holds a piece of gold."""
    held = (p.number for p in passages if holds(piece, p.document.source, [p.span]))
    return next(held, None)


def _did(answer: Answer) -> str:
    if answer.abstained and answer.shown:
        return "the engine refused"
    if answer.abstained:
        score = (
            ""
            if answer.score is None
            else f": an answer was held to be {answer.score:.2f} probable"
        )
        return f"the question was refused{score}"
    if not answer.citations:
        return "the answer cites nothing"
    return f"the answer cites {', '.join(str(c.n) for c in answer.citations)}"


def _showed(answer: Answer, gathered: Sequence[Passage]) -> str:
    (*numbers,) = (str(passage.number) for passage in answer.shown)
    cut = [p.number for p in answer.shown if len(p.text) < _length(p.number, gathered)]
    said = f"the engine was shown {', '.join(numbers) or 'none'} of {len(gathered)}"
    return f"{said}, and only the beginning of {cut[0]}" if cut else said


def _length(number: int, passages: Sequence[Passage]) -> int:
    return next((len(p.text) for p in passages if p.number == number), 0)
