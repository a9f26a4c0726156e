"""Weights and activations rounded to eight bits, and the check that this keeps the vectors what they are.

Post-training quantization (NNCF, with SmoothQuant, https://arxiv.org/abs/2211.10438) on a sample of the corpus's own
text. The result is taken only if, on other texts of the corpus, its vectors agree with the unquantized ones and find
the same neighbours. The gentlest scheme comes last: it leaves what follows an activation function, where the outliers
are, in the model's own arithmetic. Rounded weights are kept in the home under their hash, which enters the
fingerprint, since vectors made with others cannot be searched.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged, NotFound, OperatorError, UserError
from retrieval.batches import padded
from retrieval.models import FoundModel
from retrieval.prepared import GRAPH, RECIPE, Prepared, graph_sha256, write_graph

if TYPE_CHECKING:
    from retrieval.encoder import TransformerEncoder
    from retrieval.openvino_runtime import OpenVINORuntime
    from retrieval.protocols import Array, Encoder

__all__ = [
    "LEAST_COSINE",
    "LEAST_OVERLAP",
    "Agreement",
    "Quantized",
    "quantize",
    "quantized_runtime",
]

CALIBRATION_TEXTS = 128
CALIBRATION_TOKENS = (
    256  # of a text; longer ones cost time and tell little more of the activations' range
)
CHECKED_TEXTS, CHECKED_QUERIES = 400, 100
QUERY_WORDS = 12  # a query of the check is the beginning of a text that is not among those searched
NEIGHBOURS = 10
LEAST_COSINE, LEAST_OVERLAP = 0.995, 0.95
LEAST_TEXTS = CALIBRATION_TEXTS + CHECKED_TEXTS + CHECKED_QUERIES
SMOOTHING = 0.95  # SmoothQuant's alpha for matrix products: NNCF's default for transformers
ACTIVATIONS = frozenset({"Gelu", "Relu", "Swish", "Tanh"})


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """How far quantized vectors agree with unquantized ones, on texts that were not calibrated with."""

    cosine: float  # mean, of a text's two vectors
    overlap: float  # share of a query's ten nearest texts that both find

    @property
    def is_enough(self) -> bool:
        return self.cosine >= LEAST_COSINE and self.overlap >= LEAST_OVERLAP


@dataclasses.dataclass(frozen=True, slots=True)
class Quantized:
    """Weights in the home, named by the SHA-256 that enters the fingerprint."""

    sha256: str
    scheme: str
    agreement: Agreement


def quantize(encoder: TransformerEncoder, texts: Sequence[str]) -> Quantized:
    """Round a model's weights for the corpus that ``texts`` are from; the same texts give the same weights once.

    Args:
        encoder: the unquantized one, which also is what the result is compared with.
        texts: passages of the corpus, at least 628 of them.

    Returns:
        the first scheme that agrees enough, else the last one: the caller decides on its ``agreement``.

    Raises:
        UserError: too few texts. OperatorError: the model has no OpenVINO graph. DiskFull: no space for the weights.
    """
    prepared = encoder.prepared
    if prepared.graph is None:
        raise OperatorError(
            f"model {encoder.model.name!r} cannot be quantized: OpenVINO cannot run it; use precision 'auto'"
        )
    if len(texts) < LEAST_TEXTS:
        raise UserError(
            f"{len(texts)} passages are too few to calibrate int8 on, which needs {LEAST_TEXTS}; use precision 'auto'"
        )
    sample = _sample(texts)
    for scheme in SCHEMES:
        done = _quantized(encoder, sample, scheme)
        if done.agreement.is_enough:
            break
    return done


def quantized_runtime(
    model: FoundModel, pad_id: int, sha256: str, batch_tokens: int
) -> OpenVINORuntime:
    """The runtime over the rounded weights of that hash.

    Raises:
        NotFound: there are none. Damaged: their files do not match the hash.
    """
    from retrieval.openvino_runtime import OpenVINORuntime, has_bf16

    for path in sorted(model.home.quantized.glob(f"*/{RECIPE}")):
        if json.loads(path.read_text(encoding="utf-8"))["graph_sha256"] == sha256 != "":
            graph = path.with_name(GRAPH)
            if graph_sha256(graph) != sha256:
                raise Damaged(
                    f"the int8 weights in {str(path.parent)!r} are damaged; run `alcove reindex`"
                )
            rest = "bf16" if has_bf16() else "fp32"
            return OpenVINORuntime(graph, rest, pad_id, batch_tokens)
    raise NotFound(
        f"there are no int8 weights {sha256[:16]!r} of model {model.name!r} in this home;"
        " `alcove reindex --precision int8` makes some for its documents"
    )


def agreement(
    exact: Encoder, rounded: Encoder, texts: Sequence[str], queries: Sequence[str]
) -> Agreement:
    """Compare two encoders on the same texts and queries."""
    vectors = exact.encode_passages(texts), rounded.encode_passages(texts)
    asked = exact.encode_queries(queries), rounded.encode_queries(queries)
    found = [_nearest(*pair) for pair in zip(asked, vectors, strict=True)]
    common = [len(np.intersect1d(*pair)) for pair in zip(*found, strict=True)]
    cosine = (vectors[0] * vectors[1]).sum(axis=1).mean()
    return Agreement(round(float(cosine), 5), round(float(np.mean(common)) / NEIGHBOURS, 4))


def _nearest(queries: Array, vectors: Array) -> Any:
    return np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :NEIGHBOURS]


def _sample(texts: Sequence[str]) -> list[str]:
    """Enough texts from all over the corpus, always the same ones, in no order that means anything."""
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts[i] for i in order[:LEAST_TEXTS]]


def _quantized(encoder: TransformerEncoder, sample: list[str], scheme: str) -> Quantized:
    from retrieval.encoder import with_quantization

    prepared = encoder.prepared
    digest = hashlib.sha256("\0".join([prepared.folder.name, scheme, *sample]).encode())
    folder = encoder.model.home.quantized / digest.hexdigest()[:16]
    if not (folder / RECIPE).is_file():
        ids = encoder.tokenize(sample[:CALIBRATION_TEXTS])
        graph = _rounded(prepared, [text[:CALIBRATION_TOKENS] for text in ids], scheme)
        about = {"model": encoder.model.name, "scheme": scheme}
        write_graph(graph, folder, about)
    recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    sha256 = str(recipe["graph_sha256"])
    checked, asked = np.split(np.array(sample[CALIBRATION_TEXTS:], dtype=object), [CHECKED_TEXTS])
    queries = [" ".join(text.split()[:QUERY_WORDS]) for text in asked]
    agreed = agreement(encoder, with_quantization(encoder, sha256), list(checked), queries)
    return Quantized(sha256, scheme, agreed)


def _rounded(prepared: Prepared, ids: list[list[int]], scheme: str) -> Any:
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import nncf
    from openvino import Core

    nncf.set_log_level(logging.ERROR)
    graph = Core().read_model(str(prepared.graph))
    items = [padded([text], prepared.recipe.pad_id) for text in ids]
    smoothing = nncf.AdvancedSmoothQuantParameters(matmul=SMOOTHING)
    names = [port.get_any_name() for port in graph.inputs]
    with redirect_stdout(io.StringIO()):  # where NNCF draws progress bars
        return nncf.quantize(
            graph,
            nncf.Dataset(items, lambda item: dict(zip(names, item, strict=True))),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,  # activations get a zero point: GELU's are one-sided
            subset_size=len(items),
            ignored_scope=nncf.IgnoredScope(names=SCHEMES[scheme](graph)),
            advanced_parameters=nncf.AdvancedQuantizationParameters(smooth_quant_alphas=smoothing),
        )


def _after_activations(graph: Any) -> list[str]:
    """Matrix products whose input comes straight from an activation function."""
    return [
        node.get_friendly_name()
        for node in graph.get_ordered_ops()
        if node.get_type_name() == "MatMul"
        and node.input_value(0).get_node().get_type_name() in ACTIVATIONS
    ]


SCHEMES: dict[str, Callable[[Any], list[str]]] = {
    "all": lambda graph: [],
    "all but after activations": _after_activations,
}
