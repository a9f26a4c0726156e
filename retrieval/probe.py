"""Which library and which arithmetic encode fastest here: a short measurement at first use, recorded beside the model.

Candidates are OpenVINO and PyTorch, in fp32 and, where the processor has it, in bf16. Settings can force either
choice; what is left to choose is measured on a fixed text. bf16 is taken only if its vectors agree with those of
fp32. The record holds for one processor and one version of the libraries. int8 is not chosen here, since it depends
on the corpus: see ``retrieval.quantization``.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import OperatorError
from corpus.home import write_durably
from retrieval.apart import Apart
from retrieval.prepared import Prepared, read_recipe
from retrieval.settings import BATCH_TOKENS, EmbeddingSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Runtime

__all__ = ["choose", "make_runtime", "measure", "processor"]

_LOG = logging.getLogger(__name__)

RECORD = "measured.json"
TEXT = (
    "Alcove answers questions from the documents on this machine, with citations that open on their page. "
    * 8
)
TEXTS, TOKENS, ROUNDS = 4, 128, 2
LEAST_COSINE = 0.999  # of bf16 vectors with those of fp32
REFERENCE = "fp32"
FEATURES = (  # that decide how fast matrix products are, on x86 and on Arm
    *("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8"),
    *("asimddp", "bf16", "i8mm", "sve2"),
)


def choose(
    prepared: Prepared, settings: EmbeddingSettings, tokenizer: Any, apart: Apart
) -> tuple[Runtime, str]:
    """The runtime to encode with, and its arithmetic.

    Args:
        apart: where PyTorch is loaded, if anything is left to measure.

    Raises:
        OperatorError: the settings force OpenVINO upon a model that it cannot run.
    """
    names = _candidates(prepared, settings)
    if not names:
        raise OperatorError(
            f"the model in {str(prepared.source)!r} cannot run on {settings.runtime!r}; set embedding.runtime to 'auto'"
        )
    best = names[0]
    if len(names) > 1:
        ids = [tokenizer.encode(TEXT).ids[: min(TOKENS, prepared.recipe.max_tokens)]] * TEXTS
        rates = _rates(prepared, names, ids, apart)
        best = max(names, key=lambda name: rates[name])
    runtime, dtype = best
    return make_runtime(prepared, runtime, dtype, settings.batch_tokens), dtype


def make_runtime(prepared: Prepared, runtime: str, dtype: str, batch_tokens: int) -> Runtime:
    """The runtime of that name (``openvino`` or ``torch``) over a prepared model."""
    if runtime == "openvino" and prepared.graph is not None:
        from retrieval.openvino_runtime import OpenVINORuntime

        return OpenVINORuntime(prepared.graph, dtype, prepared.recipe.pad_id, batch_tokens)
    from retrieval.torch_runtime import TorchRuntime

    return TorchRuntime(prepared, dtype, batch_tokens)


def processor() -> str:
    """The processor's name and those of its features that matter here, e.g. ``AMD EPYC (avx512_bf16, …)``."""
    name, features = platform.processor() or platform.machine(), ""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            name = value.strip()
        if key.strip() in ("flags", "Features"):
            features = value
            break
    return f"{name} ({', '.join(f for f in FEATURES if f in features.split())})"


def _candidates(prepared: Prepared, settings: EmbeddingSettings) -> list[tuple[str, str]]:
    """(runtime, dtype) pairs that the settings and the model leave open."""
    runtimes = ["openvino", "torch"] if settings.runtime == "auto" else [settings.runtime]
    if prepared.graph is None:
        runtimes = [name for name in runtimes if name != "openvino"]
    dtypes = ("bf16", "fp32") if settings.precision == "auto" else (settings.precision,)
    return [(name, dtype) for name in runtimes for dtype in dtypes]


def _is_native(runtime: str, dtype: str) -> bool:
    """Whether the library has kernels of this arithmetic for this processor."""
    if dtype != "bf16":
        return True
    if runtime == "openvino":
        from retrieval.openvino_runtime import has_bf16
    else:
        from retrieval.torch_runtime import has_bf16
    return has_bf16()


def _rates(
    prepared: Prepared, names: list[tuple[str, str]], ids: list[list[int]], apart: Apart
) -> dict[tuple[str, str], float]:
    """Texts a second of each candidate, from the record or measured now; 0 for one that is not for this processor."""
    path = prepared.folder / RECORD
    here = {"processor": processor(), "openvino": version("openvino"), "torch": version("torch")}
    known = _recorded(path, here)
    if any("/".join(name) not in known for name in names):
        known |= apart(
            "retrieval.probe:measure",
            model=str(prepared.source),
            folder=str(prepared.folder),
            names=names,
            ids=ids,
        )
        _LOG.info("%r encodes so many texts a second: %s", str(prepared.source), known)
        write_durably(path, json.dumps({**here, "texts_per_s": known}, indent=1).encode())
    return {name: known["/".join(name)] for name in names}


def measure(
    model: str, folder: str, names: list[tuple[str, str]], ids: list[list[int]]
) -> dict[str, float]:
    """Texts a second of each candidate; loads PyTorch, so that ``choose`` calls it in a process of its own.

    Args:
        model: folder of the model.
        folder: that of its prepared form.
        names: (runtime, dtype) of the candidates.
        ids: the texts to measure with, as tokens.
    """
    recipe = read_recipe(Path(folder))
    assert recipe is not None, "it was made or checked a moment ago"
    prepared = Prepared(Path(model), Path(folder), recipe)
    exact = _unit(make_runtime(prepared, names[0][0], REFERENCE, BATCH_TOKENS).vectors(ids))
    measured = {"/".join(name): 0.0 for name in names}
    for runtime, dtype in names:
        if _is_native(runtime, dtype):
            candidate = make_runtime(prepared, runtime, dtype, BATCH_TOKENS)
            measured[f"{runtime}/{dtype}"] = _rate(candidate, ids, exact)
    return measured


def _recorded(path: Path, here: dict[str, str]) -> dict[str, float]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # not measured yet, or not readable: measured now
    same = all(record.get(key) == value for key, value in here.items())
    return dict(record["texts_per_s"]) if same else {}


def _rate(runtime: Runtime, ids: list[list[int]], exact: Array) -> float:
    cosines = (_unit(runtime.vectors(ids)) * exact).sum(axis=1)  # this run also warms up
    if not cosines.min() >= LEAST_COSINE:
        return 0.0
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        runtime.vectors(ids)
        seconds.append(time.perf_counter() - started)
    return round(len(ids) / min(seconds), 2)


def _unit(vectors: Array) -> Array:
    unit: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
