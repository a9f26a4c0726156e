"""A model made ready for this machine: its graph in OpenVINO's format, and a recipe of what it computes.

Reading a model with ``sentence-transformers`` takes seconds and hundreds of megabytes, so it is done once: the whole
of it (transformer, pooling and whatever follows) is converted to one graph, which lies in the home under a hash of
everything it was made from and is checked against its own hash whenever it is opened. A model whose architecture
OpenVINO cannot convert has a recipe and no graph; ``retrieval.torch_runtime`` runs it. Telemetry of the conversion
library is kept from loading. Never downloads.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from corpus.errors import Damaged, OperatorError
from corpus.home import disk_errors, file_sha256, fsync_path, lost_errno
from retrieval.apart import Apart
from retrieval.model_files import check_model_files
from retrieval.models import FoundModel

__all__ = [
    "Prepared",
    "Recipe",
    "graph_sha256",
    "load_transformer",
    "make",
    "prepare",
    "read_recipe",
    "write_graph",
]

_LOG = logging.getLogger(__name__)

FORMAT = 1  # raise it when graphs are made otherwise
GRAPH, RECIPE = "model.xml", "recipe.json"
DESCRIPTIONS = ("*.json", "*/*.json")  # a model's configuration, its pooling's and its tokenizer


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """What a model is and computes, as far as its vectors depend on it."""

    weights_sha256: str
    tokenizer_sha256: str
    config_sha256: str
    pooling: str
    dimension: int
    max_tokens: int  # the window, special tokens included
    pad_id: int
    graph_sha256: str  # empty: there is no graph


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A model made ready: its own folder, its recipe, and the folder of its graph and of what is measured of it."""

    source: Path
    folder: Path
    recipe: Recipe

    @property
    def graph(self) -> Path | None:
        """The graph's file, whose hash was checked; ``None``: the model cannot be converted."""
        return self.folder / GRAPH if self.recipe.graph_sha256 else None


def prepare(model: FoundModel, apart: Apart, place: Path | None = None) -> Prepared:
    """Find the prepared form of ``model``, or make it; the first time takes some seconds.

    Args:
        apart: where PyTorch is loaded, if it must be.
        place: the folder of prepared models; ``None``: the one in the home.

    Raises:
        Damaged: known weights have another hash. OperatorError: the files are not a model that can be loaded.
        UserError: they are no text encoder's. DiskFull: no space for the graph.
    """
    with disk_errors(model.folder):
        weights = file_sha256(model.folder / "model.safetensors")
    if model.spec.weights_sha256 not in ("", weights):
        raise Damaged(
            f"the weights of {model.name!r} in {str(model.folder)!r} are not the known ones; install them anew"
        )
    check_model_files(model.folder)
    folder = (place or model.home.prepared) / _key(model.folder, weights)
    recipe = read_recipe(folder)
    if recipe is None:
        made = apart(
            "retrieval.prepared:make",
            name=model.name,
            model=str(model.folder),
            weights=weights,
            folder=str(folder),
        )
        recipe = Recipe(**made)
    return Prepared(model.folder, folder, recipe)


def graph_sha256(graph: Path) -> str:
    """One hash of a graph's two files, its structure and its weights."""
    both = file_sha256(graph) + file_sha256(graph.with_suffix(".bin"))
    return hashlib.sha256(both.encode()).hexdigest()


def load_transformer(folder: Path) -> Any:
    """The ``SentenceTransformer`` of a folder, on the CPU, from its files alone.

    Raises:
        OperatorError: the files are not a model that can be loaded.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as exc:
        raise OperatorError(
            f"the model folder {str(folder)!r} cannot be loaded ({type(exc).__name__}: {str(exc)[:120]});"
            " check that it is a complete sentence-transformers model"
        ) from exc


def write_graph(graph: Any, folder: Path, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Put a graph and its recipe into ``folder`` in one step, however often that is done at once.

    Args:
        graph: an ``openvino.Model``, or ``None``.
        recipe: all fields but ``graph_sha256``, which is added.

    Raises:
        DiskFull, OperatorError: the folder cannot be written.
    """
    from openvino import save_model

    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(suffix=".tmp", dir=folder.parent))
        try:
            sha256 = ""
            if graph is not None:
                save_model(graph, staging / GRAPH, compress_to_fp16=False)
                sha256 = graph_sha256(staging / GRAPH)
            whole = {**recipe, "graph_sha256": sha256}
            (staging / RECIPE).write_text(json.dumps(whole, indent=1), encoding="utf-8")
            for path in (*staging.iterdir(), staging):
                fsync_path(path)
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
            fsync_path(folder.parent)
        except RuntimeError as exc:  # OpenVINO does not pass errno on
            raise OSError(lost_errno(exc, folder.parent), str(exc), str(folder)) from exc
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return whole


def _key(folder: Path, weights: str) -> str:
    """Sixteen digits that name everything a graph is made from."""
    digest = hashlib.sha256(f"{FORMAT} {version('openvino')} {weights}".encode())
    for path in sorted({path for pattern in DESCRIPTIONS for path in folder.glob(pattern)}):
        digest.update(f"{path.relative_to(folder)} {file_sha256(path)}".encode())
    return digest.hexdigest()[:16]


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe in ``folder``, if there is one and its graph is what was written."""
    path = folder / RECIPE
    if not path.is_file():
        return None
    try:
        recipe = Recipe(**json.loads(path.read_text(encoding="utf-8")))
        if not recipe.graph_sha256 or graph_sha256(folder / GRAPH) == recipe.graph_sha256:
            return recipe
    except (ValueError, TypeError, OSError) as exc:
        _LOG.warning("%r cannot be read (%s) and is made anew", str(path), exc)
        return None
    _LOG.warning("the graph in %r is damaged and is made anew", str(folder))
    return None


def make(name: str, model: str, weights: str, folder: str) -> dict[str, Any]:
    """Prepare a model; loads PyTorch, so that ``prepare`` calls it in a process of its own.

    Args:
        name: of the model, for messages.
        model: its folder.
        weights: their SHA-256.
        folder: where the prepared model belongs.

    Returns:
        the fields of its ``Recipe``.
    """
    transformer = load_transformer(Path(model))
    pooling = next((m.pooling_mode for m in transformer if hasattr(m, "pooling_mode")), "none")
    recipe = {
        "weights_sha256": weights,
        "tokenizer_sha256": file_sha256(Path(model) / "tokenizer.json"),
        "config_sha256": file_sha256(Path(model) / "config.json"),
        "pooling": str(pooling),
        "dimension": int(transformer.get_embedding_dimension() or 0),
        "max_tokens": int(transformer.max_seq_length or 512),
        "pad_id": int(transformer.tokenizer.pad_token_id or 0),
    }
    return write_graph(_graph(name, transformer), Path(folder), recipe)


def _graph(name: str, transformer: Any) -> Any:
    """The model as an OpenVINO graph from tokens and mask to vectors, or ``None`` if it has no such form."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import torch
    from openvino import convert_model

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            return self.model(features)["sentence_embedding"]

    ones = torch.ones(2, 8, dtype=torch.long)
    try:
        with torch.inference_mode(), _quiet():
            return convert_model(
                Whole().eval(), example_input={"input_ids": ones, "attention_mask": ones}
            )
    except Exception as exc:  # whatever tracing a model's own code raises
        _LOG.warning("%r runs on PyTorch: OpenVINO cannot convert it (%s)", name, exc)
        return None


def _quiet() -> Any:
    """Tracing warns of every branch in a model's code, which its authors know of."""
    import warnings

    return warnings.catch_warnings(action="ignore")
