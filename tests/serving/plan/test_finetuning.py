"""Memory of fine-tuning, against published ranges; and the rules by which a machine is outgrown."""

from __future__ import annotations

import pytest

from corpus.errors import UserError
from serving.machines import MACHINES
from serving.plan.finetuning import Training, adapter_parameters, training_memory
from serving.plan.graduation import next_machine, outgrown, training_seconds
from serving.plan.memory import Load
from serving.plan.planner import plan
from serving.specs.reading import read_spec

SPARK = MACHINES["dgx-spark"]
LARGE = read_spec("llama-3.1-70b")
GB = 1e9


@pytest.mark.parametrize("rank", [8, 16, 64])
def test_lora_and_qlora_of_70b_take_what_is_published(rank: int) -> None:
    lora = training_memory(LARGE, Training("lora", rank=rank, base="fp8"))
    qlora = training_memory(LARGE, Training("qlora", rank=rank))
    assert 0.95 * 80 * GB <= lora.total <= 100 * GB  # "about 80 to 100"
    assert 40 * GB <= qlora.total <= 68 * GB
    assert 0.001 < lora.trained / LARGE.parameters < 0.012


def test_full_training_keeps_sixteen_bytes_a_parameter_and_does_not_fit() -> None:
    full = training_memory(LARGE, Training("full"))
    held = full.weights + full.gradients + full.optimizer
    assert held == 16 * LARGE.parameters
    assert full.total > 128 * GB


def test_adapters_have_two_thin_matrices_beside_each_one() -> None:
    by_hand = 32 * 16 * (
        (4096 + 4096) + 2 * (4096 + 1024) + (4096 + 4096) + 3 * (4096 + 14336)
    )  # fmt: skip
    assert adapter_parameters(read_spec("llama-3.1-8b"), 16) == by_hand


def test_checkpointing_trades_memory_and_accumulation_does_not() -> None:
    kept = training_memory(LARGE, Training(checkpointing=False)).activations
    assert training_memory(LARGE, Training()).activations < kept / 5
    more, fewer = Training(accumulate=64), Training(accumulate=1)
    assert training_memory(LARGE, more) == training_memory(LARGE, fewer)
    twice = training_memory(LARGE, Training(batch=2)).activations
    assert twice == 2 * training_memory(LARGE, Training(batch=1)).activations


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Training("magic"), "no method 'magic'; choose one of full, lora, qlora"),
        (Training(rank=0), "'rank' is 0"),
        (Training(batch=-1), "'batch' is -1"),
        (Training("lora", base="int3"), "no format 'int3'"),
    ],
)
def test_wrong_training_is_refused_by_name(how: Training, words: str) -> None:
    with pytest.raises(UserError, match=words):
        training_memory(LARGE, how)


def _rules(model: str, load: Load, **more: object) -> set[str]:
    return {one.rule for one in outgrown(plan(read_spec(model), SPARK, load), **more)}  # type: ignore[arg-type]


def test_a_small_model_for_a_few_is_at_home() -> None:
    assert _rules("qwen3-30b-a3b", Load(users=5)) == set()


def test_each_rule_holds_where_its_figure_does() -> None:
    assert "model" in _rules("qwen3-235b-a22b", Load())
    assert "users" in _rules("llama-3.3-70b", Load(users=10))
    spec = read_spec("qwen3-32b")
    full = training_memory(spec, Training("full"))
    assert "full fine-tuning" in _rules("qwen3-32b", Load(), training=full, full=True)
    qlora = training_memory(LARGE, Training("qlora"))
    long = _rules("llama-3.1-70b", Load(), training=qlora, train_tokens=10**8)
    assert {"days of training"} <= long
    lora = training_memory(LARGE, Training("lora", base="fp8"))
    assert "serving beside training" in _rules("llama-3.1-70b", Load(), training=lora)


def test_training_takes_six_operations_a_parameter_and_token() -> None:
    found = plan(LARGE, SPARK, Load())
    seconds = training_seconds(found, 10**6)
    assert seconds == pytest.approx(6 * LARGE.active().total * 10**6 / (125e12 * 0.4))


def test_the_next_machine_is_the_smallest_that_holds_it() -> None:
    larger = next_machine(plan(read_spec("qwen3-235b-a22b"), SPARK, Load(), "nvfp4"))
    assert larger is MACHINES["dgx-h100"]
    assert next_machine(plan(read_spec("deepseek-v3"), SPARK, Load())) is MACHINES["dgx-b200"]
