"""Whether a model folder can be an encoder, told from its files alone: quickly, before any library loads them.

An encoder is a sentence-transformers folder that holds a BERT-like text model with whole weights that fit its
configuration, and no code of its own. Loading libraries are forgiving where this is not: they fill weights that are
missing with random numbers, which makes every process a space of its own. Knows nothing of what the model is for.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.errors import OperatorError

__all__ = ["check_model_files"]

# Text models that put one special token at either end of a text, with the prefix that their weights may carry.
TEXT_MODELS = {
    "bert": "bert",
    "camembert": "roberta",
    "deberta-v2": "deberta",
    "distilbert": "distilbert",
    "electra": "electra",
    "modernbert": "model",
    "mpnet": "mpnet",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
}
MODULES = ("Transformer", "Pooling", "Normalize")  # in this order; the last one changes nothing
# Those whose positions begin after the padding's (`create_position_ids_from_input_ids` of transformers).
COUNTS_FROM_PADDING = ("camembert", "mpnet", "roberta", "xlm-roberta")
MIN_WINDOW = 8  # tokens: the special ones, a prefix and some text
MAX_HEADER_BYTES = 100_000_000  # as the format's own reader allows
_LAYER = re.compile(r"(.*\blayers?)\.(\d+)\.(.*)")
_WORDS = re.compile(r"embeddings\.(word|tok)_embeddings\.weight")


def check_model_files(folder: Path) -> None:
    """Look at every file that decides what the model computes.

    Raises:
        OperatorError: the folder is no encoder, or a damaged one; the message says why.
    """
    config = _object(folder / "config.json")
    kind = config.get("model_type")
    if kind not in TEXT_MODELS:
        raise _unfit(folder, f"holds a model of type {kind!r}, not one of {', '.join(TEXT_MODELS)}")
    _check_modules(folder, config)
    _check_window(folder, config)
    _check_vocabulary(folder, config)
    shapes = _shapes(folder / "model.safetensors")
    _check_weights(folder, config, shapes, TEXT_MODELS[kind])


def _check_modules(folder: Path, config: Mapping[str, Any]) -> None:
    rows = _json(folder / "modules.json")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unfit(folder, "has a 'modules.json' that is no list of modules")
    kinds = [str(row.get("type")) for row in rows]
    for kind in kinds:
        if not kind.startswith("sentence_transformers."):
            raise _unfit(folder, f"wants the code of {kind!r}, and no code of a model is ever run")
    names = tuple(kind.rpartition(".")[2] for kind in kinds)
    if names not in (MODULES, MODULES[:2]):
        raise _unfit(
            folder, f"has the modules {', '.join(names) or 'none'}, not {', '.join(MODULES)}"
        )
    pooling = Path(str(rows[1].get("path"))) / "config.json"
    pooled = _object(folder / pooling)
    width = pooled.get("embedding_dimension", pooled.get("word_embedding_dimension"))
    if width != _hidden(config):
        raise _unfit(
            folder, f"pools vectors of {width} dimensions, its model's have {_hidden(config)}"
        )


def _check_window(folder: Path, config: Mapping[str, Any]) -> None:
    path = folder / "sentence_bert_config.json"
    window = _object(path).get("max_seq_length") if path.exists() else None
    room = config.get("max_position_embeddings")
    if window is None or room is None:
        return
    if config["model_type"] in COUNTS_FROM_PADDING:
        room -= config.get("pad_token_id", 1) + 1
    if not MIN_WINDOW <= window <= room:
        raise _unfit(folder, f"says that {window} tokens fit its model, which has room for {room}")


def _check_vocabulary(folder: Path, config: Mapping[str, Any]) -> None:
    """Every token must have an embedding."""
    path = folder / "tokenizer.json"
    raw = _object(path)
    try:
        words = raw["model"]["vocab"]  # Unigram's is a list of pieces, the others' map words to ids
        ids = words.values() if isinstance(words, dict) else range(len(words))
        most = max([*ids, *(token["id"] for token in raw["added_tokens"])])
    except (KeyError, TypeError, ValueError) as exc:
        raise OperatorError(f"{str(path)!r} is no tokenizer; copy the model anew") from exc
    if most >= config.get("vocab_size", 0):
        raise _unfit(
            folder,
            f"has a tokenizer of {most + 1} tokens, its model knows {config.get('vocab_size')}",
        )


def _check_weights(
    folder: Path, config: Mapping[str, Any], shapes: Mapping[str, list[int]], prefix: str
) -> None:
    """Compare the weights' names and shapes with what the configuration calls for."""
    own = {name.removeprefix(f"{prefix}."): shape for name, shape in shapes.items()}
    words = [shape for name, shape in own.items() if _WORDS.fullmatch(name)]
    expected = [config.get("vocab_size"), config.get("embedding_size", _hidden(config))]
    if words != [expected]:
        found = words[0] if words else "none"
        raise _unfit(folder, f"has embeddings of shape {found}, its 'config.json' says {expected}")
    layers: dict[int, set[str]] = defaultdict(set)
    for name in own:
        found_in = _LAYER.fullmatch(name)
        if found_in:
            layers[int(found_in[2])].add(found_in[3])
    count = config.get("num_hidden_layers", config.get("n_layers"))
    if sorted(layers) != list(range(int(count or 0))):
        raise _unfit(folder, f"has weights of {len(layers)} layers, its 'config.json' says {count}")
    first = layers.pop(0, set())  # ModernBERT's has no norm of its own
    everything = first.union(*layers.values())
    for number, names in layers.items():
        for name in sorted(everything - names):
            raise _unfit(folder, f"lacks the weights {name!r} of layer {number}")


def _hidden(config: Mapping[str, Any]) -> Any:
    return config.get("hidden_size", config.get("dim"))  # DistilBERT's name for it


def _shapes(path: Path) -> dict[str, list[int]]:
    """Name and shape of every tensor of a safetensors file, which must hold all their bytes.

    The format: https://github.com/huggingface/safetensors#format
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            raw = file.read(length) if length <= MAX_HEADER_BYTES else b""
        header = {k: v for k, v in json.loads(raw).items() if k != "__metadata__"}
        end = max(tensor["data_offsets"][1] for tensor in header.values())
        shapes = {name: list(tensor["shape"]) for name, tensor in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as exc:
        raise OperatorError(f"{str(path)!r} is not a safetensors file; copy it anew") from exc
    if 8 + length + end != size:
        raise OperatorError(
            f"{str(path)!r} has {size} bytes instead of {8 + length + end}; copy it anew"
        )
    return shapes


def _object(path: Path) -> dict[str, Any]:
    found = _json(path)
    if not isinstance(found, dict):
        raise OperatorError(f"{str(path)!r} is no JSON object; copy the model anew")
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise OperatorError(f"{str(path)!r} cannot be read as JSON; copy the model anew") from exc


def _unfit(folder: Path, why: str) -> OperatorError:
    return OperatorError(
        f"the model folder {str(folder)!r} {why}; take another model, or copy this one anew"
    )
