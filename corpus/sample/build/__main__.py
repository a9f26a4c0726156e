"""Builds the sample's binary documents, or locates the answers of its questions.

    python -m corpus.sample.build documents [--into FOLDER]  # PDF, DOCX, PPTX, XLSX, PNG
    python -m corpus.sample.build questions                  # questions.jsonl from the authored one

Plain-text documents (Markdown, HTML, mail, CSV, text, code) are edited where they stand, below
``corpus/sample/documents``. Building twice gives the same bytes; `tests/corpus/test_sample.py`
holds the checked-in files to that. Locate the questions again after any change of a document or
of the parser. The password of the encrypted file is `PASSWORD`; no document mentions it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from corpus.sample.build.blocks import Block, read_blocks
from corpus.sample.build.office import write_docx, write_pptx, write_xlsx
from corpus.sample.build.pdfs import write_pdf, write_scan
from corpus.sample.build.pictures import write_sign, write_terminal

__all__ = ["DOCUMENTS", "PASSWORD", "build_documents", "main"]

PASSWORD = "winter-harbour-41"
SAMPLE = Path(__file__).resolve().parents[1]
CONTENT = Path(__file__).resolve().parent / "content"

_Writer = Callable[[Path, str, list[Block]], None]

# Path below documents/, content file, and how it is written.
_PAGES: list[tuple[str, str, _Writer]] = [
    ("guides/quantization-formats.pdf", "quantization-formats.md", write_pdf),
    ("guides/choosing-an-engine.pdf", "choosing-an-engine.md", partial(write_pdf, columns=2)),
    ("guides/fine-tuning-memory.pdf", "fine-tuning-memory.md", write_pdf),
    ("guides/when-to-move.pdf", "when-to-move.md", partial(write_pdf, columns=2)),
    ("guides/chunking-strategies.docx", "chunking-strategies.md", write_docx),
    ("operations/network-plan.pdf", "network-plan.md", write_pdf),
    ("operations/access-policy.pdf", "access-policy.md", write_pdf),
    ("operations/model-update.docx", "model-update.md", write_docx),
    ("operations/backup-policy.docx", "backup-policy.md", write_docx),
    (
        "operations/incidents/2026-06-11-power-cut-scan.pdf",
        "power-cut-form.md",
        partial(write_scan, seed=611),
    ),
    ("finance/purchase-order-2025-117.pdf", "purchase-order.md", write_pdf),
    ("finance/invoice-2026-031.pdf", "invoice.md", write_pdf),
    ("finance/delivery-note-scan.pdf", "delivery-note.md", partial(write_scan, seed=912)),
    (
        "finance/support-contract-confidential.pdf",
        "support-contract.md",
        partial(write_pdf, password=PASSWORD),
    ),
    ("meetings/2026-04-14-steering-minutes.docx", "steering-minutes.md", write_docx),
    ("meetings/2026-07-07-capacity-review.pptx", "capacity-review.md", write_pptx),
    ("meetings/measuring-retrieval.pptx", "measuring-retrieval.md", write_pptx),
]
_SHEETS = [
    ("operations/on-call-roster.xlsx", "on-call-roster.json", "On-call roster, third quarter 2026"),
    ("operations/hardware-inventory.xlsx", "hardware-inventory.json", "Hardware inventory"),
    ("finance/budget-2026.xlsx", "budget-2026.json", "Budget 2026"),
]
_PICTURES = [
    ("images/machine-room-sign.png", "room-sign.txt", write_sign),
    ("images/terminal-status.png", "terminal.txt", write_terminal),
]
DOCUMENTS = [row[0] for row in (*_PAGES, *_SHEETS, *_PICTURES)]


def build_documents(folder: Path) -> None:
    """Write every document that has a binary format below ``folder``."""
    for name in DOCUMENTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name, content, write in _PAGES:
        blocks = read_blocks((CONTENT / content).read_text("utf-8"))
        write(folder / name, blocks[0].text, blocks)
    for name, content, title in _SHEETS:
        write_xlsx(folder / name, title, json.loads((CONTENT / content).read_text("utf-8")))
    for name, content, draw in _PICTURES:
        draw(folder / name, (CONTENT / content).read_text("utf-8"))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m corpus.sample.build", description=__doc__)
    parser.add_argument("what", choices=["documents", "questions"])
    parser.add_argument("--into", type=Path, default=SAMPLE / "documents", metavar="FOLDER")
    options = parser.parse_args()
    if options.what == "documents":
        build_documents(options.into)
    else:
        from corpus.sample.build.spans import write_questions

        write_questions(SAMPLE)


if __name__ == "__main__":
    main()
