"""Parameters counted from a configuration are those of the model that transformers makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.errors import UserError
from serving.specs.architectures import FAMILIES, spec_of
from serving.specs.config import Config
from serving.specs.known import KNOWN, PUBLISHED
from serving.specs.reading import spec_from

_SMALLER: dict[
    str, dict[str, Any]
] = {  # where transformers' own defaults are no model, or a vast one
    "deepseek_v2": {"n_routed_experts": 8, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2},
    "deepseek_v3": {"n_routed_experts": 8, "n_group": 1, "topk_group": 1},
    "glm4_moe": {"head_dim": 128, "n_routed_experts": 16},
    "nemotron": {"num_key_value_heads": 8},
}
_VARIANTS = {
    "llama with biases": ("llama", {"attention_bias": True, "num_key_value_heads": 8}),
    "qwen3 tied": ("qwen3", {"tie_word_embeddings": True}),
    "qwen3_moe partly dense": ("qwen3_moe", {"decoder_sparse_step": 2, "mlp_only_layers": [1]}),
    "glm4_moe with norms": ("glm4_moe", {**_SMALLER["glm4_moe"], "use_qk_norm": True}),
    "deepseek_v2 plain queries": ("deepseek_v2", {**_SMALLER["deepseek_v2"], "q_lora_rank": None}),
}


def _counted(family: str, changes: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Parameters of transformers' model of four layers, without memory for them, and its configuration."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(family, num_hidden_layers=4, **changes)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(p.numel() for p in model.parameters()), config.to_dict()


@pytest.mark.parametrize(
    ("family", "changes"),
    [*((f, _SMALLER.get(f, {})) for f in FAMILIES), *_VARIANTS.values()],
    ids=[*FAMILIES, *_VARIANTS],
)
def test_parameters_are_those_that_transformers_counts(
    family: str, changes: dict[str, Any]
) -> None:
    counted, values = _counted(family, changes)
    assert spec_of(Config(values, family), family).parameters == counted


@pytest.mark.parametrize("name", KNOWN)
def test_known_models_have_the_parameters_that_are_published(name: str) -> None:
    assert spec_from(KNOWN[name], name).parameters == PUBLISHED[name]


def test_a_mixture_reads_only_its_active_experts() -> None:
    spec = spec_from(KNOWN["qwen3-30b-a3b"], "qwen3-30b-a3b")
    assert spec.active().total == pytest.approx(3.3e9 - 151936 * 2048, rel=0.03)  # as its name says
    assert spec.active().experts * 16 == spec.parts().experts


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_hidden_layers": None}, "'num_hidden_layers'"),
        ({"num_hidden_layers": 0}, "'num_hidden_layers' of 'm' is 0"),
        ({"num_hidden_layers": "32"}, "whole number"),
        ({"num_attention_heads": True}, "'num_attention_heads' of 'm' is True"),
        ({"hidden_size": 10**12}, "whole number from 1 to"),
        ({"num_key_value_heads": 5}, "must divide the 32 heads"),
        ({"num_attention_heads": 48, "num_key_value_heads": 8}, "'head_dim' must say"),
        ({"tie_word_embeddings": "no"}, "must be true or false"),
    ],
)
def test_a_wrong_key_is_named_with_what_it_may_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        spec_from({**KNOWN["llama-3.1-8b"], **changes}, "m")


def test_layer_types_must_be_known_and_as_many_as_layers() -> None:
    config = {**KNOWN["gpt-oss-20b"], "layer_types": ["full_attention"] * 3}
    with pytest.raises(UserError, match="list of 24 names"):
        spec_from(config, "m")
    with pytest.raises(UserError, match="names 'magic'"):
        spec_from({**config, "layer_types": ["magic"] * 24}, "m")


def test_an_unknown_family_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UserError, match=r"architecture 'mamba'.*gpt_oss, llama"):
        spec_from({"model_type": "mamba"}, "m")
