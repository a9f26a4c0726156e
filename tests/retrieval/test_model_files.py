"""Model folders that cannot be an encoder are told from their files, before a library loads them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import OperatorError
from corpus.home import Home
from retrieval.model_files import TEXT_MODELS, check_model_files
from retrieval.models import resolve

Change = Callable[[Path], object]


@pytest.fixture(scope="session")
def whole(make_e5: Callable[..., Path]) -> Path:
    return make_e5("whole-e5")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def edit(name: str, **values: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def write(name: str, data: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(data)


def modules(change: Callable[[list[dict[str, Any]]], object]) -> Change:
    def changed(folder: Path) -> None:
        path = folder / "modules.json"
        rows = json.loads(path.read_text())
        change(rows)
        path.write_text(json.dumps(rows))

    return changed


def one_more_word(folder: Path) -> None:
    path = folder / "tokenizer.json"
    raw = json.loads(path.read_text())
    raw["model"]["vocab"]["zebra"] = 12
    path.write_text(json.dumps(raw))


def cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def tensors(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    def changed(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path)

    return changed


def no_bias_in_layer_1(weights: dict[str, Any]) -> dict[str, Any]:
    return {n: w for n, w in weights.items() if n != "encoder.layer.1.output.dense.bias"}


WEIGHTS, CONFIG = "model.safetensors", "config.json"
BAD: dict[str, tuple[Change, str]] = {
    "no pooling": (
        lambda folder: shutil.rmtree(folder / "1_Pooling"),
        "'.*/1_Pooling/config.json' cannot be read",
    ),
    "no JSON": (write(CONFIG, b"{"), "config.json' cannot be read as JSON"),
    "no object": (write(CONFIG, b"[1]"), "config.json' is no JSON object"),
    "no window": (
        write("sentence_bert_config.json", b"[1]"),
        "bert_config.json' is no JSON object",
    ),
    "no list": (write("modules.json", b"{}"), "no list of modules"),
    "no rows": (write("modules.json", b"[1]"), "no list of modules"),
    "no modules": (write("modules.json", b"[]"), "has the modules none"),
    "a vision model": (edit(CONFIG, model_type="vit"), "a model of type 'vit', not one of bert"),
    "a decoder": (edit(CONFIG, model_type="gpt2"), "a model of type 'gpt2'"),
    "an encoder-decoder": (edit(CONFIG, model_type="t5"), "a model of type 't5'"),
    "no type": (write(CONFIG, b"{}"), "a model of type None"),
    "its own code": (
        modules(lambda rows: rows[0].update(type="modeling.Encoder")),
        "wants the code of 'modeling.Encoder'",
    ),
    "another program": (
        modules(lambda rows: rows[0].update(type="subprocess.Popen")),
        "wants the code of 'subprocess.Popen'",
    ),
    "modules in another order": (
        modules(lambda rows: rows.reverse()),
        "modules Normalize, Pooling, Transformer, not Transformer, Pooling, Normalize",
    ),
    "no pooling module": (
        modules(lambda rows: rows.__delitem__(1)),
        "has the modules Transformer, Normalize",
    ),
    "another width": (
        edit("1_Pooling/config.json", word_embedding_dimension=99),
        "pools vectors of 99 dimensions, its model's have 32",
    ),
    "a window wider than the model": (
        edit("sentence_bert_config.json", max_seq_length=5000),
        "says that 5000 tokens fit its model, which has room for 64",
    ),
    "a window of nothing": (edit("sentence_bert_config.json", max_seq_length=0), "says that 0"),
    "a word without an embedding": (one_more_word, "a tokenizer of 13 tokens, its model knows 12"),
    "no tokenizer": (write("tokenizer.json", b"{}"), "tokenizer.json' is no tokenizer"),
    "no bytes": (write(WEIGHTS, b""), "is not a safetensors file"),
    "noise": (write(WEIGHTS, b"\xff" * 1000), "is not a safetensors file"),
    "cut off": (cut_off, r"has \d+ bytes instead of \d+"),
    "another vocabulary": (edit(CONFIG, vocab_size=50), r"shape \[12, 32\], .* says \[50, 32\]"),
    "a deeper model": (edit(CONFIG, num_hidden_layers=4), "weights of 2 layers, .* says 4"),
    "a shallower model": (edit(CONFIG, num_hidden_layers=1), "weights of 2 layers, .* says 1"),
    "other names": (
        tensors(lambda weights: {f"other.{name}": w for name, w in weights.items()}),
        "embeddings of shape none",
    ),
    "a hole": (tensors(no_bias_in_layer_1), "lacks the weights 'output.dense.bias' of layer 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_folder_that_is_no_encoder_is_one_sentence(folder: Path, case: str) -> None:
    change, words = BAD[case]
    change(folder)
    with pytest.raises(OperatorError, match=words) as caught:
        check_model_files(folder)
    said = str(caught.value)
    assert str(folder) in said
    assert "anew" in said
    assert "\n" not in said


def test_whole_folders_pass(folder: Path, home: Home, tmp_path: Path) -> None:
    check_model_files(folder)
    modules(lambda rows: rows.__delitem__(2))(folder)  # vectors are normalised anyway
    check_model_files(folder)
    check_model_files(resolve("all-minilm-l6-v2", home, cache=tmp_path).folder)


@pytest.mark.parametrize("kind", sorted(TEXT_MODELS))
def test_every_kind_of_text_model_passes_as_its_library_saves_it(folder: Path, kind: str) -> None:
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

    sizes = {"num_attention_heads": 2, "intermediate_size": 64, "hidden_dim": 64, "n_heads": 2}
    depth = {"num_hidden_layers": 2, "n_layers": 2, "hidden_size": 32, "dim": 32}
    words = {"vocab_size": 12, "pad_token_id": 0, "max_position_embeddings": 66}
    config = AutoConfig.for_model(kind, **sizes, **depth, **words)
    for maker in (AutoModel, AutoModelForMaskedLM):  # the second one's weights carry a prefix
        maker.from_config(config).save_pretrained(folder)
        check_model_files(folder)
