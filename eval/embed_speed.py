"""``alcove bench embed DATA``: how fast texts and queries are encoded on this machine, tokenizing included.

DATA is a folder in BEIR's layout, whose documents and queries are encoded, or a folder of files, whose chunks are, and
the beginnings of these as queries. JSON: ``{"model", "precision", "runtime", "processor", "texts", "texts_per_s",
"tokens_per_s", "matrix_peak_fraction", "peak_rss_mib", "query_p50_ms", "query_p99_ms", "quantization"}``.

``matrix_peak_fraction`` is what a Transformer encoder's matrix products need for the texts' own tokens, padding not
counted, over what the machine's do at best in the same precision: a product of 2,048 x 768 with 768 x 3,072 on all
cores, measured just after. It is ``null`` for other architectures. With ``--precision int8`` the weights
are calibrated on the texts first, and ``quantization`` says how far the vectors agree with unquantized ones.
"""

from __future__ import annotations

import json
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agents.settings import Settings
from corpus.datasets import load_beir
from corpus.errors import UserError
from corpus.home import Home
from eval.machine import Peak, print_figures
from eval.options import HomeFolder, Json

if TYPE_CHECKING:
    from retrieval.encoder import TransformerEncoder
    from retrieval.quantization import Quantized

__all__ = ["EmbedSpeed", "embed", "measure_embed"]

QUERIES = 300
QUERY_WORDS = 12
WARM_UP_TEXTS = 64


@dataclass(frozen=True, slots=True)
class EmbedSpeed:
    """Figures of one run, as the module's docstring names them."""

    model: str
    precision: str
    runtime: str
    processor: str
    texts: int
    texts_per_s: float
    tokens_per_s: float
    matrix_peak_fraction: float | None
    peak_rss_mib: float
    query_p50_ms: float
    query_p99_ms: float
    quantization: dict[str, Any] | None


def embed(
    data: Annotated[Path, typer.Argument(help="A folder in BEIR's layout, or one of files.")],
    model: Annotated[
        str | None, typer.Option(help="A name or a sentence-transformers folder.")
    ] = None,
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")] = "auto",
    limit: Annotated[int, typer.Option(min=1, help="Only the first so many texts.")] = 1000,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Texts and tokens a second, and the time one query takes to encode."""
    figures = asdict(measure_embed(data, model, precision, limit, home))
    print(json.dumps(figures)) if as_json else print_figures(figures)


def measure_embed(
    data: Path,
    model: str | None = None,
    precision: str = "auto",
    limit: int = 1000,
    home: Path | None = None,
) -> EmbedSpeed:
    """Encode the first ``limit`` texts of ``data`` once, and as many as 300 queries one by one.

    Raises:
        UserError: there is nothing to encode, or a setting is wrong. OperatorError: the model cannot be loaded.
    """
    from retrieval.encoder import warm_up
    from retrieval.probe import processor

    settings = Settings.load(
        home, {"embedding": {"model": model or "auto", "precision": precision}}
    )
    texts, queries = _texts(data, limit, home)
    encoder, quantized = _encoder(settings, texts)
    warm_up(encoder)
    times = [_milliseconds(encoder, query) for query in queries]
    encoder.encode_passages(texts[:WARM_UP_TEXTS])
    started = time.perf_counter()
    encoder.encode_passages(texts)
    seconds = time.perf_counter() - started
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts KiB
    lengths = [len(ids) for ids in encoder.tokenize(texts)]
    work = _operations(encoder.model.folder, lengths)
    best = Peak(encoder.fingerprint.dtype).measure()
    return EmbedSpeed(
        model=encoder.fingerprint.model,
        precision=encoder.fingerprint.dtype,
        runtime=encoder.runtime.name,
        processor=processor(),
        texts=len(texts),
        texts_per_s=round(len(texts) / seconds, 2),
        tokens_per_s=round(sum(lengths) / seconds, 1),
        matrix_peak_fraction=round(work / seconds / best, 3) if work else None,
        peak_rss_mib=round(rss, 1),
        query_p50_ms=round(statistics.median(times), 3),
        query_p99_ms=round(sorted(times)[int(len(times) * 0.99) - 1], 3),
        quantization=asdict(quantized) if quantized else None,
    )


def _encoder(
    settings: Settings, texts: Sequence[str]
) -> tuple[TransformerEncoder, Quantized | None]:
    from retrieval.encoder import load_encoder, with_quantization
    from retrieval.models import resolve
    from retrieval.quantization import quantize

    chosen = settings.embedding
    model = resolve(chosen.model, Home(settings.corpus.home), chosen.cache)
    if chosen.precision != "int8":
        return load_encoder(model, chosen), None
    exact = load_encoder(model, chosen.model_copy(update={"precision": "auto"}))
    quantized = quantize(exact, texts)
    return with_quantization(exact, quantized.sha256, chosen.batch_tokens), quantized


def _milliseconds(encoder: TransformerEncoder, query: str) -> float:
    started = time.perf_counter()
    encoder.encode_queries([query])
    return (time.perf_counter() - started) * 1e3


def _texts(data: Path, limit: int, home: Path | None) -> tuple[list[str], list[str]]:
    """The texts and the queries of a data set or a folder."""
    if (data / "corpus.jsonl").is_file():
        dataset = load_beir(data)
        both = (f"{entry.title} {entry.text}".strip() for entry in dataset.documents)
        texts = [text for text in islice(both, limit) if text]
        queries = [query.text for query in dataset.queries[:QUERIES]]
    else:
        texts = _chunk_texts(data, home)[:limit]
        queries = [" ".join(text.split()[:QUERY_WORDS]) for text in texts[:QUERIES]]
    if not texts:
        raise UserError(f"there is no text below {str(data)!r}; name a folder of documents")
    return texts, queries


def _chunk_texts(folder: Path, home: Path | None) -> list[str]:
    from eval.bench import open_bench

    with (
        tempfile.TemporaryDirectory(prefix="alcove-bench-") as cache,
        open_bench("speed", Path(cache), home) as bench,
    ):
        bench.ingest(folder, lambda progress: None)
        ids = bench.catalog.chunk_ids()
        chunks = bench.catalog.chunks(ids, bench.catalog.snapshot)
        return [chunks[id].text for id in ids]


def _operations(folder: Path, lengths: Sequence[int]) -> float | None:
    """Multiplications and additions of a Transformer encoder's matrix products, for texts of these many tokens.

    Per layer and token: four products of h x h, two of h x f, and n x h twice for attention over n tokens
    (https://arxiv.org/abs/2001.08361, section 2.1).
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    try:
        h, f, layers = (
            int(config[key]) for key in ("hidden_size", "intermediate_size", "num_hidden_layers")
        )
    except KeyError:
        return None
    return float(sum(layers * (2 * n * (4 * h * h + 2 * h * f) + 4 * n * n * h) for n in lengths))
