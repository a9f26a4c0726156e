"""Estimate whether a model fits into the memory of the box.

    python plan_memory.py 70 nvfp4 --context 8192 --sequences 4

The estimate is deliberately pessimistic: the plan says "fits" only when 10 GB are left for the
operating system. It knows nothing about adapters or training.
"""

from __future__ import annotations

import argparse

BYTES_PER_PARAMETER = {"fp16": 2.0, "bf16": 2.0, "fp8": 1.0, "nvfp4": 0.5, "mxfp4": 0.5}
SCALE_OVERHEAD = {"nvfp4": 1.125, "mxfp4": 1.0625}  # one scale byte per 16 or per 32 values
TOTAL_GB = 128.0
SYSTEM_RESERVE_GB = 10.0
ENGINE_GB = 6.0  # CUDA context, graphs and work space, measured with vLLM


def weights_gb(billions: float, fmt: str) -> float:
    """Size of the weights in GB (10**9 bytes), including the scales of a 4-bit format."""
    return billions * BYTES_PER_PARAMETER[fmt] * SCALE_OVERHEAD.get(fmt, 1.0)


def cache_gb(
    layers: int, kv_heads: int, head_size: int, tokens: int, bytes_per_value: int
) -> float:
    """Size of the KV cache in GB for ``tokens`` tokens over all sequences."""
    return 2 * layers * kv_heads * head_size * bytes_per_value * tokens / 1e9


def verdict(weights: float, cache: float) -> str:
    """Say in one line whether weights and cache leave room for engine and system."""
    needed = weights + cache + ENGINE_GB + SYSTEM_RESERVE_GB
    if needed > TOTAL_GB:
        return f"does not fit: {needed:.1f} GB needed, {TOTAL_GB:.0f} GB present"
    return f"fits: {TOTAL_GB - needed:.1f} GB left"


def main() -> None:
    """Read the arguments and print the plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("billions", type=float, help="parameters in billions")
    parser.add_argument("format", choices=sorted(BYTES_PER_PARAMETER))
    parser.add_argument("--layers", type=int, default=80)
    parser.add_argument("--kv-heads", type=int, default=8)
    parser.add_argument("--head-size", type=int, default=128)
    parser.add_argument("--context", type=int, default=16384, help="tokens per sequence")
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--cache-bytes", type=int, default=1, help="1 for FP8, 2 for FP16")
    options = parser.parse_args()
    weights = weights_gb(options.billions, options.format)
    tokens = options.context * options.sequences
    cache = cache_gb(
        options.layers, options.kv_heads, options.head_size, tokens, options.cache_bytes
    )
    print(f"weights {weights:.1f} GB, cache {cache:.1f} GB; {verdict(weights, cache)}")


if __name__ == "__main__":
    main()
