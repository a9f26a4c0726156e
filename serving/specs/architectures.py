"""From a configuration to a model's layers: one function for each family of models.

``FAMILIES`` is keyed by ``model_type``. A family that is not there is refused by name: layers that are
not known exactly are not planned for. What each function reads follows the family's implementation in
Hugging Face's transformers, against which a test counts the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from corpus.errors import UserError
from serving.specs.attention import Attention, Latent, Linear
from serving.specs.config import Config
from serving.specs.records import Experts, Layer, Mlp, ModelSpec

__all__ = ["FAMILIES", "spec_of"]

_FULL, _SLIDING, _LINEAR = "full_attention", "sliding_attention", "linear_attention"


def spec_of(config: Config, family: str) -> ModelSpec:
    """The model that ``config`` describes, of the family that its ``model_type`` names.

    Raises:
        UserError: the family is not known, or a key is missing or wrong.
    """
    if family not in FAMILIES:
        raise UserError(
            f"{config.name!r} is of the architecture {family!r}, which cannot be planned for; known"
            f" are {', '.join(sorted(FAMILIES))}"
        )
    spec = FAMILIES[family](config)
    return replace(spec, family=family)


def _spec(
    config: Config, layers: Sequence[Layer], tied: bool = False, final_norms: int = 1
) -> ModelSpec:
    return ModelSpec(
        name=config.name,
        family="",
        hidden=config.count("hidden_size"),
        vocabulary=config.count("vocab_size"),
        layers=_runs(layers),
        tied=config.flag("tie_word_embeddings", tied),
        context=config.count("max_position_embeddings"),
        final_norms=final_norms,
    )


def _runs(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Equal layers counted together, in the order in which each kind comes first."""
    counts: dict[Layer, int] = {}
    for layer in layers:
        one = replace(layer, count=1)
        counts[one] = counts.get(one, 0) + layer.count
    return tuple(replace(layer, count=count) for layer, count in counts.items())


def _attention(config: Config, bias: bool = False) -> Attention:
    heads = config.count("num_attention_heads")
    kv_heads = config.count("num_key_value_heads", default=heads)
    if heads % kv_heads:
        raise UserError(
            f"'num_key_value_heads' of {config.name!r} is {kv_heads}; it must divide the {heads} heads"
            " of 'num_attention_heads'"
        )
    bias = config.flag("attention_bias", bias)
    return Attention(heads, kv_heads, _head_dim(config, heads), qkv_bias=bias)


def _head_dim(config: Config, heads: int) -> int:
    """The width of a head; where the configuration does not say, an equal share of the model's."""
    if (said := config.optional("head_dim")) is not None:
        return said
    hidden = config.count("hidden_size")
    if hidden % heads:
        raise UserError(
            f"'hidden_size' of {config.name!r} is {hidden}, which its {heads} heads"
            " ('num_attention_heads') do not divide; 'head_dim' must say how wide a head is"
        )
    return hidden // heads


def _mlp(config: Config, key: str = "intermediate_size", bias: bool = False) -> Mlp:
    return Mlp(config.count(key), bias=config.flag("mlp_bias", bias))


def _depth(config: Config) -> int:
    return config.count("num_hidden_layers")


def _llama(config: Config) -> ModelSpec:
    attention = _attention(config)
    if attention.qkv_bias:  # a Llama with biases has one after the attention too
        attention = replace(attention, out_bias=True)
    return _spec(config, [Layer(_depth(config), attention, _mlp(config))])


def _mistral(config: Config) -> ModelSpec:
    attention = replace(_attention(config), window=config.optional("sliding_window"))
    return _spec(config, [Layer(_depth(config), attention, _mlp(config))])


def _mixtral(config: Config) -> ModelSpec:
    attention = replace(_attention(config), window=config.optional("sliding_window"))
    experts = Experts(
        config.count("num_local_experts"), config.count("num_experts_per_tok"), _mlp(config)
    )
    return _spec(config, [Layer(_depth(config), attention, experts)])


def _qwen2(config: Config) -> ModelSpec:
    return _spec(
        config, _windowed(config, replace(_attention(config), qkv_bias=True), _mlp(config))
    )


def _qwen3(config: Config) -> ModelSpec:
    return _spec(config, _windowed(config, _normed(_attention(config)), _mlp(config)))


def _qwen3_moe(config: Config) -> ModelSpec:
    attention, depth = _normed(_attention(config)), _depth(config)
    experts = Experts(
        config.count("num_experts", "num_local_experts"),
        config.count("num_experts_per_tok"),
        _mlp(config, "moe_intermediate_size"),
    )
    step, dense = config.count("decoder_sparse_step", default=1), config.numbers("mlp_only_layers")
    networks = [_mlp(config) if at in dense or (at + 1) % step else experts for at in range(depth)]
    return _spec(config, [Layer(1, attention, network) for network in networks])


def _gpt_oss(config: Config) -> ModelSpec:
    base = _attention(config, bias=True)
    attention = replace(base, out_bias=base.qkv_bias, sinks=True)
    experts = Experts(
        config.count("num_local_experts"),
        config.count("num_experts_per_tok"),
        Mlp(config.count("intermediate_size"), bias=True),
        router_bias=True,
    )
    kinds = _kinds(config, lambda at: _SLIDING if at % 2 == 0 else _FULL)
    return _spec(config, _by_kind(config, attention, experts, kinds))


def _gemma2(config: Config) -> ModelSpec:
    kinds = _kinds(config, lambda at: _FULL if at % 2 else _SLIDING)
    layers = _by_kind(config, _attention(config), _mlp(config), kinds)
    return _spec(config, [replace(layer, norms=4) for layer in layers], tied=True)


def _gemma3(config: Config) -> ModelSpec:
    every = config.count("sliding_window_pattern", "_sliding_window_pattern", default=6)
    kinds = _kinds(config, lambda at: _SLIDING if (at + 1) % every else _FULL)
    layers = _by_kind(config, _normed(_attention(config)), _mlp(config), kinds)
    return _spec(config, [replace(layer, norms=4) for layer in layers], tied=True)


def _phi3(config: Config) -> ModelSpec:
    attention = replace(_attention(config), window=config.optional("sliding_window"))
    return _spec(config, [Layer(_depth(config), attention, _mlp(config))])


def _deepseek(config: Config) -> ModelSpec:
    attention = Latent(
        heads=config.count("num_attention_heads"),
        kv_rank=config.count("kv_lora_rank"),
        q_rank=config.optional("q_lora_rank"),
        nope_dim=config.count("qk_nope_head_dim"),
        rope_dim=config.count("qk_rope_head_dim"),
        value_dim=config.count("v_head_dim"),
    )
    return _partly_dense(config, attention)


def _glm4_moe(config: Config) -> ModelSpec:
    attention = _attention(config)
    return _partly_dense(
        config, _normed(attention) if config.flag("use_qk_norm", False) else attention
    )


def _partly_dense(config: Config, attention: Attention | Latent) -> ModelSpec:
    """A few dense layers, then experts with a shared network; perhaps layers that predict further tokens."""
    inner = config.count("moe_intermediate_size")
    shared = config.optional("n_shared_experts")
    experts = Experts(
        config.count("n_routed_experts"),
        config.count("num_experts_per_tok"),
        Mlp(inner),
        Mlp(inner * shared) if shared else None,
    )
    depth = _depth(config)
    dense = min(config.optional("first_k_dense_replace") or 0, depth)
    layers = [Layer(dense, attention, _mlp(config))] if dense else []
    if depth > dense:
        layers.append(Layer(depth - dense, attention, experts))
    ahead = config.optional("num_nextn_predict_layers")
    extra = (Layer(ahead, attention, experts),) if ahead else ()
    return replace(_spec(config, layers), extra=extra)


def _qwen3_5_moe(config: Config) -> ModelSpec:
    full = replace(_normed(_attention(config)), gated=True)
    linear = Linear(
        key_heads=config.count("linear_num_key_heads"),
        value_heads=config.count("linear_num_value_heads"),
        key_dim=config.count("linear_key_head_dim"),
        value_dim=config.count("linear_value_head_dim"),
        kernel=config.count("linear_conv_kernel_dim"),
    )
    experts = Experts(
        config.count("num_experts"),
        config.count("num_experts_per_tok"),
        Mlp(config.count("moe_intermediate_size")),
        Mlp(config.count("shared_expert_intermediate_size")),
        shared_gate=True,
    )
    every = config.count("full_attention_interval", default=4)
    kinds = _kinds(config, lambda at: _LINEAR if (at + 1) % every else _FULL)
    layers = [Layer(1, linear if kind == _LINEAR else full, experts) for kind in kinds]
    return _spec(config, layers)


def _nemotron(config: Config) -> ModelSpec:
    network = Mlp(config.count("intermediate_size"), gated=False)
    layers = [Layer(_depth(config), _attention(config), network, norms=4)]
    return _spec(config, layers, final_norms=2)


def _normed(attention: Attention) -> Attention:
    """With a norm on each head's queries and keys."""
    return replace(attention, norms=2 * attention.head_dim)


def _windowed(config: Config, attention: Attention, network: Mlp) -> list[Layer]:
    """Qwen's layers: a sliding window only where it is switched on, and then from some layer on."""
    sliding = config.flag("use_sliding_window", False)
    first = config.optional("max_window_layers") or 0
    kinds = _kinds(config, lambda at: _SLIDING if sliding and at >= first else _FULL)
    return _by_kind(config, attention, network, kinds)


def _kinds(config: Config, default: Callable[[int], str]) -> list[str]:
    """The kind of attention of each layer."""
    depth = _depth(config)
    named = config.words("layer_types", depth, (_FULL, _SLIDING, _LINEAR))
    return named or [default(at) for at in range(depth)]


def _by_kind(
    config: Config, attention: Attention, network: Mlp | Experts, kinds: Sequence[str]
) -> list[Layer]:
    window = config.count("sliding_window") if _SLIDING in kinds else None
    layers = []
    for kind, run in groupby(kinds):
        kept = replace(attention, window=window if kind == _SLIDING else None)
        layers.append(Layer(len(list(run)), kept, network))
    return layers


FAMILIES: dict[str, Callable[[Config], ModelSpec]] = {
    "deepseek_v2": _deepseek,
    "deepseek_v3": _deepseek,
    "gemma2": _gemma2,
    "gemma3_text": _gemma3,
    "glm4_moe": _glm4_moe,
    "gpt_oss": _gpt_oss,
    "llama": _llama,
    "mistral": _mistral,
    "mixtral": _mixtral,
    "nemotron": _nemotron,
    "phi3": _phi3,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_5_moe_text": _qwen3_5_moe,
    "qwen3_moe": _qwen3_moe,
}
"""Families of models by ``model_type``."""
