"""Keys and values that a model keeps, against figures computed by hand."""

from __future__ import annotations

import pytest

from serving.specs.reading import read_spec

# Numbers a token, by hand: layers x 2 x key heads x width of a head; DeepSeek: layers x (rank + rotary part).
_BY_HAND = {
    "llama-3.1-8b": 32 * 2 * 8 * 128,
    "llama-3.3-70b": 80 * 2 * 8 * 128,
    "qwen3-30b-a3b": 48 * 2 * 4 * 128,
    "gpt-oss-120b": 36 * 2 * 8 * 64,
    "deepseek-v3": 61 * (512 + 64),
    "gemma-2-9b": 42 * 2 * 8 * 256,
}


@pytest.mark.parametrize(("name", "numbers"), _BY_HAND.items())
def test_numbers_a_token_are_those_computed_by_hand(name: str, numbers: int) -> None:
    assert read_spec(name).cached_per_token() == numbers


def test_a_sliding_window_stops_growing() -> None:
    spec = read_spec("gpt-oss-120b")  # every other layer sees 128 tokens
    each = 2 * 8 * 64
    assert spec.cached(100) == 36 * each * 100
    assert spec.cached(10_000) == 18 * each * 10_000 + 18 * each * 128


def test_a_linear_attention_keeps_a_state_that_does_not_grow() -> None:
    from serving.specs.reading import spec_from

    spec = spec_from(_HYBRID, "hybrid")
    full, linear = 2, 6
    state = 32 * 128 * 128 + (2 * 16 * 128 + 32 * 128) * 3
    assert spec.cached(1000) == full * 2 * 2 * 256 * 1000 + linear * state


_HYBRID = {
    "model_type": "qwen3_5_moe_text",
    "hidden_size": 2048,
    "num_hidden_layers": 8,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "vocab_size": 1000,
    "max_position_embeddings": 4096,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512,
    "num_experts_per_tok": 8,
    "num_experts": 256,
}
