"""From settings to a reindexing: which space to move to, with which encoder, and whether the settings allow it.

Loads the encoder of the target, which is why it is here and not in ``ingest.reindex``. Used by ``alcove reindex``
and by the job process.
"""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, replace

from pydantic import ValidationError

from corpus.catalog import Catalog
from corpus.errors import Conflict, UserError
from corpus.home import Home
from corpus.settings import CorpusSettings
from ingest.reindex import NO_WAY_BACK, Listener, Reindexer
from ingest.report import Reindexed
from ingest.retention import way_back
from ingest.settings import IngestSettings
from retrieval.fingerprint import Fingerprint
from retrieval.protocols import Encoder
from retrieval.settings import DenseSettings, EmbeddingSettings
from retrieval.spaces import chosen, live_space, load_for, require_lasting, settled

__all__ = ["Move", "move"]

_LOG = logging.getLogger(__name__)
SAMPLE = 2000  # passages that int8 is calibrated on and checked with, at most


@dataclass(frozen=True, slots=True)
class Move:
    """Where to move the index of a home.

    Args:
        model: a model by name or folder; ``None``: as the settings say.
        precision: arithmetic of the encoder; ``None``: as the settings say.
        back: return to the index from before the last reindexing instead.
    """

    model: str | None = None
    precision: str | None = None
    back: bool = False


def move(
    home: Home,
    catalog: Catalog,
    corpus: CorpusSettings,
    ingest: IngestSettings,
    embedding: EmbeddingSettings,
    dense: DenseSettings,
    to: Move,
    listen: Listener | None = None,
) -> Reindexed:
    """Move the index of a home to another space, or back.

    Raises:
        UserError: there is no such precision, or the settings name another model or precision and would refuse the
            index afterwards.
        NotFound: the model is not on this machine. Conflict: there is nothing to go back to, or others are at work.
        Damaged, DiskFull, OperatorError: the index from before still answers.
    """
    encoder = _before(home, embedding) if to.back else _target(home, catalog, embedding, to)
    with closing(Reindexer(home, catalog, encoder, ingest, corpus, dense)) as reindexer:
        return reindexer.back(listen) if to.back else reindexer.run(listen)


def _target(home: Home, catalog: Catalog, embedding: EmbeddingSettings, to: Move) -> Encoder:
    wanted = {"precision": to.precision} if to.precision else {}
    if to.model:
        wanted["model"] = settled(to.model, home, embedding).name
    try:
        settings = EmbeddingSettings.model_validate({**embedding.model_dump(), **wanted})
    except ValidationError as exc:
        raise UserError(
            f"there is no precision {to.precision!r}; use auto, fp32, bf16 or int8"
        ) from exc
    if settings.precision == "int8":
        encoder = _rounded(home, catalog, settings)
    else:
        encoder, _ = load_for(settings, home, None)
    require_lasting(embedding, home, encoder.fingerprint.model, encoder.fingerprint.dtype)
    return encoder


def _rounded(home: Home, catalog: Catalog, settings: EmbeddingSettings) -> Encoder:
    """The model that the settings take today in int8, if that keeps the vectors of the corpus, else as it is."""
    from retrieval.encoder import load_encoder, with_quantization
    from retrieval.quantization import quantize

    model, how = chosen(settings, home, None)
    exact = load_encoder(model, how)
    live = live_space(home)
    if live is None:
        return exact
    plain = replace(live, dtype=exact.fingerprint.dtype, quantization="")
    if live.dtype == "int8" and plain == exact.fingerprint:
        return with_quantization(exact, live.quantization, settings.batch_tokens)
    # Ids are hashes, so the first ones are a sample, and nearly the same one after a small change.
    ids = catalog.chunk_ids()[:SAMPLE]
    chunks = catalog.chunks(ids)
    rounded = quantize(exact, [chunks[id].text for id in ids])
    if rounded.agreement.is_enough:
        return with_quantization(exact, rounded.sha256, settings.batch_tokens)
    _LOG.warning(
        "int8 would change the vectors of %r too much (cosine %.4f, shared neighbours %.3f); %s is used",
        model.name,
        rounded.agreement.cosine,
        rounded.agreement.overlap,
        exact.fingerprint.dtype,
    )
    return exact


def _before(home: Home, embedding: EmbeddingSettings) -> Encoder:
    before = way_back(home)
    if before is None:
        raise Conflict(NO_WAY_BACK)
    space = Fingerprint.from_json(before.body["fingerprint"])
    require_lasting(embedding, home, space.model, space.dtype)
    encoder, _ = load_for(embedding, home, space)
    return encoder
