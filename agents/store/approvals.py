"""Approvals: what a person was asked before a tool writes or leaves the machine, and what became of it.

One row per call of a run, with the arguments as the model wanted them and as they may be used. States::

    asked ── approved ── executing ── executed      (its result is kept, and given again if asked for again)
      │          │            └────── unknown       the process died meanwhile: it may or may not have happened
      ├── rejected (also: the run ended first)
      └── expired

Every step is one durable transaction with its entry in the audit log, and each is only possible from the state
before it: two decisions, or two executions, of one approval cannot both succeed. Knows nothing of tools or runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from agents.store.approval_rows import ROWS, Approval, approval_of, lose, note, owner_of
from agents.store.chat_tables import ChatTables, now, one
from corpus.crash import CallPoint, crash_point
from corpus.errors import Conflict

__all__ = ["Approvals"]

_SHOWN = ROWS.replace("JOIN threads", "JOIN shown_threads")  # what a person reads


class Approvals:
    """The approvals of one home. Safe to use from several threads and processes."""

    def __init__(self, tables: ChatTables) -> None:
        self._tables = tables

    def of_call(self, run: str, call: str) -> Approval | None:
        """The approval of one call, if its person was asked."""
        query = f"{ROWS} WHERE a.run = ? AND a.call = ?"
        with self._tables.transaction() as db:
            row = db.execute(query, (run, call)).fetchone()
        return approval_of(row) if row else None

    def of_run(self, run: str) -> list[Approval]:
        """All approvals of a run, in the order in which they were asked for."""
        with self._tables.transaction() as db:
            rows = db.execute(f"{ROWS} WHERE a.run = ? ORDER BY a.rowid", (run,)).fetchall()
        return [approval_of(row) for row in rows]

    def of_person(self, owner: str, state: str | None = None) -> list[Approval]:
        """The approvals in a person's threads, the oldest first; of one state, or of all."""
        query = f"{_SHOWN} WHERE t.owner = ? AND ? IN (a.state, '') ORDER BY a.asked, a.rowid"
        with self._tables.transaction() as db:
            rows = db.execute(query, (owner, state or "")).fetchall()
        return [approval_of(row) for row in rows]

    def get(self, id: str, owner: str) -> Approval:
        """One approval of a person; raises ``NotFound`` when there is none or it is another's."""
        with self._tables.transaction() as db:
            query = f"{_SHOWN} WHERE a.id = ? AND t.owner = ?"
            return approval_of(one(db, query, id, "approval", owner))

    def decide(
        self,
        id: str,
        owner: str,
        verdict: Literal["approved", "rejected"],
        arguments: str | None = None,
        reason: str = "",
    ) -> Approval:
        """Keep a person's decision.

        Args:
            id: the approval.
            owner: who decides, in whose thread it must be.
            verdict: what they say.
            arguments: canonical JSON to be used in place of what was asked; ``None``: as asked.
            reason: why, for the model and the log.

        Raises:
            NotFound: there is none, or it is another person's.
            Conflict: it was decided before, has expired, or its run has ended.
        """
        before = self.get(id, owner)
        with self._tables.transaction() as db:
            done = db.execute(
                "UPDATE approvals SET state = ?, arguments = coalesce(?, arguments), reason = ?,"
                " decided = ?, decided_by = ? WHERE id = ? AND state = 'asked' AND expires > ?",
                (verdict, arguments, reason, now(), owner, id, now()),
            )
            if done.rowcount:
                note(db, owner, verdict, id)
        crash_point(CallPoint.DECIDED)
        after = self.get(id, owner)
        if not done.rowcount:
            raise Conflict(_not_open(before if before.state != "asked" else after))
        return after

    def begin(self, id: str, run: str, call: str, tool: str, arguments: str) -> bool:
        """Move from approved to executing, durably; true for exactly one caller, ever.

        Everything must be as it was approved: the run, its call, the tool and its canonical arguments.
        """
        with self._tables.transaction() as db:
            done = db.execute(
                "UPDATE approvals SET state = 'executing' WHERE id = ? AND run = ? AND call = ?"
                " AND tool = ? AND arguments = ? AND state = 'approved'",
                (id, run, call, tool, arguments),
            )
            if done.rowcount:
                note(db, owner_of(db, id), "executing", id)
        return done.rowcount == 1

    def finish(self, id: str, text: str, ok: bool) -> None:
        """Keep what an execution gave."""
        with self._tables.transaction() as db:
            done = db.execute(
                "UPDATE approvals SET state = 'executed', result = ?, ok = ?"
                " WHERE id = ? AND state = 'executing'",
                (text, ok, id),
            )
            if done.rowcount:
                note(db, owner_of(db, id), "executed" if ok else "executed in vain", id)

    def lose(self, id: str) -> None:
        """Say of an execution that was cut off that nobody knows whether it happened."""
        with self._tables.transaction() as db:
            lose(db, "id = ?", id)

    def expire(self) -> list[Approval]:
        """Let what nobody decided in time count as rejected; returns those that expired now."""
        with self._tables.transaction() as db:
            query = f"{ROWS} WHERE a.state = 'asked' AND a.expires <= ?"
            late = [approval_of(row) for row in db.execute(query, (now(),)).fetchall()]
            for approval in late:
                query = "UPDATE approvals SET state = 'expired', decided = ? WHERE id = ?"
                db.execute(query, (now(), approval.id))
                note(db, approval.owner, "expired", approval.id)
        return [replace(approval, state="expired") for approval in late]

    def is_waiting(self, run: str) -> bool:
        """Whether a run still waits for a person."""
        with self._tables.transaction() as db:
            query = "SELECT 1 FROM approvals WHERE run = ? AND state = 'asked'"
            return db.execute(query, (run,)).fetchone() is not None


def _not_open(approval: Approval) -> str:
    said = {
        "rejected": "was rejected",
        "expired": "has expired",
        "asked": "has expired",
    }.get(approval.state, "was approved")
    return f"approval {approval.id!r} {said} already; ask the agent again if you want it"
