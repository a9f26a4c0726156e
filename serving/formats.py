"""Number formats of weights and of the cache: bits for each part of a model, scales included.

What stays in higher precision follows the published checkpoints: embeddings, the output table, norms,
biases and the router stay at 16 bits in every format for GPUs. Sources: MXFP4 is the OCP Microscaling
specification 1.0 (blocks of 32 with an 8-bit scale); NVFP4 has blocks of 16 with an 8-bit scale; the
block sizes of GGUF are those of llama.cpp's ``ggml-common.h`` (Q8_0: 34 bytes for 32; Q4_K: 144 and
Q6_K: 210 bytes for 256).
"""

from __future__ import annotations

from dataclasses import dataclass

from corpus.errors import UserError
from serving.specs.records import ModelSpec, Parts

__all__ = ["CACHE_FORMATS", "FORMATS", "WeightFormat", "cache_bytes", "weight_format"]

_NVFP4, _MXFP4 = 4 + 8 / 16, 4 + 8 / 32
_INT4 = 4 + (16 + 4) / 128  # a group of 128 with a scale of 16 bits and a zero of 4
_Q8, _Q4, _Q6 = 34 * 8 / 32, 144 * 8 / 256, 210 * 8 / 256
_Q4_M = _Q4 + (_Q6 - _Q4) / 2 / 3  # half of the layers keep a third of the matrices at Q6_K


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """A format: bits for one parameter of each part.

    Args:
        matrices: bits in attention and dense networks.
        experts: bits in experts.
        tables: bits in the embedding.
        head: bits in the output table.
        rest: bits in everything else.
        only_experts: whether, in a model that has experts, everything else stays at ``rest``.
        multiplies: in which products are computed: ``fp32``, ``bf16``, ``fp8``, ``int8`` or ``fp4``.
        engines: which can load it.
    """

    name: str
    matrices: float
    experts: float
    tables: float
    head: float
    rest: float
    multiplies: str
    engines: tuple[str, ...]
    only_experts: bool = False

    def weight_bytes(self, spec: ModelSpec, parts: Parts | None = None) -> float:
        """Bytes of ``parts``, or of the whole model: then its files' size, if they are in this format."""
        if parts is None and spec.stored_bytes and self.name == (spec.stored or "bf16"):
            return spec.stored_bytes
        p = parts or spec.parts()
        matrices = self.rest if self.only_experts and p.experts else self.matrices
        bits = (
            (p.attention + p.network) * matrices
            + p.experts * self.experts
            + p.embedding * (self.head if spec.tied else self.tables)
            + p.head * self.head
            + (p.router + p.rest) * self.rest
        )
        return bits / 8


def _all(name: str, bits: float, multiplies: str, *engines: str) -> WeightFormat:
    return WeightFormat(name, bits, bits, bits, bits, bits, multiplies, engines)


def _matrices(name: str, bits: float, multiplies: str, *engines: str) -> WeightFormat:
    return WeightFormat(name, bits, bits, 16, 16, 16, multiplies, engines)


_BOTH = ("vllm", "tensorrt-llm")

FORMATS: dict[str, WeightFormat] = {
    f.name: f
    for f in (
        _all("fp32", 32, "fp32", "vllm"),
        _all("bf16", 16, "bf16", *_BOTH, "llama.cpp"),
        _matrices("fp8", 8, "fp8", *_BOTH),
        _matrices("int8", 8, "int8", "vllm"),
        _matrices("nvfp4", _NVFP4, "fp4", *_BOTH),
        WeightFormat("mxfp4", _MXFP4, _MXFP4, 16, 16, 16, "fp4", (*_BOTH, "llama.cpp"), True),
        _matrices("awq", _INT4, "bf16", *_BOTH),
        _matrices("gptq", _INT4, "bf16", *_BOTH),
        WeightFormat("gguf-q8", _Q8, _Q8, _Q8, _Q8, 32, "int8", ("llama.cpp", "ollama")),
        WeightFormat("gguf-q4", _Q4_M, _Q4_M, _Q4, _Q6, 32, "int8", ("llama.cpp", "ollama")),
    )
}
"""Formats of weights by name; ``gguf-q4`` is Q4_K_M, ``gguf-q8`` is Q8_0."""

_ALIASES = {"fp16": "bf16", "bfloat16": "bf16", "float16": "bf16", "q8": "gguf-q8", "q4": "gguf-q4"}

CACHE_FORMATS: dict[str, float] = {"bf16": 2.0, "fp8": 1.0, "fp32": 4.0}
"""Bytes of one number in the cache of keys and values."""


def weight_format(name: str) -> WeightFormat:
    """The format of that name, in any case.

    Raises:
        UserError: there is none; the message lists them.
    """
    key = name.lower().replace("_", "-")
    key = _ALIASES.get(key, key)
    if key not in FORMATS:
        raise UserError(f"there is no format {name!r}; choose one of {', '.join(FORMATS)}")
    return FORMATS[key]


def cache_bytes(name: str) -> float:
    """Bytes of one number in a cache of that format.

    Raises:
        UserError: there is no such format; the message lists them.
    """
    if name.lower() not in CACHE_FORMATS:
        raise UserError(
            f"there is no cache format {name!r}; choose one of {', '.join(CACHE_FORMATS)}"
        )
    return CACHE_FORMATS[name.lower()]
