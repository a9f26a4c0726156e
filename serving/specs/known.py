"""Well-known models: what their publishers' ``config.json`` files say of sizes, so that no file is needed.

Each entry holds the keys that ``serving.specs.architectures`` reads. ``PUBLISHED`` are the numbers of
parameters that the models' weight files hold; a test counts them again.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ALIASES", "KNOWN", "PUBLISHED"]


def _sizes(
    family: str, hidden: int, inner: int, layers: int, heads: int, kv: int, vocab: int, context: int,
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "model_type": family,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "vocab_size": vocab,
        "max_position_embeddings": context,
        **more,
    }


def _experts(count: int, active: int, inner: int) -> dict[str, int]:
    return {"num_experts": count, "num_experts_per_tok": active, "moe_intermediate_size": inner}


_GPT_OSS = {"num_experts_per_tok": 4, "head_dim": 64, "sliding_window": 128, "attention_bias": True}
_MXFP4 = {"quantization_config": {"quant_method": "mxfp4"}}
_QWEN3 = {"head_dim": 128}
_GEMMA = {"tie_word_embeddings": True}

KNOWN: dict[str, dict[str, Any]] = {
    "deepseek-v3": _sizes(
        "deepseek_v3", 7168, 18432, 61, 128, 128, 129280, 163840,
        moe_intermediate_size=2048, n_routed_experts=256, n_shared_experts=1, num_experts_per_tok=8,
        first_k_dense_replace=3, kv_lora_rank=512, q_lora_rank=1536, qk_nope_head_dim=128,
        qk_rope_head_dim=64, v_head_dim=128, num_nextn_predict_layers=1,
        quantization_config={"quant_method": "fp8"},
    ),
    "gemma-2-9b": _sizes(
        "gemma2", 3584, 14336, 42, 16, 8, 256000, 8192, head_dim=256, sliding_window=4096, **_GEMMA
    ),
    "gemma-2-27b": _sizes(
        "gemma2", 4608, 36864, 46, 32, 16, 256000, 8192, head_dim=128, sliding_window=4096, **_GEMMA
    ),
    "gpt-oss-20b": _sizes(
        "gpt_oss", 2880, 2880, 24, 64, 8, 201088, 131072, num_local_experts=32, **_GPT_OSS, **_MXFP4
    ),
    "gpt-oss-120b": _sizes(
        "gpt_oss", 2880, 2880, 36, 64, 8, 201088, 131072, num_local_experts=128, **_GPT_OSS, **_MXFP4
    ),
    "llama-3.1-8b": _sizes("llama", 4096, 14336, 32, 32, 8, 128256, 131072),
    "llama-3.1-70b": _sizes("llama", 8192, 28672, 80, 64, 8, 128256, 131072),
    "llama-3.1-405b": _sizes("llama", 16384, 53248, 126, 128, 8, 128256, 131072),
    "llama-3.2-1b": _sizes(
        "llama", 2048, 8192, 16, 32, 8, 128256, 131072, head_dim=64, tie_word_embeddings=True
    ),
    "llama-3.2-3b": _sizes(
        "llama", 3072, 8192, 28, 24, 8, 128256, 131072, head_dim=128, tie_word_embeddings=True
    ),
    "llama-3.3-70b": _sizes("llama", 8192, 28672, 80, 64, 8, 128256, 131072),
    "mistral-7b-v0.3": _sizes("mistral", 4096, 14336, 32, 32, 8, 32768, 32768),
    "mixtral-8x7b": _sizes(
        "mixtral", 4096, 14336, 32, 32, 8, 32000, 32768, num_local_experts=8, num_experts_per_tok=2
    ),
    "phi-4": _sizes("phi3", 5120, 17920, 40, 40, 10, 100352, 16384),
    "qwen2.5-7b": _sizes("qwen2", 3584, 18944, 28, 28, 4, 152064, 32768),
    "qwen2.5-72b": _sizes("qwen2", 8192, 29568, 80, 64, 8, 152064, 32768),
    "qwen3-4b": _sizes(
        "qwen3", 2560, 9728, 36, 32, 8, 151936, 40960, tie_word_embeddings=True, **_QWEN3
    ),
    "qwen3-8b": _sizes("qwen3", 4096, 12288, 36, 32, 8, 151936, 40960, **_QWEN3),
    "qwen3-14b": _sizes("qwen3", 5120, 17408, 40, 40, 8, 151936, 40960, **_QWEN3),
    "qwen3-32b": _sizes("qwen3", 5120, 25600, 64, 64, 8, 151936, 40960, **_QWEN3),
    "qwen3-30b-a3b": _sizes(
        "qwen3_moe", 2048, 6144, 48, 32, 4, 151936, 40960, **_QWEN3, **_experts(128, 8, 768)
    ),
    "qwen3-235b-a22b": _sizes(
        "qwen3_moe", 4096, 12288, 94, 64, 4, 151936, 40960, **_QWEN3, **_experts(128, 8, 1536)
    ),
}  # fmt: skip

ALIASES = {"qwen3-30b": "qwen3-30b-a3b", "mistral-7b": "mistral-7b-v0.3"}

PUBLISHED = {
    "deepseek-v3": 671_026_404_352,
    "gemma-2-27b": 27_227_128_320,
    "gemma-2-9b": 9_241_705_984,
    "gpt-oss-120b": 116_829_156_672,
    "gpt-oss-20b": 20_914_757_184,
    "llama-3.1-405b": 405_853_388_800,
    "llama-3.1-70b": 70_553_706_496,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "llama-3.3-70b": 70_553_706_496,
    "mistral-7b-v0.3": 7_248_023_552,
    "mixtral-8x7b": 46_702_792_704,
    "phi-4": 14_659_507_200,
    "qwen2.5-72b": 72_706_203_648,
    "qwen2.5-7b": 7_615_616_512,
    "qwen3-14b": 14_768_307_200,
    "qwen3-235b-a22b": 235_093_634_560,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-32b": 32_762_123_264,
    "qwen3-4b": 4_022_468_096,
    "qwen3-8b": 8_190_735_360,
}
