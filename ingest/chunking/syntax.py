"""Source code, cut where its syntax allows.

Python is cut by its syntax tree: classes and functions stay whole as long as they fit, with the
decorators and comments on top of them; a class that does not fit is cut between its methods, a
function between its statements, and every later piece stands under the line that opens the class or
function. Other languages are cut at LangChain's separators for them, which are chosen by the file
name's ending; so is Python that does not parse. What is small and stands together is one chunk.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import PurePath

from corpus.records import Parsed
from ingest.chunking.cutter import CODE, Cutter, Separators
from ingest.chunking.drafts import Draft, trimmed
from ingest.parsing.sniff import CODE as SOURCE

__all__ = ["is_source", "source_drafts"]

_LANGUAGES = {  # endings of file names -> LangChain's names
    "c": "c h",
    "cpp": "cc cpp cxx cu cuh hpp",
    "csharp": "cs",
    "go": "go",
    "java": "java",
    "js": "js jsx mjs",
    "kotlin": "kt",
    "lua": "lua",
    "php": "php",
    "powershell": "ps1",
    "proto": "proto",
    "python": "py pyi",
    "r": "r",
    "ruby": "rb",
    "rust": "rs",
    "scala": "scala",
    "swift": "swift",
    "ts": "ts tsx",
}
_BY_ENDING = {f".{ending}": name for name, all_ in _LANGUAGES.items() for ending in all_.split()}
_DEEPEST = 20  # blocks within blocks that are still told apart


def is_source(parsed: Parsed) -> bool:
    """Whether ``parsed`` is source code."""
    return parsed.media_type == SOURCE


def source_drafts(cutter: Cutter, parsed: Parsed) -> list[Draft]:
    """Source code cut to size; drafts do not overlap."""
    language = _BY_ENDING.get(PurePath(parsed.title).suffix.lower())
    cutter = replace(cutter, code=_separators(language))
    tree = _syntax_tree(parsed.text) if language == "python" else None
    if tree is not None:
        blocks = _Blocks(parsed.text)
        return cutter.joined(_cut(cutter, blocks, blocks.whole(tree), ()))
    pieces = [
        draft
        for element in parsed.elements
        for draft in cutter.pieces("code", element.span.start, element.span.end)
    ]
    return cutter.joined(cutter.packed(pieces))


def _separators(language: str | None) -> Separators:
    if language is None:
        return CODE
    from langchain_text_splitters.base import Language
    from langchain_text_splitters.character import RecursiveCharacterTextSplitter

    patterns = RecursiveCharacterTextSplitter.get_separators_for_language(Language(language))
    return Separators(tuple(patterns), at="start")


def _syntax_tree(text: str) -> ast.Module | None:
    """The syntax tree, or None when this is not today's Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about someone's code is no matter of ours
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@dataclass(frozen=True, slots=True)
class _Block:
    """``[start, end)``, whole lines; ``head`` is the line that opens a class or function."""

    start: int
    end: int
    node: ast.AST | None = None
    head: str = ""


class _Blocks:
    """The blocks of a text; those inside a block are looked for when they are asked for."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = list(accumulate((len(line) + 1 for line in self._lines), initial=0))
        self._end = len(text)

    def whole(self, tree: ast.Module) -> _Block:
        """The text as one block."""
        return _Block(0, self._end, tree)

    def inside(self, block: _Block) -> list[_Block]:
        """The statements in ``block``, and before them the lines that open it; none if it is simple."""
        borders: list[tuple[int, ast.stmt]] = []
        floor = block.start
        for statement in _statements(block.node):
            border = self._border(statement, floor)
            if border is not None and border >= floor:
                borders.append((border, statement))
            floor = self._starts[min(statement.end_lineno or 1, len(self._lines))]
        if not borders:
            return []
        opening = [] if borders[0][0] == block.start else [_Block(block.start, 0)]
        blocks = [*opening, *(_Block(at, 0, node, self._head(node)) for at, node in borders)]
        ends = [*(following.start for following in blocks[1:]), block.end]
        return [replace(found, end=end) for found, end in zip(blocks, ends, strict=True)]

    def _border(self, statement: ast.stmt, floor: int) -> int | None:
        """Where a statement begins, its decorators and comments included; None amid a line."""
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        line = min([statement.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        if not decorators and self._lines[line][: statement.col_offset].strip():
            return None
        while (
            line and self._starts[line - 1] >= floor and self._lines[line - 1].lstrip()[:1] == "#"
        ):
            line -= 1
        return self._starts[line]

    def _head(self, node: ast.stmt) -> str:
        opens = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        return self._lines[node.lineno - 1].strip(" \t:") if opens else ""


def _statements(node: ast.AST | None) -> Iterator[ast.stmt]:
    """The statements one level below ``node``, in the order of the text."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        for child in getattr(node, name, ()):
            yield from [child] if isinstance(child, ast.stmt) else child.body


def _cut(
    cutter: Cutter, blocks: _Blocks, block: _Block, headings: tuple[str, ...], depth: int = 0
) -> list[Draft]:
    """The drafts of one block, which stands under ``headings``."""
    start, end = trimmed(cutter.text, block.start, block.end)
    if start >= end:
        return []
    fitted = cutter.measure.fitted(headings, cutter.window)
    budget = cutter.budget(fitted)
    if cutter.length(start, end) <= budget:
        return [Draft(start, end, fitted)]
    inner = blocks.inside(block) if depth < _DEEPEST else []
    if not inner:
        return [Draft(a, b, fitted) for a, b in cutter.split(start, end, cutter.code, budget)]
    below = (*headings, block.head) if block.head else headings
    first, *rest = inner
    groups = [_cut(cutter, blocks, first, headings, depth + 1)]
    groups += [_cut(cutter, blocks, one, below, depth + 1) for one in rest]
    return _packed(cutter, groups)


def _packed(cutter: Cutter, groups: Sequence[list[Draft]]) -> list[Draft]:
    """The drafts of neighbouring blocks; those that are whole are set together as they fit."""
    packed: list[Draft] = []
    is_open = False
    for group in groups:
        is_whole = len(group) == 1
        if is_whole and is_open:
            packed[-1:] = cutter.packed([packed[-1], *group])
        else:
            packed += group
        is_open = is_whole
    return packed
