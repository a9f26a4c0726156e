"""One approval as a row, and what happens to approvals inside the transactions of a run.

A run that begins to wait stores what it asks for in the transaction that makes it wait, and one that ends closes
what is open in the transaction that ends it. Every change leaves its entry in the audit log, in the same
transaction. ``agents.store.approvals`` has the states and who may decide. Knows nothing of tools.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from agents.records.record_json import Json
from agents.records.steps import ApprovalAsked, ApprovalDecided, Step, ToolResult
from agents.store.audit import record, told
from agents.store.chat_tables import now, one
from corpus.errors import UserError

__all__ = [
    "RAN_OUT",
    "ROWS",
    "Approval",
    "add_asked",
    "approval_id",
    "approval_of",
    "canonical",
    "close_open",
    "decision_of",
    "expires_in",
    "lose",
    "note",
    "owner_of",
    "unsettled",
    "untold",
]

RAN_OUT = "The service stopped while this was being done: it may or may not have happened; check."
"""What is said of an execution that was cut off."""
ROWS = (
    "SELECT a.*, r.thread, t.owner FROM approvals a"
    " JOIN runs r ON r.id = a.run JOIN threads t ON t.id = r.thread"
)
"""A query for approvals, to which a WHERE is added; ``approval_of`` reads its rows."""
_SETTLED = ("executed", "unknown")


@dataclass(frozen=True, slots=True)
class Approval:
    """One row. ``wanted`` and ``arguments`` are canonical JSON; times are ISO 8601 in UTC."""

    id: str
    run: str
    call: str
    tool: str
    wanted: str
    arguments: str
    labels: tuple[str, ...]
    state: str
    asked: str
    expires: str
    decided: str | None
    decided_by: str | None
    reason: str
    result: str | None
    ok: bool | None
    thread: str
    owner: str

    @property
    def edited(self) -> bool:
        """Whether the person changed the arguments."""
        return self.wanted != self.arguments

    def to_json(self) -> Json:
        """Plain JSON values, as the API gives them."""
        names = ("id", "run", "thread", "call", "tool", "state", "asked", "expires", "decided")
        return {
            **{name: getattr(self, name) for name in (*names, "reason", "result", "ok")},
            "arguments": json.loads(self.arguments),
            "labels": list(self.labels),
        }


def canonical(arguments: Mapping[str, Any]) -> str:
    """Arguments as the one JSON text that stands for them; raises ``UserError`` for NaN and infinity."""
    try:
        return json.dumps(
            arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except ValueError as exc:
        raise UserError(f"the arguments cannot be written as JSON ({exc}); correct them") from exc


def approval_id(run: str, call: str) -> str:
    """The id of a call's approval, the same whenever the call is come to again."""
    return hashlib.sha256(f"{run}\n{call}".encode()).hexdigest()[:32]


def expires_in(seconds: float) -> str:
    """The time so many seconds from now, as approvals keep it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def add_asked(db: sqlite3.Connection, run: str, steps: Iterable[ApprovalAsked]) -> None:
    """Within the transaction that makes a run wait: what it waits for."""
    for step in steps:
        wanted = canonical(step.arguments)
        done = db.execute(
            "INSERT OR IGNORE INTO approvals"
            " (id, run, call, tool, wanted, arguments, labels, asked, expires)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(step.id, run, step.call, step.tool, wanted, wanted),
                *(json.dumps(step.labels), now(), step.expires),
            ),
        )
        if done.rowcount:
            note(db, owner_of(db, step.id), "asked", step.id)


def close_open(db: sqlite3.Connection, run: str) -> None:
    """Within the transaction that ends a run: nothing of it can be decided or executed any more."""
    query = "SELECT id FROM approvals WHERE run = ? AND state IN ('asked', 'approved')"
    for row in db.execute(query, (run,)).fetchall():
        db.execute(
            "UPDATE approvals SET state = 'rejected', reason = 'its run ended', decided = ?"
            " WHERE id = ?",
            (now(), row["id"]),
        )
        note(db, owner_of(db, row["id"]), "rejected", row["id"])
    lose(db, "run = ?", run)


def unsettled(db: sqlite3.Connection, run: str) -> bool:
    """Whether a run has an approval whose result its events do not tell yet."""
    query = (
        "SELECT 1 FROM approvals a WHERE a.run = ? AND NOT EXISTS (SELECT 1 FROM events e"
        " WHERE e.run = a.run AND json_extract(e.body, '$.kind') = 'tool_result'"
        " AND json_extract(e.body, '$.id') = a.call)"
    )
    return db.execute(query, (run,)).fetchone() is not None


def untold(approvals: Sequence[Approval], told: Sequence[Step]) -> list[Step]:
    """The steps about some approvals that are not among those told, because the service died first."""
    decided = {step.id for step in told if isinstance(step, ApprovalDecided)}
    results = {step.id for step in told if isinstance(step, ToolResult)}
    steps: list[Step] = []
    for approval in approvals:
        if approval.state != "asked" and approval.id not in decided:
            steps.append(decision_of(approval))
        if approval.state in _SETTLED and approval.call not in results:
            text, ok = approval.result or RAN_OUT, bool(approval.ok)
            steps.append(ToolResult(approval.call, approval.tool, text, ok))
    return steps


def decision_of(approval: Approval) -> ApprovalDecided:
    """The step that tells of a decision."""
    verdict: Literal["approved", "rejected", "expired"] = "approved"
    if approval.state == "rejected":
        verdict = "rejected"
    elif approval.state == "expired":
        verdict = "expired"
    return ApprovalDecided(approval.id, verdict, json.loads(approval.arguments))


def approval_of(row: sqlite3.Row) -> Approval:
    """The approval in a row of ``ROWS``."""
    values = dict(row)
    values["labels"] = tuple(json.loads(values["labels"]))
    values["ok"] = None if values["ok"] is None else bool(values["ok"])
    return Approval(**values)


def owner_of(db: sqlite3.Connection, id: str) -> str:
    """Whose thread an approval is in."""
    return str(one(db, f"{ROWS} WHERE a.id = ?", id, "approval")["owner"])


def note(db: sqlite3.Connection, person: str, what: str, id: str) -> None:
    """Add to the audit log what just became of an approval."""
    approval = approval_of(one(db, f"{ROWS} WHERE a.id = ?", id, "approval"))
    details = {
        "approval": id,
        "thread": approval.thread,
        "tool": approval.tool,
        **told(json.loads(approval.arguments), approval.labels),
        "edited": approval.edited,
        "reason": approval.reason,
    }
    record(db, person, f"tool.{what}", details)


def lose(db: sqlite3.Connection, where: str, key: str) -> None:
    """Mark the executions that fit as cut off; ``where`` is SQL with one parameter, ``key``."""
    query = f"SELECT id FROM approvals WHERE {where} AND state = 'executing'"
    for row in db.execute(query, (key,)).fetchall():
        query = "UPDATE approvals SET state = 'unknown', result = ?, ok = 0 WHERE id = ?"
        db.execute(query, (RAN_OUT, row["id"]))
        note(db, owner_of(db, row["id"]), "unknown", row["id"])
