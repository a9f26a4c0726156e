"""The command ``bench llm``: a language model server under the load of a document chat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import ModelUnavailable, UserError
from eval.options import Json

if TYPE_CHECKING:
    from eval.load.client import Server
    from eval.load.prompts import Prompt
    from serving.plan.speed import Speed

__all__ = ["llm"]

_SEED = 20240229
_EACH = 5  # requests of each user at least: fewer are waves that begin and end together


def llm(
    url: Annotated[str, typer.Argument(help="The server, ending in /v1.")],
    model: Annotated[str, typer.Option(help="Its model; default: the first it lists.")] = "",
    users: Annotated[str, typer.Option(help="Numbers of users at once.")] = "1,2,5,10,32,128",
    rates: Annotated[
        str, typer.Option(help="Requests due a second, whatever the server does: 0.5,1,2.")
    ] = "",
    requests: Annotated[
        int, typer.Option(min=1, help="Of each level; at least five for each user.")
    ] = 30,
    seconds: Annotated[float, typer.Option(min=1, help="At most, for each number of users.")] = 120,
    prompt_tokens: Annotated[
        int, typer.Option(min=1, help="About; the server's count is told.")
    ] = 1500,
    answer_tokens: Annotated[int, typer.Option(min=2, help="Of each answer.")] = 200,
    documents: Annotated[
        Path | None, typer.Option(help="Folder of texts for the passages; default: the sample.")
    ] = None,
    plan: Annotated[
        str, typer.Option(help="A model as `alcove plan` takes it: shares of its ceilings.")
    ] = "",
    machine: Annotated[str, typer.Option(help="For --plan; default: this one.")] = "",
    form: Annotated[str, typer.Option("--format", help="For --plan.")] = "",
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Say in the report that they are.")
    ] = False,
    against: Annotated[Path | None, typer.Option(help="Compare with this earlier report.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write report.json, report.md and plot.html there.")
    ] = None,
    api_key: Annotated[str, typer.Option(envvar="ALCOVE_LLM__API_KEY", help="Of the server.")] = "",
    as_json: Json = False,
) -> None:
    """First token, time between tokens, whole answers and tokens a second, for each number of users."""
    from eval.load.client import Server
    from eval.load.prompts import prompts
    from eval.load.report import compared, load_report, markdown, plot, read_report, shares

    earlier = read_report(against) if against else None
    ceilings = _ceilings(plan, machine, form) if plan else None
    counts, due = _numbers(users, "--users", int), _numbers(rates, "--rates", float)
    found_model = model or _served(url, api_key)
    server = Server(url.rstrip("/"), found_model, api_key, answer_tokens)
    asked = prompts(prompt_tokens, _SEED, documents)
    levels = list(_measure(server, asked, counts, due, requests, seconds))
    if ceilings is not None:
        for level in levels:
            level.update(shares(level, ceilings(level.get("users") or 1)))
    about = {"url": server.url, "model": found_model, "answer_tokens": answer_tokens}
    report = load_report({**about, "planned_for": plan or None}, levels, random_weights)
    if earlier is not None:
        report["against"] = {"model": earlier.get("model"), "levels": compared(earlier, report)}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        (out / "report.md").write_text(markdown(report))
        if page := plot(report):
            (out / "plot.html").write_text(page)
    print(json.dumps(report) if as_json else _said(report, markdown(report)))


def _measure(
    server: Server,
    asked: Iterator[Prompt],
    counts: list[int],
    due: list[float],
    requests: int,
    seconds: float,
) -> Iterator[dict[str, Any]]:
    """Each level's figures, after one request that is not counted."""
    from eval.load.client import at_rate, fixed_users
    from eval.load.figures import Level

    (first,) = fixed_users(server, asked, 1, 1, seconds)
    if first.error:
        raise ModelUnavailable(f"{server.model!r} at {server.url!r} did not answer: {first.error}")
    for users in counts:
        samples = fixed_users(server, asked, users, max(requests, _EACH * users), seconds)
        yield Level(users, None, samples).json()
    for rate in due:
        yield Level(0, rate, at_rate(server, asked, rate, requests, _SEED)).json()


def _ceilings(model: str, machine: str, form: str) -> Callable[[int], Speed]:
    """The ceilings of a plan by its number of users; what cannot be planned is said before it is measured."""
    from serving.formats import weight_format
    from serving.machines import detect
    from serving.machines import machine as named
    from serving.plan.memory import Load
    from serving.plan.planner import plan
    from serving.plan.speed import speed_of
    from serving.specs.reading import read_spec

    spec, there = read_spec(model), named(machine) if machine else detect()
    chosen = weight_format(form).name if form else None
    taken = plan(spec, there, Load(users=1, context=2048), chosen)
    return lambda users: speed_of(spec, taken.form, there, Load(users=users))


def _served(url: str, api_key: str) -> str:
    from agents.models.discover import ask_server

    server = ask_server(url.rstrip("/"), 5.0, api_key)
    if server is None:
        raise ModelUnavailable(
            f"the server at {url!r} does not list its models; start it, check that the URL ends in"
            " /v1, or give --model"
        )
    return server.model


def _numbers(text: str, option: str, kind: type) -> list[Any]:
    """Numbers above 0, separated by commas."""
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        try:
            number = kind(part)
        except ValueError:
            number = 0
        if not 0 < number < 10_000:
            raise UserError(f"{option} holds {part!r}; write numbers above 0, such as 1,2,5")
        found.append(number)
    return found


def _said(report: dict[str, Any], tables: str) -> str:
    lines = [tables]
    for row in report.get("against", {}).get("levels", ()):
        words = [f"{key.removesuffix('_ratio')} x {value}" for key, value in row.items()
                 if key.endswith("_ratio") and value is not None]  # fmt: skip
        lines.append(f"against {report['against']['model']}, {row['level']}: " + ", ".join(words))
    return "\n".join(lines)
