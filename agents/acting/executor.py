"""The one place where a call of the agent's model is carried out.

Whatever a graph or a model does, a tool that writes or leaves the machine is executed here only when the table of
approvals holds this very run, call, tool and arguments as approved, and then once: the row is moved to executing,
durably, before anything happens. A call that nobody was asked about comes back as the question to ask.

After a crash in the middle, a tool that is ``repeatable`` runs again under the same ``Desk.key``, so that its effect
is there once; any other is never run again, and everybody is told that it may or may not have happened. Knows
nothing of LangChain or of who decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from agents.acting.budgets import Budget
from agents.acting.planning import PLAN
from agents.records.record_json import Json
from agents.records.steps import ApprovalAsked
from agents.settings import AgentSettings
from agents.store.approval_rows import Approval, approval_id, canonical, expires_in
from agents.store.approvals import Approvals
from agents.tools import Desk, Tool
from corpus.crash import CallPoint, crash_point
from corpus.errors import AlcoveError, Conflict, InternalError, NotAllowed

__all__ = ["Executor", "Used", "plain"]


@dataclass(frozen=True, slots=True)
class Used:
    """What a call gave; ``ok`` is false when ``text`` says why it gave nothing."""

    text: str
    ok: bool = True


class Executor:
    """Carries out the calls of one run.

    Args:
        desk: what its tools may reach.
        budget: what they may cost.
        settings: how long a result may be, and how long a person may take.
        approvals: the table; ``None`` where nobody can be asked.
        run: the run's id in that table.
    """

    def __init__(
        self,
        desk: Desk,
        budget: Budget,
        settings: AgentSettings,
        approvals: Approvals | None = None,
        run: str = "",
    ) -> None:
        self._desk, self._budget, self._settings = desk, budget, settings
        self._approvals, self._run = approvals, run

    def use(self, tool: Tool, arguments: Mapping[str, Any], call: str) -> Used | ApprovalAsked:
        """Carry out a call, or say what a person must be asked first.

        Args:
            tool: which.
            arguments: as the model gave them.
            call: names the call within the run; empty for one that cannot be named.

        Raises:
            InternalError: a bug of ours. Everything else that goes wrong is said to the model.
        """
        try:
            if tool.needs_approval:
                return self._approved(tool, arguments, call)
            if tool is not PLAN:
                self._budget.spend(tool.name, arguments)
            return Used(self._given(tool, arguments, call))
        except InternalError:
            raise
        except AlcoveError as exc:
            return Used(str(exc), ok=False)

    def _approved(
        self, tool: Tool, arguments: Mapping[str, Any], call: str
    ) -> Used | ApprovalAsked:
        if self._approvals is None or not self._run or not call:
            raise NotAllowed(
                f"the tool {tool.name!r} needs a person's approval, and nobody can be asked here;"
                " go on without it"
            )
        wanted = plain(tool, arguments)
        approval = self._approvals.of_call(self._run, call)
        if approval is None:
            self._budget.spend(tool.name, arguments)
            return self._question(tool, wanted, call)
        if (approval.tool, approval.wanted) != (tool.name, canonical(wanted)):
            raise NotAllowed(f"this is not the call of {tool.name!r} that was asked about")
        if approval.state == "asked":
            return self._question(tool, wanted, call)
        return self._as_decided(self._approvals, tool, approval)

    def _question(self, tool: Tool, wanted: Json, call: str) -> ApprovalAsked:
        labels = tuple(sorted(str(label) for label in tool.labels))
        expires = expires_in(self._settings.approval_s)
        id = approval_id(self._run, call)
        return ApprovalAsked(id, call, tool.name, wanted, labels, expires)

    def _as_decided(self, approvals: Approvals, tool: Tool, approval: Approval) -> Used:
        if approval.state in ("rejected", "expired"):
            return Used(_declined(approval), ok=False)
        if approval.state == "executing" and not tool.repeatable:
            approvals.lose(approval.id)  # another process began, and died or is dying
        if approval.state == "approved" or (approval.state == "executing" and tool.repeatable):
            return self._executed(approvals, tool, approval)
        ended = approvals.of_call(approval.run, approval.call) or approval
        return Used(ended.result or "", bool(ended.ok))

    def _executed(self, approvals: Approvals, tool: Tool, approval: Approval) -> Used:
        """Carry out exactly what was approved, not what the model may say by now."""
        a = approval
        if a.state == "approved" and not approvals.begin(a.id, a.run, a.call, a.tool, a.arguments):
            raise Conflict(f"this call of {tool.name!r} is not approved any more; go on without it")
        crash_point(CallPoint.BEGUN)
        try:
            used = Used(self._given(tool, json.loads(a.arguments), a.id))
        except InternalError:
            raise
        except AlcoveError as exc:
            used = Used(str(exc), ok=False)
        if a.edited:
            used = replace(used, text=f"The person changed the call to {a.arguments}. {used.text}")
        crash_point(CallPoint.DONE)
        approvals.finish(a.id, used.text, used.ok)
        crash_point(CallPoint.FINISHED)
        return used

    def _given(self, tool: Tool, arguments: Mapping[str, Any], key: str) -> str:
        """The tool's result: bounded, and with a hint when it only showed what was known."""
        before = len(self._desk.passages)
        desk = replace(self._desk, key=key, snapshot=0, seen=[])
        text = _bounded(tool(arguments, desk), self._settings.result_characters)
        if not desk.snapshot and not desk.seen:
            return text
        self._desk.snapshot = max(self._desk.snapshot, desk.snapshot)
        new = any(passage.number > before for passage in desk.seen)
        hint = self._budget.searched(new)
        return f"{text}\n\n{hint}" if hint else text


def plain(tool: Tool, arguments: Mapping[str, Any]) -> Json:
    """Checked arguments as plain JSON values, with those that were left out; raises ``UserError``."""
    checked = tool.check(arguments)
    return checked.model_dump(mode="json") if isinstance(checked, BaseModel) else dict(arguments)


def _declined(approval: Approval) -> str:
    if approval.state == "expired":
        return "Nobody approved of this in time, so it was not done. Go on without it."
    why = f": {approval.reason}" if approval.reason else ""
    return f"The person declined this{why}. It was not done; do not try it again, go on without it."


def _bounded(text: str, most: int) -> str:
    """A text cut where a paragraph ends, which is where a passage does."""
    if len(text) <= most:
        return text
    at = text.rfind("\n\n", 0, most)
    kept = text[: at if at > most // 2 else most]
    return f"{kept}\n\n(The rest of this result was too long: {len(text) - len(kept)} characters.)"
