"""What a person says to a call that waits for them: approve, edit its arguments, or reject.

Checks the decision against the tool's own schema, keeps it, and lets the run go on. Also lets time run out. Knows
nothing of HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from agents.acting.executor import plain
from agents.records.record_json import Json
from agents.running.runs import Runs
from agents.store.approval_rows import Approval, canonical
from agents.store.approvals import Approvals
from agents.tools import Tool
from corpus.errors import Conflict, UserError
from corpus.identity import Person

__all__ = ["Decisions", "Word"]

Word = Literal["approve", "edit", "reject"]
_LOOK_S = 1.0


class Decisions:
    """Decisions about the runs of one service.

    Args:
        approvals: the table.
        runs: told of each decision.
        tools: those there are, by name, when a decision comes.
    """

    def __init__(
        self, approvals: Approvals, runs: Runs, tools: Callable[[], Mapping[str, Tool]]
    ) -> None:
        self._approvals, self._runs, self._tools = approvals, runs, tools
        self._closing = threading.Event()
        self._clock = threading.Thread(target=self._watch, name="approvals-clock", daemon=True)

    def start(self) -> None:
        """Begin to let approvals expire, about a second after their time."""
        self._clock.start()

    def close(self) -> None:
        """Stop looking at the clock."""
        self._closing.set()
        if self._clock.is_alive():
            self._clock.join()

    def decide(
        self,
        person: Person,
        id: str,
        word: Word,
        arguments: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> Json:
        """Keep a decision; returns the approval as it is now.

        Args:
            person: who decides; only about their own.
            id: the approval.
            word: ``approve``; ``edit``: approve of other ``arguments``; or ``reject``.
            arguments: needed to edit; with ``approve``, what the person saw, which must be what is asked.
            reason: why it is rejected, for the model.

        Raises:
            NotFound: there is no such approval, or it is another person's.
            Conflict: it is not open any more, or the person saw other arguments.
            UserError: the arguments do not fit the tool.
        """
        approval = self._approvals.get(id, person.name)
        used = self._arguments(approval, word, arguments)
        verdict: Literal["approved", "rejected"] = "rejected" if word == "reject" else "approved"
        decided = self._approvals.decide(id, person.name, verdict, used, reason)
        self._runs.decided(decided)
        return decided.to_json()

    def expire(self) -> int:
        """Let what nobody decided in time count as rejected; returns how many."""
        late = self._approvals.expire()
        for approval in late:
            self._runs.decided(approval)
        return len(late)

    def _arguments(
        self, approval: Approval, word: Word, arguments: Mapping[str, Any] | None
    ) -> str | None:
        """The canonical arguments that take the place of those asked for, if any do."""
        if word == "reject" or (word == "approve" and arguments is None):
            return None
        if arguments is None:
            raise UserError("to edit a call, send its new arguments; or approve or reject it")
        if word == "approve":
            if canonical(arguments) != approval.arguments:
                raise Conflict("these are not the arguments that were asked for; use 'edit'")
            return None
        tool = self._tools().get(approval.tool)
        if tool is None:
            raise Conflict(f"there is no tool {approval.tool!r} any more; reject the call")
        return canonical(plain(tool, arguments))

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_S):
            self.expire()
