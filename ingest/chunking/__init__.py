"""Chunking strategies by name: ``make_chunker("recursive", tokenizer)``.

To add one, write a class that keeps the promises of ``ingest.protocols.Chunker`` and enter it in
``_STRATEGIES``; the contract tests then run over it. A package of someone else's adds one through
the entry point group ``alcove.chunkers``: the entry's name is the strategy's, its object is called
like a class of ours. No package can take the name of a strategy that is here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from corpus.errors import OperatorError, UserError
from ingest.protocols import Chunker, Embed, Tokenizer

if TYPE_CHECKING:
    from ingest.settings import IngestSettings
    from retrieval.protocols import Encoder

__all__ = [
    "GROUP",
    "STRATEGIES",
    "chunker_for",
    "chunking_name",
    "make_chunker",
    "require_strategy",
    "strategies",
    "strategy_names",
]

GROUP = "alcove.chunkers"
_STRATEGIES: dict[str, str] = {
    "fixed": "fixed:FixedChunker",
    "recursive": "recursive:RecursiveChunker",
    "semantic": "semantic:SemanticChunker",
    "sentence_window": "sentence_window:SentenceWindowChunker",
    "structure": "structure:StructureChunker",
}
STRATEGIES = tuple(sorted(_STRATEGIES))
_ABOUT = {
    "fixed": "Pieces of one size with an overlap, wherever they end: plain and predictable.",
    "recursive": "Pieces up to a size, cut at paragraphs, lines and sentences first: good for most documents.",
    "semantic": "Cut where the meaning of the sentences changes: for long prose without headings; slow.",
    "sentence_window": "Each sentence is found by itself and shown with those around it: for exact facts.",
    "structure": "Cut at headings, tables and lists, as the document is built: for manuals and reports.",
}
SPECIAL_TOKENS = 2  # that an encoder puts around every text
_ON_OFFER = ("embed", "sentences")  # given to a strategy that has a parameter of this name


def strategy_names() -> tuple[str, ...]:
    """All strategies there are, sorted: ours, and those of installed packages."""
    return tuple(sorted({*_STRATEGIES, *_entry_points().names}))


def strategies() -> list[dict[str, Any]]:
    """All strategies: name, what it is good for in a sentence, and whether the size of a chunk can be chosen."""
    return [
        {
            "name": name,
            "about": _ABOUT.get(name, "A strategy of an installed package."),
            "sizes": name != "sentence_window",
        }
        for name in strategy_names()
    ]


def require_strategy(name: str) -> None:
    """Refuse a name that no strategy has.

    Raises:
        UserError: there is no such strategy; names all there are.
    """
    names = strategy_names()
    if name not in names:
        raise UserError(
            f"There is no chunking strategy {name!r}; choose one of {', '.join(names)}."
        )


def chunker_for(settings: IngestSettings, encoder: Encoder, embed: Embed) -> Chunker:
    """The chunker that ``settings`` name, cutting to the measure of ``encoder``.

    Args:
        embed: as the encoder does passages, but it may remember them.

    Raises:
        UserError, OperatorError: as ``make_chunker``.
    """
    space = encoder.fingerprint
    return make_chunker(
        settings.strategy,
        encoder.count_tokens,
        size=settings.chunk_tokens,
        overlap=settings.overlap_tokens,
        window=space.max_tokens - SPECIAL_TOKENS - encoder.count_tokens(space.passage_prefix),
        sentences=settings.sentences,
        embed=embed,
    )


def chunking_name(settings: IngestSettings) -> str:
    """The strategy that ``settings`` name with its parameters, as it stands in recipes; needs no encoder.

    Raises:
        UserError, OperatorError: as ``make_chunker``.
    """
    sizes = {"size": settings.chunk_tokens, "overlap": settings.overlap_tokens}
    chunker = make_chunker(
        settings.strategy, len, **sizes, window=512, sentences=settings.sentences, embed=None
    )
    return chunker.name


def make_chunker(name: str, tokenizer: Tokenizer, **parameters: Any) -> Chunker:
    """The strategy called ``name``.

    Args:
        name: one of ``strategy_names()``.
        tokenizer: counts the embedding model's tokens in a text.
        parameters: ``size``, ``overlap`` and ``window``, in tokens, which every strategy takes; and
            what only some need and the others never see: ``embed`` (an ``Embed``, for those that
            compare meanings) and ``sentences`` (how many ``sentence_window`` embeds together).

    Raises:
        UserError: there is no such strategy, or its parameters contradict each other.
        OperatorError: the package that brings the strategy cannot be loaded.
    """
    require_strategy(name)
    strategy = _ours(name) if name in _STRATEGIES else _theirs(name)
    wanted = inspect.signature(strategy).parameters
    given = {k: v for k, v in parameters.items() if k not in _ON_OFFER or k in wanted}
    return strategy(tokenizer, **given)


def _ours(name: str) -> Callable[..., Chunker]:
    module, _, cls = _STRATEGIES[name].partition(":")
    found = getattr(importlib.import_module(f"ingest.chunking.{module}"), cls)
    return cast("Callable[..., Chunker]", found)


def _theirs(name: str) -> Callable[..., Chunker]:
    (entry, *_) = _entry_points().select(name=name)
    try:
        return cast("Callable[..., Chunker]", entry.load())
    except (ImportError, AttributeError) as exc:
        raise OperatorError(
            f"The chunking strategy {name!r} cannot be loaded from {entry.value!r} ({exc}); "
            "repair or remove the package that brings it."
        ) from exc


def _entry_points() -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=GROUP)
