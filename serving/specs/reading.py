"""Finds a model's description: a folder with ``config.json``, such a file, or a known name.

Asks no hub and loads no weights. Of a folder it also reads how its files are quantized and how many
bytes of weights they hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpus.errors import NotFound, UserError
from serving.specs.architectures import spec_of
from serving.specs.config import Config
from serving.specs.known import ALIASES, KNOWN
from serving.specs.records import ModelSpec

__all__ = ["read_spec", "spec_from"]

_STORED = {  # how engines write it in ``quantization_config``, and our names
    "mxfp4": "mxfp4",
    "fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "nvfp4": "nvfp4",
    "awq": "awq",
    "gptq": "gptq",
}
_MOST_BYTES = 16 * 2**20  # of a configuration


def read_spec(model: str) -> ModelSpec:
    """The model that ``model`` names: a folder, a ``config.json``, or a key of ``KNOWN`` in any case.

    Raises:
        NotFound: there is neither such a path nor such a name.
        UserError: the configuration is missing, no JSON, or cannot be planned for.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return _read_folder(path)
    if path.is_file():
        return spec_from(_json(path), path.parent.name or path.name)
    name = model.lower().rsplit("/", 1)[-1].removesuffix("-instruct")
    name = ALIASES.get(name, name)
    if name in KNOWN:
        return spec_from(KNOWN[name], name)
    raise NotFound(
        f"there is no model {model!r}: give a folder that holds its config.json, or one of"
        f" {', '.join(KNOWN)}"
    )


def spec_from(values: Mapping[str, Any], name: str) -> ModelSpec:
    """The model of a ``config.json``'s object; of one that also sees or hears, the language part.

    Raises:
        UserError: it cannot be planned for.
    """
    inner = Config(values, name).part("text_config")
    family = inner.get("model_type", values.get("model_type"))
    if not isinstance(family, str):
        raise UserError(
            f"the configuration of {name!r} has no 'model_type'; give the config.json that lies"
            " beside the model's weights"
        )
    spec = spec_of(Config(inner or values, name), family)
    return replace(spec, stored=_stored(values, name))


def _read_folder(folder: Path) -> ModelSpec:
    file = folder / "config.json"
    if not file.is_file():
        raise UserError(f"{str(folder)!r} has no 'config.json'; give the folder of a model")
    spec = spec_from(_json(file), folder.resolve().name)
    return replace(spec, stored_bytes=_stored_bytes(folder))


def _json(file: Path) -> Mapping[str, Any]:
    if file.stat().st_size > _MOST_BYTES:
        raise UserError(f"{str(file)!r} is no configuration: it has over {_MOST_BYTES >> 20} MiB")
    try:
        values = json.loads(file.read_bytes())
    except ValueError as exc:
        raise UserError(f"{str(file)!r} is not JSON ({exc}); fetch it anew") from exc
    if not isinstance(values, dict):
        raise UserError(f"{str(file)!r} holds no object; give the config.json of a model")
    return values


def _stored(values: Mapping[str, Any], name: str) -> str:
    """Our name of the format that the files are quantized in; empty: they are not.

    Raises:
        UserError: they are, in a way that is not known: the size could only be guessed.
    """
    given = Config(values, name).part("quantization_config")
    if not given:
        return ""
    method = str(given.get("quant_method", "")).lower()
    algorithm = str(given.get("quant_algo") or given.get("format") or "").lower()
    for known, ours in _STORED.items():
        if method == known or known in algorithm:
            return ours
    raise UserError(
        f"'quantization_config' of {name!r} names {method or algorithm!r}; known are"
        f" {', '.join(_STORED)}, or say a format with --format"
    )


def _stored_bytes(folder: Path) -> int | None:
    """Bytes of the weights in a folder: of its safetensors files; ``None`` where there are none."""
    sizes = [file.stat().st_size for file in folder.glob("*.safetensors")]
    return sum(sizes) or None
