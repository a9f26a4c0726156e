"""``alcove plan``: its JSON contract, its sentences and its exit statuses."""

from __future__ import annotations

import json
import sys

import pytest

from tests.command_line import Outcome
from ui.cli import main

CONTRACT = {
    *("model", "format", "memory_gib", "weights_gib", "kv_cache_gib", "overhead_gib"),
    *("encoder_index_gib", "total_gib", "fits", "max_users", "max_context"),
    *("decode_ceiling_tok_s", "engines", "advice"),
}


class Plan:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> Outcome:
        self._patch.setattr(sys, "argv", ["alcove", "plan", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        status = ended.value.code
        return Outcome(status if isinstance(status, int) else 0, *self._capsys.readouterr())


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    return Plan(monkeypatch, capsys)


def test_json_has_the_contract_s_keys(planned: Plan) -> None:
    outcome = planned("gpt-oss-120b", "--machine", "dgx-spark", "--json")
    assert outcome.status == 0
    found = outcome.json
    assert set(found) >= CONTRACT
    assert (found["fits"], found["format"]) == (True, "mxfp4")
    engines = json.loads(outcome.out)["engines"]
    assert engines["vllm"]["command"][:3] == ["vllm", "serve", "gpt-oss-120b"]
    assert "trtllm-options.json" in engines["tensorrt-llm"]["files"]
    assert "does not load" in engines["ollama"]["error"]
    parts = ("weights_gib", "kv_cache_gib", "overhead_gib", "encoder_index_gib", "reserve_gib")
    raw = json.loads(outcome.out)
    assert sum(raw[part] for part in parts) == pytest.approx(raw["total_gib"], abs=0.05)


def test_people_get_a_table_a_bar_and_the_engines_flags(planned: Plan) -> None:
    said = planned("llama-3.3-70b", "--machine", "dgx-spark", "--format", "nvfp4").out
    for words in ("39.8 GiB", "of 119.2 GiB", "█", "It fits", "tokens a second", "vllm serve"):
        assert words in said


def test_what_does_not_fit_ends_with_one_and_says_what_would(planned: Plan) -> None:
    outcome = planned("llama-3.1-70b", "--memory", "128GB", "--unified", "--format", "bf16")
    assert outcome.status == 1
    assert "It does not fit." in outcome.out
    assert "In fp8 it fits." in outcome.out
    assert "vllm serve" not in outcome.out


def test_training_and_what_it_outgrows_are_in_the_plan(planned: Plan) -> None:
    arguments = ("qwen3-32b", "--machine", "dgx-spark", "--train", "full", "--json")
    found = json.loads(planned(*arguments).out)
    assert found["training"]["total_gib"] > found["memory_gib"]
    assert "full fine-tuning" in {one["rule"] for one in found["outgrown"]}
    assert found["next_machine"] == "dgx-h100"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none",), "no model 'none'"),
        (("llama-3.1-8b", "--memory", "-5"), "'-5' is no amount of memory"),
        (("llama-3.1-8b", "--machine", "magic"), "no machine 'magic'"),
        (("llama-3.1-8b", "--format", "int3"), "no format 'int3'"),
        (("llama-3.1-8b", "--kv-format", "int3"), "no cache format 'int3'"),
        (("llama-3.1-8b", "--users", "0"), "--users is 0"),
        (("llama-3.1-8b", "--context", "-1"), "--context is -1"),
        (("llama-3.1-8b", "--tensor-parallel", "2", "--machine", "dgx-spark"), "--tensor-parallel"),
        (("llama-3.1-8b", "--train", "magic"), "no method 'magic'"),
        (("llama-3.1-8b", "--train", "lora", "--rank", "0"), "'rank' is 0"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_it(
    planned: Plan, arguments: tuple[str, ...], words: str
) -> None:
    outcome = planned(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
