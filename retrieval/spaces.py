"""Which embedding space is live, and the encoder that belongs to it.

The manifest of the live snapshot is the one place that says which space an index is in. ``auto`` follows it: the model
and the arithmetic of the index are loaded, whatever else has turned up on the machine since. A model or precision that
is named in the settings is loaded as named, and refused where it differs from the index. An empty index is in no
space. Moving to another one is the work of ``ingest.reindex``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from corpus.errors import (
    Damaged,
    NotFound,
    OperatorError,
    UserError,
)
from corpus.home import Home, file_sha256
from corpus.snapshot import Snapshot, SnapshotStore
from retrieval.fingerprint import Fingerprint
from retrieval.models import FoundModel, add, resolve
from retrieval.settings import EmbeddingSettings

if TYPE_CHECKING:
    from retrieval.protocols import Encoder

__all__ = [
    "Encoders",
    "Load",
    "better_model",
    "chosen",
    "differences",
    "live_space",
    "load_for",
    "require_lasting",
    "settled",
]

Load = Callable[[Home, Fingerprint | None], "tuple[Encoder, str]"]
"""Gives the encoder for a space (``None``: the one that the settings would take today), and why it was taken."""


def live_space(home: Home) -> Fingerprint | None:
    """The space of the live index; ``None`` when nothing is in it.

    If its manifest is damaged, that of the newest snapshot that can be read.
    """
    store = SnapshotStore(home)
    for snapshot in _readable(store):
        return Fingerprint.from_json(snapshot.body["fingerprint"]) if _holds(snapshot) else None
    return None


def _readable(store: SnapshotStore) -> Iterator[Snapshot]:
    """The live snapshot, and then, newest first, the others that stand in if it is damaged."""
    try:
        if live := store.live():
            yield live
    except Damaged:
        for number in reversed(store.numbers()):
            try:
                yield store.open(number)
            except Damaged:
                continue  # `alcove doctor` names it


def _holds(snapshot: Snapshot) -> bool:
    return "fingerprint" in snapshot.body and snapshot.body.get("chunks") != 0


def chosen(
    settings: EmbeddingSettings, home: Home, space: Fingerprint | None
) -> tuple[FoundModel, EmbeddingSettings]:
    """The model to load, and how, so that it fits ``space`` as far as the settings leave it open.

    Args:
        space: that of the live index; ``None``: there is none to fit.

    Raises:
        NotFound, UserError, OperatorError: its files are not on this machine, or not complete.
    """
    if space is None:
        if settings.precision == "int8":  # there is no text yet to round the weights for
            settings = settings.model_copy(update={"precision": "auto"})
        return resolve(settings.model, home, settings.cache), settings
    if settings.model == "auto":
        model = _model_of(space, settings, home)
    else:
        model = resolve(settings.model, home, settings.cache)
    if settings.precision == "auto" and model.name == space.model:
        settings = settings.model_copy(update={"precision": space.dtype})
    return model, settings


def _model_of(space: Fingerprint, settings: EmbeddingSettings, home: Home) -> FoundModel:
    try:
        found = resolve(space.model, home, settings.cache)
    except NotFound as exc:
        raise OperatorError(
            f"the index was embedded with {space.model!r}, whose files are no longer found; `alcove models add FOLDER`"
            " brings them back, or `alcove reindex` moves to a model that is here"
        ) from exc
    note = f"{space.model} is the encoder of the index"
    better = better_model(settings, home, space)
    if better:
        note += f"; {better.name} is here too, and `alcove reindex` moves to it"
    elif found.name == resolve("auto", home, settings.cache).name:
        note = resolve("auto", home, settings.cache).note
    return replace(found, name=space.model, note=note)


def better_model(
    settings: EmbeddingSettings, home: Home, space: Fingerprint | None
) -> FoundModel | None:
    """What ``auto`` would take today, if that is another model than that of ``space``."""
    if settings.model != "auto" or space is None:
        return None
    today = resolve("auto", home, settings.cache)
    return None if today.name == space.model else today


def differences(
    model: FoundModel, settings: EmbeddingSettings, space: Fingerprint
) -> dict[str, tuple[str, str]]:
    """What can be seen to differ between ``space`` and a model without loading it: (index, model) by field."""
    dtype = space.dtype if settings.precision == "auto" else settings.precision
    pairs = {
        "model": (space.model, model.name),
        "revision": (space.revision, model.spec.revision),
        "weights_sha256": (space.weights_sha256, file_sha256(model.folder / "model.safetensors")),
        "tokenizer_sha256": (space.tokenizer_sha256, file_sha256(model.folder / "tokenizer.json")),
        "query_prefix": (space.query_prefix, model.spec.query_prefix),
        "passage_prefix": (space.passage_prefix, model.spec.passage_prefix),
        "dtype": (space.dtype, dtype),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def load_for(
    settings: EmbeddingSettings, home: Home, space: Fingerprint | None
) -> tuple[Encoder, str]:
    """Load the encoder that ``chosen`` names; a ``Load`` once the settings are given."""
    from retrieval.encoder import load_encoder

    model, how = chosen(settings, home, space)
    return load_encoder(model, how, space.quantization if space else ""), model.note


def settled(name: str, home: Home, settings: EmbeddingSettings) -> FoundModel:
    """The model called ``name``, or in the folder ``name``, at a place where ``auto`` finds it again.

    Raises:
        UserError: it is a folder, and this machine has another model of that name.
        NotFound, OperatorError: as ``resolve``.
    """
    found = resolve(name, home, settings.cache)
    try:
        known = resolve(found.name, home, settings.cache)
    except NotFound:
        return add(found.folder, home)
    weights = [model.folder / "model.safetensors" for model in (found, known)]
    if found.folder != known.folder and len({file_sha256(path) for path in weights}) > 1:
        raise UserError(
            f"this machine has another model {known.name!r} than the one in {str(found.folder)!r}; rename the folder"
        )
    return known


def require_lasting(settings: EmbeddingSettings, home: Home, model: str, dtype: str) -> None:
    """Refuse to move to a space that the settings would refuse afterwards.

    Args:
        settings: as they will be after the move.
        model: name of the model that is moved to.
        dtype: its arithmetic.

    Raises:
        UserError: they name another one.
    """
    if settings.model != "auto" and resolve(settings.model, home, settings.cache).name != model:
        raise UserError(
            f"embedding.model is set to {settings.model!r}, which could not search an index of {model!r};"
            f" set it to 'auto' or {model!r} first"
        )
    if settings.precision not in ("auto", dtype):
        raise UserError(
            f"embedding.precision is set to {settings.precision!r}, which could not search an index in {dtype!r};"
            " set it to 'auto' first"
        )


class Encoders:
    """The encoder of a home's index, loaded when it is first needed; another when the index moves to its space.

    Safe to call from several threads; one loads at a time.

    Args:
        load: see ``Load``.
    """

    def __init__(self, home: Home, load: Load) -> None:
        self.note = ""  # why the encoder at hand was taken
        self._home = home
        self._load = load
        self._encoder: Encoder | None = None
        self._refused: dict[Fingerprint, Fingerprint] = {}  # to what the settings give instead
        self._loading = threading.Lock()

    def current(self) -> Encoder:
        """The encoder at hand, or else the one that the settings give for the live index, fitting or not.

        Raises:
            AlcoveError: what stands in the way of loading it; tried again the next time.
        """
        with self._loading:
            return self._encoder or self._loaded(live_space(self._home))

    def of(self, space: Fingerprint) -> Encoder:
        """The encoder of ``space``, loaded now if it is not at hand.

        Raises:
            FingerprintMismatch: the settings name another. AlcoveError: it cannot be loaded.
        """
        with self._loading:
            encoder = self._encoder
            if encoder is None or encoder.fingerprint != space:
                encoder = self._loaded(space)
            space.require(self._refused.get(space, encoder.fingerprint))
            return encoder

    def _loaded(self, space: Fingerprint | None) -> Encoder:
        """What the settings give for ``space``; it is kept if it fits, or if there is no other."""
        if self._encoder is not None and space in self._refused:
            return self._encoder
        encoder, note = self._load(self._home, space)
        if space is not None and encoder.fingerprint != space:
            self._refused[space] = encoder.fingerprint
            if self._encoder is not None:
                return self._encoder
        self._encoder, self.note = encoder, note
        return encoder
