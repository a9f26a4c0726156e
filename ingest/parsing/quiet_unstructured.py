"""Runs ``unstructured`` without its run-time download and its telemetry.

``unstructured`` 0.27 fetches spaCy's ``en_core_web_sm`` when it first classifies a paragraph, and
reports its use over the network. Here it is given a pipeline without a model when that one is not
installed, and is told not to report, before it is imported. Its rules ask the pipeline for
sentences and words (a sentencizer gives them) and for verb tags, which only English texts need:
``languages=[""]`` switches that rule and the language guess off, so that the kind of an element
rests on the document's own structure, not on a guess.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from unstructured.documents.elements import Element

__all__ = ["partition"]

_MODEL = "en_core_web_sm"
_SILENCE = ("DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "UNSTRUCTURED_DISABLE_NOTICE")


def partition(kind: str, path: Path | None = None, **options: Any) -> list[Element]:
    """The elements that ``unstructured.partition.<kind>`` finds in ``path`` (or ``text=…``), in
    reading order.
    """
    _prepare()
    module = importlib.import_module(f"unstructured.partition.{kind}")
    function = getattr(module, f"partition_{kind}")
    if path is not None:
        options["filename"] = str(path)
    return cast("list[Element]", function(languages=[""], **options))


@cache
def _prepare() -> None:
    for name in _SILENCE:
        os.environ[name] = "true"
    logging.getLogger("unstructured").setLevel(logging.ERROR)
    if importlib.util.find_spec(_MODEL) is None:
        from unstructured.nlp import tokenize

        tokenize._get_nlp = _blank_pipeline


@cache
def _blank_pipeline() -> Any:
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline
