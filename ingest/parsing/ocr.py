"""Reads the text in a picture with RapidOCR, whose models come inside its package; nothing is
downloaded.

Returns lines with their boxes; putting lines in order is the layout's business. Cost, measured on one
x86-64 core: about 2 s to load the models once per process, then 0.03 to 0.1 s of processor time per line
(a dense page of 108 lines: 10 s); at most 0.7 GiB resident and 1.3 GiB of address space.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from corpus.records import Box

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["OcrLine", "read_lines"]


@dataclass(frozen=True, slots=True)
class OcrLine:
    """One recognised line: its text, its box as fractions of the picture, and the reader's
    confidence (0..1).
    """

    text: str
    box: Box
    score: float


def read_lines(image: Image) -> list[OcrLine]:
    """Every line of text found in ``image``, in no particular order."""
    import numpy as np

    array = np.asarray(image.convert("RGB"))[
        :, :, ::-1
    ]  # the models were trained on OpenCV's channel order
    result = _reader()(array)
    if result.txts is None or result.boxes is None:
        return []
    found = zip(result.txts, result.boxes, result.scores, strict=True)
    return [_line(text, corners, score, image.size) for text, corners, score in found]


def _line(text: str, corners: Any, score: float, size: tuple[int, int]) -> OcrLine:
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    width, height = size
    return OcrLine(text, Box(x0 / width, y0 / height, x1 / width, y1 / height), float(score))


@cache
def _reader() -> Any:
    """The recogniser, on one thread: what runs in parallel is the pool of parser processes."""
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    threads = {f"EngineConfig.onnxruntime.{name}_op_num_threads": 1 for name in ("intra", "inter")}
    return RapidOCR(params={"Global.log_level": "error", "Global.use_cls": False, **threads})
