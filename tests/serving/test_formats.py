"""Sizes of models in each format, against sizes that others publish."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import UserError
from serving.formats import FORMATS, cache_bytes, weight_format
from serving.machines import GIB
from serving.specs.reading import read_spec

GB = 1e9
# (model, format, bytes, where that is published)
_PUBLISHED = [
    ("llama-3.1-70b", "fp16", 140 * GB, "the deployment guide that Alcove follows"),
    ("llama-3.1-70b", "awq", 37.5 * GB, "the same, FP4: 35 to 40 GB"),
    ("llama-3.3-70b", "nvfp4", 39.8 * GIB, "the same, measured in vLLM on a DGX Spark"),
    ("gpt-oss-120b", "mxfp4", 65.9 * GIB, "the same, measured in vLLM on a DGX Spark"),
    ("gpt-oss-120b", "mxfp4", 60.8 * GIB, "gpt-oss model card (arXiv:2508.10925), table 1"),
    ("gpt-oss-20b", "mxfp4", 12.8 * GIB, "gpt-oss model card (arXiv:2508.10925), table 1"),
    ("llama-3.1-8b", "gguf-q4", 4.92 * GB, "llama.cpp, README of its quantize tool: Q4_K_M"),
    ("llama-3.1-8b", "gguf-q8", 8.54 * GB, "llama.cpp, README of its quantize tool: Q8_0"),
    ("llama-3.1-8b", "bf16", 16.07 * GB, "the sum of its published weight files"),
    ("llama-3.1-405b", "fp16", 810 * GB, "Llama 3.1's announcement: over 800 GB in 16 bits"),
    ("llama-3.1-405b", "fp8", 405 * GB, "Llama 3.1's announcement: half of that in FP8"),
    ("deepseek-v3", "fp8", 671 * GB, "DeepSeek-V3's report (arXiv:2412.19437): 671B in FP8"),
    ("mixtral-8x7b", "bf16", 93.4 * GB, "the sum of its published weight files"),
]


@pytest.mark.parametrize(("model", "form", "size", "source"), _PUBLISHED)
def test_weights_are_within_a_tenth_of_what_is_published(
    model: str, form: str, size: float, source: str
) -> None:
    computed = weight_format(form).weight_bytes(read_spec(model))
    assert computed == pytest.approx(size, rel=0.1), source


def test_embeddings_and_the_output_table_stay_wide_on_gpus() -> None:
    spec = read_spec("llama-3.1-8b")
    parts = spec.parts()
    matrices = parts.attention + parts.network
    rest = parts.embedding + parts.head + parts.rest
    assert FORMATS["nvfp4"].weight_bytes(spec) == matrices * 4.5 / 8 + rest * 2


def test_a_mixture_in_mxfp4_has_only_its_experts_in_it() -> None:
    spec = read_spec("gpt-oss-20b")
    parts = spec.parts()
    others = parts.total - parts.experts
    assert FORMATS["mxfp4"].weight_bytes(spec) == parts.experts * 4.25 / 8 + others * 2


def test_a_tied_table_is_counted_once() -> None:
    spec = read_spec("llama-3.2-1b")
    assert FORMATS["bf16"].weight_bytes(spec) == 2 * 1_235_814_400


def test_formats_are_found_in_any_case_and_listed_when_misspelt() -> None:
    assert weight_format("FP16").name == "bf16"
    assert weight_format("gguf_q4").name == "gguf-q4"
    with pytest.raises(UserError, match="no format 'int3'; choose one of fp32, bf16"):
        weight_format("int3")
    with pytest.raises(UserError, match="no cache format 'int3'; choose one of bf16, fp8"):
        cache_bytes("int3")


def test_files_that_are_at_hand_are_taken_at_their_size() -> None:
    spec = replace(read_spec("llama-3.1-8b"), stored_bytes=16_000_000_000)
    assert FORMATS["bf16"].weight_bytes(spec) == 16_000_000_000
    assert FORMATS["fp8"].weight_bytes(spec) < 9_100_000_000
