"""The commands ``users`` and ``memories``: who may use the service, and what is remembered.

They work on the home directly, as the owner of the machine.
"""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.errors import UserError
from corpus.identity import OWNER
from ui.commands.console import show_json, show_table, write
from ui.commands.options import HomeOption, JsonOption, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from agents.build import App
    from agents.forgetting import Belongings
    from agents.people.identity import Users
    from agents.store.memory import Chats

__all__ = ["memories_app", "users_app"]

users_app = typer.Typer(help="Who may use the service, each with a key.")
memories_app = typer.Typer(help="What is remembered about you.")

NameArgument = Annotated[str, typer.Argument(help="A user's name.")]
IdArgument = Annotated[str, typer.Argument(help="A memory's id.")]
TextArgument = Annotated[str, typer.Argument(help="What is to be remembered.")]
UserOption = Annotated[str, typer.Option("--user", help="Somebody else's; none: the owner's.")]


@users_app.command("add")
def add_user(
    name: NameArgument,
    owner: Annotated[
        bool, typer.Option("--owner", help="They act as the owner of the machine.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody in, and show their key, once."""
    from corpus.catalog import Catalog
    from corpus.home import Home
    from corpus.ownership import require_free_namespace

    if not owner:
        with closing(Catalog(Home(load_settings(home).corpus.home))) as catalog:
            require_free_namespace(catalog.database, name)
    users = _users(home)
    key = users.add(name, owner)
    _audit(home, "user.added", name)
    _show_key(name, key, as_json)
    if not as_json and not any(account.owner for account in users.accounts()):
        write("Nobody has the owner's key yet; `alcove users add NAME --owner` makes one.")


@users_app.callback(invoke_without_command=True)
def users(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Who may use the service, each with a key."""
    if context.invoked_subcommand is None:
        list_users(home, as_json)


@users_app.command("list")
def list_users(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Everybody who has a key."""
    rows = [
        {"name": a.name, "owner": a.owner, "key": a.key, "created": a.created}
        for a in _users(home).accounts()
    ]
    if as_json:
        show_json({"users": rows})
        return
    shown = [[r["name"], "yes" if r["owner"] else "", f"{r['key']}…", r["created"]] for r in rows]
    show_table(("name", "owner", "key", "created"), shown)


@users_app.command("rotate")
def rotate_key(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Give somebody a new key, and show it, once; the old one is good for nothing from now on."""
    key = _users(home).rotate(name)
    _audit(home, "user.rotated", name)
    _show_key(name, key, as_json)


@users_app.command("remove")
def remove_user(
    name: NameArgument,
    forget: Annotated[
        bool, typer.Option("--forget", help="Delete all that is theirs, for good, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody in no more; what is theirs stays, unless it is to be forgotten."""
    from agents.build import build
    from agents.forgetting import belongings

    app = build(load_settings(home))
    try:
        theirs = belongings(app, name)
        if forget:
            _forget(app, name, theirs, yes, as_json)
            return
        app.users.remove(name)
        app.chats.audit(OWNER, "user.removed", {"user": name})
    finally:
        app.close()
    if as_json:
        show_json({"removed": name})
        return
    write(f"{name!r} has no key any more.")
    if theirs.any:
        write(
            f"What is theirs stays, for a user of the same name: {theirs}."
            f" `alcove users remove {name} --forget` deletes it."
        )


def _forget(app: App, name: str, theirs: Belongings, yes: bool, as_json: bool) -> None:
    """Take somebody's key, if they still have one, and all that is theirs."""
    from agents.forgetting import forget_person

    account = next((a for a in app.users.accounts() if a.name == name), None)
    if account is not None and account.owner:
        raise UserError(
            f"{name!r} acts as the owner of the machine, whose things are not forgotten at once;"
            " remove the key without --forget"
        )
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise UserError(f"this deletes {theirs}, for good; add --yes if that is meant")
        typer.confirm(f"Delete {theirs}, for good?", abort=True, err=True)
    if account is not None or not theirs.any:
        app.users.remove(name)  # first, so that nothing is added meanwhile
        app.chats.audit(OWNER, "user.removed", {"user": name})
    gone = forget_person(app, name)
    app.chats.audit(OWNER, "user.forgotten", {"user": name})
    if as_json:
        counts = {**asdict(gone), "documents": len(gone.documents)}
        show_json({"removed": name, "forgotten": counts})
    else:
        write(f"{name!r} has no key any more, and {gone} were deleted. The audit log stays.")


@memories_app.callback(invoke_without_command=True)
def memories(
    context: typer.Context,
    user: UserOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is remembered about you."""
    if context.invoked_subcommand is None:
        list_memories(user, home, as_json)


@memories_app.command("list")
def list_memories(
    user: UserOption = "", home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Everything that is remembered, the last changed first."""
    with closing(_chats(home)) as chats:
        entries = chats.memories.memories(user)
    if as_json:
        show_json({"memories": [asdict(entry) for entry in entries]})
        return
    rows = [[e.id, e.updated[:10], e.source[:8], " ".join(e.text.split())] for e in entries]
    show_table(("id", "changed", "source", "text"), rows)


@memories_app.command("add")
def add_memory(
    text: TextArgument,
    user: UserOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have something remembered."""
    from agents.web_api.routes_memories import YOU

    with closing(_chats(home)) as chats:
        entry = chats.memories.remember(user, text, YOU)
    show_json(asdict(entry)) if as_json else write(f"Remembered as {entry.id}.")


@memories_app.command("edit")
def edit_memory(
    id: IdArgument,
    text: TextArgument,
    user: UserOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put other words in a memory's place."""
    with closing(_chats(home)) as chats:
        entry = chats.memories.edit(user, id, text)
    show_json(asdict(entry)) if as_json else write("Changed.")


@memories_app.command("delete")
def delete_memory(
    id: IdArgument, user: UserOption = "", home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Forget something, for good."""
    with closing(_chats(home)) as chats:
        chats.memories.delete(user, id)
    show_json({"deleted": id}) if as_json else write("Forgotten.")


def _users(home: Path | None) -> Users:
    from agents.people.identity import Users
    from corpus.home import Home

    return Users(Home(load_settings(home).corpus.home))


def _chats(home: Path | None) -> Chats:
    from agents.store.memory import Chats
    from corpus.home import Home

    return Chats(Home(load_settings(home).corpus.home))


def _audit(home: Path | None, action: str, name: str) -> None:
    with closing(_chats(home)) as chats:
        chats.audit(OWNER, action, {"user": name})


def _show_key(name: str, key: str, as_json: bool) -> None:
    if as_json:
        show_json({"name": name, "key": key})
        return
    write(f"The key of {name!r}, which is shown only now:\n\n  {key}\n")
    write("Programs send it as 'Authorization: Bearer KEY'; the page asks for it.")
