"""From samples to figures: time to the first token, between tokens, of a whole answer, and what is done a second.

Times are milliseconds as percentiles with 95 % bootstrap intervals; the time between tokens is, for each answer, its
mean from the first piece to the last. What failed is counted and in no time. Knows nothing of servers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.load.client import Sample

__all__ = ["Level", "percentiles"]

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
RESAMPLES, SEED = 2000, 20240229


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured with ``users`` at once, or (``per_s`` set) at a rate."""

    users: int
    per_s: float | None
    samples: Sequence[Sample]

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.per_s:g}/s" if self.per_s is not None else str(self.users)

    def json(self) -> dict[str, Any]:
        """The figures; the unit is in each key."""
        good = [s for s in self.samples if not s.error]
        found: dict[str, Any] = {
            "users": self.users if self.per_s is None else None,
            "requests_due_per_s": self.per_s,
            "n": len(good),
            "failed": len(self.samples) - len(good),
            "errors": dict(Counter(s.error for s in self.samples if s.error).most_common(5)),
        }
        if not good:
            return found
        seconds = max(s.ended for s in good) - min(s.due for s in good)
        tokens = sum(s.tokens for s in good)
        return found | {
            "prompt_tokens_mean": round(_mean([s.prompt_tokens for s in good]), 1),
            "answer_tokens_mean": round(_mean([s.tokens for s in good]), 1),
            "ttft_ms": percentiles([1000 * (s.pieces[0] - s.due) for s in good]),
            "inter_token_ms": percentiles(
                [1000 * t for s in good if (t := _between(s)) is not None]
            ),
            "end_to_end_ms": percentiles([1000 * (s.ended - s.due) for s in good]),
            "tokens_per_s": round(tokens / seconds, 2),
            "requests_per_s": round(len(good) / seconds, 3),
            "prompt_tokens_per_s": round(sum(s.prompt_tokens for s in good) / seconds, 1),
        }


def percentiles(values: Sequence[float]) -> dict[str, Any]:
    """Percentiles with 95 % bootstrap intervals; empty without values."""
    if not values:
        return {}
    data = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(SEED).integers(0, data.size, (RESAMPLES, data.size))
    resampled = data[draws]
    found: dict[str, Any] = {}
    for name, share in SHARES.items():
        low, high = np.quantile(np.quantile(resampled, share, axis=1), (0.025, 0.975))
        found[name] = round(float(np.quantile(data, share)), 2)
        found[f"{name}_ci95"] = [round(float(low), 2), round(float(high), 2)]
    return found


def _between(sample: Sample) -> float | None:
    """Seconds from one token to the next; ``None`` for an answer that came in one piece."""
    if len(sample.pieces) < 2 or sample.tokens < 2:
        return None
    return (sample.pieces[-1] - sample.pieces[0]) / (sample.tokens - 1)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
