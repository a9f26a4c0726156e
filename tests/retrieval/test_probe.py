"""The runtime and the arithmetic are measured once, recorded, and can be forced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.home import Home
from retrieval.encoder import TransformerEncoder, load_encoder
from retrieval.models import resolve
from retrieval.probe import processor
from retrieval.settings import EmbeddingSettings


@pytest.fixture(scope="module")
def model(make_e5: Callable[..., Path]) -> Path:
    return make_e5("e5-measured")


@pytest.fixture
def load(model: Path, tmp_path: Path) -> Callable[..., TransformerEncoder]:
    home = Home(tmp_path / "home")

    def load(**settings: Any) -> TransformerEncoder:
        return load_encoder(resolve(str(model), home), EmbeddingSettings(**settings))

    return load


def record(encoder: TransformerEncoder) -> Path:
    return encoder.prepared.folder / "measured.json"


def test_the_fastest_is_taken_and_the_figures_are_kept(
    load: Callable[..., TransformerEncoder],
) -> None:
    encoder = load()
    kept = json.loads(record(encoder).read_text())
    rates = kept["texts_per_s"]
    assert kept["processor"] == processor()
    assert set(rates) == {f"{r}/{d}" for r in ("openvino", "torch") for d in ("bf16", "fp32")}
    best = max(rates, key=rates.__getitem__)
    assert f"{encoder.runtime.name}/{encoder.fingerprint.dtype}" == best
    assert rates["openvino/fp32"] > 0


def test_a_record_of_this_machine_decides_and_another_machines_does_not(
    load: Callable[..., TransformerEncoder],
) -> None:
    path = record(load())
    kept = json.loads(path.read_text())
    kept["texts_per_s"]["torch/fp32"] = 1e9
    path.write_text(json.dumps(kept))
    chosen = load()
    assert (chosen.runtime.name, chosen.fingerprint.dtype) == ("torch", "fp32")
    path.write_text(json.dumps({**kept, "processor": "another"}))
    load()
    assert json.loads(path.read_text())["texts_per_s"]["torch/fp32"] < 1e9


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_forced_is_taken_without_measuring(
    load: Callable[..., TransformerEncoder], runtime: str, precision: str
) -> None:
    encoder = load(runtime=runtime, precision=precision)
    assert (encoder.runtime.name, encoder.fingerprint.dtype) == (runtime, precision)
    assert not record(encoder).exists()


def test_the_runtime_is_no_part_of_the_space(load: Callable[..., TransformerEncoder]) -> None:
    one, other = (load(runtime=name, precision="fp32") for name in ("openvino", "torch"))
    one.fingerprint.require(other.fingerprint)
    texts = ["the box fast", "slow " * 90]
    assert (one.encode_passages(texts) * other.encode_passages(texts)).sum(axis=1).min() > 0.9999


def test_a_record_that_cannot_be_read_is_made_anew(
    load: Callable[..., TransformerEncoder],
) -> None:
    path = record(load())
    path.write_text("not json")
    assert load().fingerprint.dtype in ("bf16", "fp32")
    assert json.loads(path.read_text())["texts_per_s"]
