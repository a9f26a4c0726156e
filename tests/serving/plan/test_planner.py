"""Plans against published figures, and their own promises: what is said to fit does, one more does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import UserError
from serving.formats import FORMATS
from serving.machines import GIB, MACHINES, Machine, any_machine
from serving.plan.memory import BLOCK, Load
from serving.plan.planner import plan
from serving.plan.speed import speed_of
from serving.specs.known import KNOWN
from serving.specs.reading import read_spec

SPARK = MACHINES["dgx-spark"]
# Tokens a second that are published for one user of a DGX Spark, by cards.
_SPEEDS = [
    ("llama-3.3-70b", "nvfp4", 1, 4.51),
    ("gpt-oss-120b", "mxfp4", 1, 34.57),
    ("gpt-oss-120b", "mxfp4", 2, 80.88),
    ("qwen3-30b-a3b", "nvfp4", 1, 39.5),
    ("llama-3.1-8b", "nvfp4", 1, 38.65),
    ("llama-3.1-8b", "fp8", 1, 20.5),
]


@pytest.mark.parametrize(("model", "form", "cards", "measured"), _SPEEDS)
def test_no_published_speed_is_above_its_ceiling(
    model: str, form: str, cards: int, measured: float
) -> None:
    two = replace(SPARK, cards=cards)
    ceiling = speed_of(read_spec(model), FORMATS[form], two, Load(parallel=cards)).decode
    assert ceiling is not None
    assert 0.3 < measured / ceiling < 1  # a ceiling that is far above says nothing


def test_a_model_of_8b_with_encoder_and_index_takes_about_13_gib() -> None:
    load = Load(users=1, context=4096)
    memory = plan(read_spec("llama-3.1-8b"), SPARK, load, "nvfp4").memory
    assert (memory.total - memory.reserve) / GIB == pytest.approx(13, rel=0.1)


def test_over_200b_at_four_bits_are_refused_on_128_gb() -> None:
    found = plan(read_spec("qwen3-235b-a22b"), any_machine(128 * 10**9, True), Load(), "nvfp4")
    assert (found.fits, found.max_users, found.max_context) == (False, 0, 0)
    assert "needs" in found.advice[0]
    assert "smaller model" in found.advice[1]


def test_what_does_not_fit_is_told_what_would() -> None:
    wide = plan(read_spec("llama-3.1-70b"), SPARK, Load(), "bf16")
    assert wide.advice[:2] == (wide.advice[0], "In fp8 it fits.")
    many = plan(read_spec("llama-3.1-70b"), SPARK, Load(users=64), "nvfp4")
    assert f"{many.max_users} users fit" in many.advice[1]
    assert f"{many.max_context:,} tokens do" in many.advice[1]


def test_the_format_that_is_taken_is_the_widest_that_is_pleasantly_fast() -> None:
    assert plan(read_spec("llama-3.1-8b"), SPARK, Load()).form.name == "bf16"
    assert (
        plan(read_spec("qwen3-32b"), SPARK, Load()).form.name == "nvfp4"
    )  # none is fast: the fastest
    assert plan(read_spec("gpt-oss-120b"), SPARK, Load()).form.name == "mxfp4"  # as its files are
    laptop = Machine("laptop", 16 * GIB, True, 0)
    assert (
        plan(read_spec("llama-3.1-8b"), laptop, Load(users=1, context=4096)).form.name == "gguf-q4"
    )


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(KNOWN)), st.sampled_from(["bf16", "fp8"]), st.integers(16, 512),
    st.integers(1, 64), st.integers(1, 8192),
)  # fmt: skip
def test_what_is_said_to_fit_does_and_one_more_does_not(
    model: str, cache: str, gib: int, users: int, context: int
) -> None:
    spec, machine = read_spec(model), any_machine(gib * GIB, True)
    load = Load(users=users, context=min(context, spec.context), cache=cache)
    found = plan(spec, machine, load)
    form = found.form.name
    most = replace(load, users=max(found.max_users, 1))
    assert found.fits == (users <= found.max_users)
    if found.max_users > 16:  # below, the engine's logits are the same for every number of users
        assert plan(spec, machine, most, form).fits or found.max_users > users
    if found.max_context:
        assert plan(spec, machine, replace(load, context=found.max_context), form).fits
        longer = found.max_context + BLOCK
        if longer <= spec.context:
            assert not plan(spec, machine, replace(load, context=longer), form).fits


@pytest.mark.parametrize(
    ("load", "form", "words"),
    [
        (Load(users=0), None, "--users is 0; it must be at least 1"),
        (Load(context=0), None, "--context is 0"),
        (Load(context=10**6), None, "made for at most 131,072"),
        (Load(chunks=-1), None, "--index-chunks is -1"),
        (Load(parallel=3), None, "--tensor-parallel is 3.*split over 1"),
        (Load(), "gguf-q4", "does not compute with; choose one of bf16, fp8, nvfp4"),
        (Load(cache="int3"), None, "no cache format"),
    ],
)
def test_the_impossible_is_refused_by_name(load: Load, form: str | None, words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan(read_spec("llama-3.1-8b"), SPARK, load, form)


def test_a_format_that_the_card_lacks_is_refused() -> None:
    with pytest.raises(UserError, match="'nvfp4', which 'h100-80gb' does not compute with"):
        plan(read_spec("llama-3.1-8b"), MACHINES["h100-80gb"], Load(), "nvfp4")


def test_files_that_are_quantized_are_planned_for_as_they_are() -> None:
    with pytest.raises(UserError, match="are quantized as 'mxfp4'"):
        plan(read_spec("gpt-oss-20b"), SPARK, Load(), "bf16")


def test_heads_decide_over_how_many_cards_a_model_is_split() -> None:
    h100 = MACHINES["dgx-h100"]
    assert plan(read_spec("llama-3.3-70b"), h100, Load(parallel=8), "bf16").fits
    with pytest.raises(UserError, match=r"28 heads of 'qwen2\.5-7b' can be split over 1, 2, 4, 7"):
        plan(read_spec("qwen2.5-7b"), h100, Load(parallel=8), "bf16")


def test_where_bandwidth_is_not_known_no_speed_is_claimed() -> None:
    speed = plan(read_spec("llama-3.1-8b"), any_machine(64 * GIB, True), Load()).speed
    assert (speed.decode, speed.decode_all, speed.prefill, speed.answer_s) == (None,) * 4
