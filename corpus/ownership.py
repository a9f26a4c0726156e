"""Whose a collection is: a person's collections are called ``name/…``, theirs alone to change, private at first.

A name space for each person keeps two from clashing, and keeps a refusal from telling what somebody else has: whether
a person may write to a collection is decided by its name, and by rows in their own name space. The owner of the
machine may write anywhere. Works on the tables of ``corpus.rows``; knows nothing of keys or HTTP.
"""

from __future__ import annotations

import json

from corpus.database import Database
from corpus.errors import Conflict, NotAllowed
from corpus.identity import Person

__all__ = ["claim", "namespace", "own_collection", "owns", "require_free_namespace"]


def namespace(name: str) -> str:
    """What the names of a person's collections begin with."""
    return f"{name}/"


def own_collection(person: Person, collection: str) -> str:
    """The stored name of the collection that a person means when they want to write to it.

    ``papers`` and ``ada/papers`` are the same to Ada; the owner of the machine names every collection in full.

    Raises:
        NotAllowed: it is in somebody else's name space, whether or not it exists.
    """
    if person.is_owner or collection.startswith(namespace(person.name)):
        return collection
    if "/" in collection:
        raise NotAllowed(
            f"{collection[:80]!r} is not yours to change; name a collection of your own,"
            f" such as {namespace(person.name) + 'papers'!r}"
        )
    return namespace(person.name) + collection


def claim(catalog: Database, person: Person, collection: str) -> None:
    """Make a collection in a person's name space theirs and private, unless it is theirs already.

    Raises:
        Conflict: the owner of the machine has made it, and not for them.
    """
    if person.is_owner:
        return
    values = {"name": collection, "readers": json.dumps([person.name]), "owner": person.name}
    with catalog.transaction() as db:
        db.execute(
            """INSERT INTO collections (name, readers, owner) SELECT :name, :readers, :owner
               WHERE NOT EXISTS (SELECT 1 FROM documents WHERE collection = :name AND removed IS NULL)
               ON CONFLICT (name) DO NOTHING""",
            values,
        )
        row = db.execute("SELECT owner FROM collections WHERE name = :name", values).fetchone()
    if row is None or row["owner"] != person.name:
        raise Conflict(
            f"the collection {collection!r} was made by the owner of this machine; take another name"
        )


def owns(catalog: Database, person: Person, collection: str) -> bool:
    """Whether a person may change a collection."""
    if person.is_owner:
        return True
    row = catalog.row("SELECT owner FROM collections WHERE name = :name", {"name": collection})
    return row is not None and row["owner"] == person.name


def require_free_namespace(catalog: Database, name: str) -> None:
    """Refuse a name whose name space holds collections that the owner of the machine made.

    Raises:
        Conflict: there is one; its name is in the message.
    """
    row = catalog.row(
        """SELECT name FROM (SELECT name, owner FROM collections
           UNION ALL SELECT collection, '' FROM documents WHERE removed IS NULL
           AND collection NOT IN (SELECT name FROM collections))
           WHERE substr(name, 1, :length) = :space AND owner <> :owner LIMIT 1""",
        {"space": namespace(name), "length": len(namespace(name)), "owner": name},
    )
    if row is not None:
        raise Conflict(
            f"the collection {row['name']!r} is the owner's and would be in the name space of {name!r};"
            " choose another name"
        )
