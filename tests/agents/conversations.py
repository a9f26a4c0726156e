"""Conversations about the sample documents, of our own making: what is asked last, and where it is answered.

The rules of ``agents.answering.followup`` were made on ``DEVELOPED``; ``HELD_BACK`` was only measured.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEVELOPED", "HELD_BACK", "Conversation"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions in order; ``file`` is where the last is answered, ``alone`` if it needs no other."""

    questions: tuple[str, ...]
    file: str
    alone: bool = False


DEVELOPED = (
    Conversation(
        ("How much memory does LoRA on a 70B model need?", "And QLoRA?"), "fine-tuning-memory.pdf"
    ),
    Conversation(
        ("How much memory does LoRA on a 70B model need?", "And QLoRA?", "How long did it take?"),
        "fine-tuning-memory.pdf",
    ),
    Conversation(
        ("What is the room temperature alert threshold?", "Who gets the alert?", "Why?"),
        "monitoring-alerts.html",
    ),
    Conversation(
        ("Which port does the chat page use?", "And the VLAN of the guests?"), "network-plan.pdf"
    ),
    Conversation(
        ("Which port does the chat page use?", "Where is the assembly point?"),
        "machine-room-sign.png",
        alone=True,
    ),
    Conversation(
        ("What is the electricity price per kWh?", "uptime on 2 July?"),
        "terminal-status.png",
        alone=True,
    ),
    Conversation(
        ("For how long are fine-tuned adapters kept in the backup?", "And the off-site copy?"),
        "backup-policy.docx",
    ),
    Conversation(
        (
            "For how long are fine-tuned adapters kept in the backup?",
            "And the off-site copy?",
            "Where does it go?",
        ),
        "backup-policy.docx",
    ),
    Conversation(
        ("Who can get at the recovery key?", "Who buys cake?"), "onboarding.html", alone=True
    ),
    Conversation(
        ("When was the old search page turned off?", "What about the photo feature?"),
        "newsletter-june.eml",
    ),
    Conversation(
        ("What is nDCG?", "What is the discount at position 2?"),
        "measuring-retrieval.pptx",
        alone=True,
    ),
    Conversation(
        (
            "How do I roll back to the previous model?",
            "When should that be done?",
            "At which error rate?",
        ),
        "model-update.docx",
    ),
    Conversation(
        ("Who may search the contracts?", "How long is the query log kept?"),
        "access-policy.pdf",
        alone=True,
    ),
    Conversation(
        ("Why did nobody notice the full disk until morning?", "When did it happen?"),
        "2026-03-17-disk-full.txt",
    ),
    Conversation(
        ("What is the amount due on invoice 2026-031?", "Is there a discount?"),
        "invoice-2026-031.pdf",
    ),
    Conversation(
        (
            "What is the amount due on invoice 2026-031?",
            "Is there a discount?",
            "How many hours were charged?",
        ),
        "invoice-2026-031.pdf",
    ),
    Conversation(
        (
            "How big is the KV cache of Llama 3.1 8B per token?",
            "Is that at 16 bits?",
            "And what is it at 8 bits?",
        ),
        "kv-cache-and-batching.md",
    ),
    Conversation(
        ("When does the warranty of spark-01 run out?", "and the scanner's asset number"),
        "hardware-inventory.xlsx",
    ),
    Conversation(
        (
            "When is the weekly introduction to the answer service?",
            "In which room?",
            "Mute an alert: how long?",
        ),
        "monitoring-alerts.html",
        alone=True,
    ),
    Conversation(
        ("Which order are the services stopped in?", "Thanks, that helps.", "And started?"),
        "runbook-start-and-stop.md",
    ),
)
HELD_BACK = (
    Conversation(
        ("What must a refusal say?", "And how long may an answer be?"), "answer-style.txt"
    ),
    Conversation(
        ("How many requests did the finance team make in May 2026?", "And in April?"),
        "usage-by-team-2026-q2.csv",
    ),
    Conversation(
        (
            "How many requests did the finance team make in May 2026?",
            "And in April?",
            "How many were refused?",
        ),
        "usage-by-team-2026-q2.csv",
    ),
    Conversation(("Can I connect from home?", "Which port is that on?"), "network-plan.pdf"),
    Conversation(
        ("Can I connect from home?", "Maximum agent steps?"), "agents-and-tools.md", alone=True
    ),
    Conversation(
        ("What is the grand total of PO-2025-117?", "serial number of the DGX Spark"),
        "delivery-note-scan.pdf",
        alone=True,
    ),
    Conversation(
        ("What is the grand total of PO-2025-117?", "Was anything returned?"),
        "purchase-order-2025-117.pdf",
    ),
    Conversation(
        ("How do we chunk tables that are too long?", "And source code?", "Why?"),
        "chunking-strategies.docx",
    ),
    Conversation(
        (
            "When was spark-01 shut down during the power cut?",
            "And the air conditioning?",
            "Who repaired it?",
        ),
        "2026-06-11-power-cut-scan.pdf",
    ),
    Conversation(
        ("Who is first on call in the week of 3 August?", "What about the second line?"),
        "on-call-roster.xlsx",
    ),
    Conversation(
        (
            "Who is first on call in the week of 3 August?",
            "What about the second line?",
            "And what do they get paid?",
        ),
        "on-call-roster.xlsx",
    ),
    Conversation(
        ("How many kWh did the box use on 13 June?", "Do we use speculative decoding?"),
        "glossary.html",
        alone=True,
    ),
    Conversation(
        ("How many kWh did the box use on 13 June?", "What about 22 June?"),
        "energy-log-2026-06.csv",
    ),
    Conversation(
        ("How often is the index rebuilt?", "What is goodput?"), "glossary.html", alone=True
    ),
    Conversation(
        ("What does an hour of a rented 80 GB GPU cost?", "And training and conferences?"),
        "budget-2026.xlsx",
    ),
    Conversation(
        (
            "What was the availability in the second quarter?",
            "And the time to first token?",
            "How many documents are there?",
        ),
        "2026-07-07-capacity-review.pptx",
    ),
    Conversation(
        ("Why were the visiting researchers turned down?", "Who drafts the criteria for leaving?"),
        "2026-04-14-steering-minutes.docx",
        alone=True,
    ),
    Conversation(
        (
            "What did the supplier want for the second unit?",
            "What did both draw at full load?",
            "So is it worth it?",
        ),
        "two-boxes-benchmark.eml",
    ),
    Conversation(
        (
            "How does the nightly backup copy the catalog?",
            "What is its bandwidth limit?",
            "And its exit code when another is running?",
        ),
        "nightly_backup.sh",
    ),
    Conversation(
        ("There's smoke in the machine room. What do I do?", "How much time do I have to leave?"),
        "machine-room-sign.png",
    ),
)
