"""Which encoder belongs to an index: auto follows it, what is named is taken as named, and refused if it differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.errors import FingerprintMismatch, OperatorError, UserError
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from retrieval.fingerprint import Fingerprint
from retrieval.protocols import Encoder
from retrieval.settings import EmbeddingSettings
from retrieval.spaces import (
    Encoders,
    better_model,
    chosen,
    differences,
    live_space,
    require_lasting,
    settled,
)
from tests.fakes import HashEncoder
from tests.retrieval.conftest import Shelf

MINILM, E5 = "all-minilm-l6-v2", "e5-base-v2"
OURS = HashEncoder().fingerprint


@pytest.fixture(scope="session")
def tiny(make_e5: Callable[..., Path]) -> Path:
    return make_e5("tiny-e5")


@pytest.fixture
def auto(tmp_path: Path) -> EmbeddingSettings:
    """Settings that leave everything open, on a machine without a model cache."""
    return EmbeddingSettings(cache=tmp_path / "no-cache")


def test_auto_stays_with_the_model_and_the_arithmetic_of_the_index(
    home: Home, auto: EmbeddingSettings, tiny: Path
) -> None:
    shutil.copytree(tiny, home.models / E5)
    today, _ = chosen(auto, home, None)
    assert today.name == E5
    space = replace(OURS, model=MINILM, dtype="bf16")
    model, how = chosen(auto, home, space)
    assert (model.name, how.precision) == (MINILM, "bf16")
    assert f"{E5} is here too, and `alcove reindex` moves to it" in model.note
    better = better_model(auto, home, space)
    assert better is not None
    assert better.name == E5


def test_what_the_settings_name_is_taken_whatever_the_index_is(
    home: Home, auto: EmbeddingSettings, tiny: Path
) -> None:
    named = auto.model_copy(update={"model": str(tiny), "precision": "fp32"})
    model, how = chosen(named, home, replace(OURS, model=MINILM, dtype="bf16"))
    assert (model.folder, how.precision) == (tiny, "fp32")
    assert better_model(named, home, OURS) is None


def test_a_named_model_keeps_the_arithmetic_of_an_index_of_its_own(
    home: Home, auto: EmbeddingSettings, tiny: Path
) -> None:
    named = auto.model_copy(update={"model": str(tiny)})
    assert chosen(named, home, replace(OURS, model="tiny-e5", dtype="bf16"))[1].precision == "bf16"
    assert chosen(named, home, replace(OURS, model=MINILM, dtype="bf16"))[1].precision == "auto"


def test_a_model_that_has_gone_is_named_with_what_to_do(
    home: Home, auto: EmbeddingSettings
) -> None:
    with pytest.raises(OperatorError, match=r"'gone'.*alcove models add.*alcove reindex"):
        chosen(auto, home, replace(OURS, model="gone"))


def test_what_differs_is_seen_without_loading_the_model(
    home: Home, auto: EmbeddingSettings, tiny: Path
) -> None:
    named = auto.model_copy(update={"model": str(tiny), "precision": "bf16"})
    model, _ = chosen(named, home, None)
    found = differences(model, named, replace(OURS, query_prefix="query: "))
    assert found["model"] == ("hash", "tiny-e5")
    assert found["dtype"] == ("fp32", "bf16")
    assert {"weights_sha256", "tokenizer_sha256", "passage_prefix"} <= set(found)
    assert "query_prefix" not in found


def test_a_folder_that_is_moved_to_is_taken_into_the_home(
    home: Home, auto: EmbeddingSettings, tiny: Path, make_e5: Callable[..., Path]
) -> None:
    assert settled(str(tiny), home, auto).folder == home.models / "tiny-e5"
    assert settled("tiny-e5", home, auto).folder == home.models / "tiny-e5"
    assert settled(str(tiny), home, auto).folder == home.models / "tiny-e5"
    with pytest.raises(UserError, match="another model 'tiny-e5'"):
        settled(str(make_e5("tiny-e5", seed=5)), home, auto)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"model": MINILM}, "set it to 'auto' or 'hash'"), ({"precision": "bf16"}, "precision")],
)
def test_a_move_that_the_settings_would_refuse_afterwards_is_refused_before(
    home: Home, auto: EmbeddingSettings, change: dict[str, str], words: str
) -> None:
    require_lasting(auto, home, "hash", "fp32")
    with pytest.raises(UserError, match=words):
        require_lasting(auto.model_copy(update=change), home, "hash", "fp32")


def test_an_index_is_in_the_space_that_its_manifest_names(shelf: Shelf) -> None:
    assert live_space(shelf.home) is None
    (red,) = shelf.add("red box")
    assert live_space(shelf.home) == shelf.encoder.fingerprint
    shelf.remove(red)
    assert live_space(shelf.home) is None  # nothing is in no space


def test_a_damaged_manifest_leaves_the_space_to_the_snapshot_before(shelf: Shelf) -> None:
    shelf.add("red box")
    shelf.add("blue car")
    (SnapshotStore(shelf.home).folder(2) / "manifest.json").write_text("{}")
    assert live_space(shelf.home) == shelf.encoder.fingerprint


class Loading:
    """A ``Load`` that counts; gives an encoder by the model's name, or refuses."""

    def __init__(self, *models: str) -> None:
        self.models, self.asked = models, list[str]()

    def __call__(self, home: Home, space: Fingerprint | None) -> tuple[Encoder, str]:
        model = space.model if space and space.model in self.models else self.models[0]
        self.asked.append(model)
        if model == "broken":
            raise OperatorError("'broken' is broken; mend it")
        return HashEncoder(name=model), f"took {model}"


def test_an_encoder_is_loaded_once_and_another_when_the_index_has_moved(home: Home) -> None:
    load = Loading("a", "b")
    encoders = Encoders(home, load)
    first = encoders.current()
    assert encoders.of(first.fingerprint) is encoders.current() is first
    second = encoders.of(HashEncoder(name="b").fingerprint)
    assert encoders.current() is second
    assert (load.asked, encoders.note) == (["a", "b"], "took b")


def test_a_space_that_the_settings_rule_out_is_refused_without_loading_again(home: Home) -> None:
    load = Loading("a")
    encoders = Encoders(home, load)
    first = encoders.current()
    for _ in range(3):
        with pytest.raises(FingerprintMismatch, match="model 'c' against 'a'"):
            encoders.of(HashEncoder(name="c").fingerprint)
    assert load.asked == ["a", "a"]
    assert encoders.current() is first


def test_an_encoder_that_could_not_be_loaded_is_tried_again(home: Home) -> None:
    load = Loading("broken")
    encoders = Encoders(home, load)
    for _ in range(2):
        with pytest.raises(OperatorError, match="mend it"):
            encoders.current()
    load.models = ("a",)
    assert encoders.current().fingerprint.model == "a"
