"""Replies that are data: asked for by schema, checked against it, mended once.

Uses ``response_format``, which every current server takes (vLLM passes over the older
``guided_json`` in silence); a server that refuses it is shown the schema in words. Of several JSON
values in one reply, the first that fits counts. Knows nothing of HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from agents.models.text_calls import json_values
from agents.prompts import Role
from agents.text.thoughts import without_thoughts

__all__ = ["Misfit", "Said", "first_fit", "response_format", "structured"]

M = TypeVar("M", bound=BaseModel)
Said: TypeAlias = Callable[[list[Role]], str]
"""Sends messages and gives the whole reply."""


class Misfit(Exception):
    """No value in a reply fits the schema; the message says why the first one does not."""


def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """The field of a request that makes a server write JSON of this schema and nothing else."""
    named = {"name": schema.__name__, "schema": schema.model_json_schema(), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def structured(messages: Sequence[Role], schema: type[M], say: Said, *, spell_out: bool) -> M:
    """What the model replied, as ``schema``; asked once more, with the fault, if it does not fit.

    Args:
        messages: the conversation.
        schema: what the reply must be.
        say: sends messages.
        spell_out: whether the server does not know the schema, so that the model is told it.

    Raises:
        Misfit: the second reply does not fit either.
    """
    asked = list(messages)
    if spell_out:
        wanted = json.dumps(schema.model_json_schema())
        asked.insert(0, ("system", f"Reply with one JSON value of this schema only: {wanted}"))
    reply = say(asked)
    try:
        return first_fit(reply, schema)
    except Misfit as exc:
        fault = f"That does not fit ({exc}). Reply again with the corrected JSON value only."
        return first_fit(say([*asked, ("assistant", reply), ("user", fault)]), schema)


def first_fit(text: str, schema: type[M]) -> M:
    """The first complete JSON value in ``text`` that ``schema`` accepts; raises ``Misfit``."""
    fault = ""
    for value in json_values(without_thoughts(text)):
        try:
            return schema.model_validate(value)
        except ValidationError as exc:
            first = exc.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            fault = fault or f"{place or 'the value'}: {first['msg']}"
    raise Misfit(fault or "there is no complete JSON value in it")
