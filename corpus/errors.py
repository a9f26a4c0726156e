"""Every error Alcove raises on purpose, named by who can act on it.

    AlcoveError
    ├── UserError               the person: a wrong word, path or question          exit 2, HTTP 400
    │   ├── NotFound            what was named does not exist                       exit 2, HTTP 404
    │   ├── Conflict            it cannot be done in the present state              exit 2, HTTP 409
    │   ├── NotAllowed          the owner of this machine has not allowed it        exit 2, HTTP 403
    │   └── NotSignedIn         a key is needed, and none or a wrong one was given  exit 2, HTTP 401
    ├── FileProblem             one input file; ends as that file's state           exit 1
    ├── OperatorError           the machine or its set-up                           exit 3, HTTP 503
    │   ├── DiskFull            no space left; the last snapshot keeps serving
    │   ├── MissingExtra        an optional package is not installed
    │   ├── FingerprintMismatch index and query were embedded in different spaces
    │   ├── Damaged             a stored file no longer matches its checksum
    │   └── Overloaded          more is asked at once than can be done          HTTP 429
    │       ├── DeadlinePassed  the request waited too long for its turn        HTTP 503
    │       └── NotReady        models and index are still being loaded         HTTP 503
    ├── ModelError              the language model or its server                    exit 3, HTTP 502
    │   ├── ModelUnavailable    refused, unreachable or overloaded
    │   ├── ModelTimeout        a deadline passed
    │   └── ModelBroke          it was cut off or spoke nonsense
    └── InternalError           us: a bug; please report it                         exit 3, HTTP 500

A message is one sentence that names the thing with ``!r`` and says what to do. Errors of libraries are mapped
to these once, where they enter, with ``from exc``. This module knows nothing of any framework.
"""

from __future__ import annotations

__all__ = [
    "AlcoveError",
    "Conflict",
    "Damaged",
    "DeadlinePassed",
    "DiskFull",
    "FileProblem",
    "FingerprintMismatch",
    "InternalError",
    "MissingExtra",
    "ModelBroke",
    "ModelError",
    "ModelTimeout",
    "ModelUnavailable",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "NotSignedIn",
    "OperatorError",
    "Overloaded",
    "UserError",
    "error_class",
]


class AlcoveError(Exception):
    """Base of every deliberate error; ``exit_status`` and ``http_status`` say how it leaves the program."""

    exit_status = 3
    http_status = 500


class UserError(AlcoveError):
    """Something the person asked for is wrong and can be put right by asking differently."""

    exit_status = 2
    http_status = 400


class NotFound(UserError):
    """What was named does not exist (or is not theirs: the answer is the same)."""

    http_status = 404


class Conflict(UserError):
    """What was asked cannot be done in the present state."""

    http_status = 409


class NotAllowed(UserError):
    """What was asked needs a setting that only the owner of the machine can make."""

    http_status = 403


class NotSignedIn(UserError):
    """The service asks for an API key, and none came, or one that it does not know."""

    http_status = 401


class FileProblem(AlcoveError):
    """One input file could not be (fully) read.

    Args:
        state: the named state the file ends in (a member of ``corpus.records.State``).
        reason: one sentence in plain words.
    """

    exit_status = 1
    http_status = 422

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason

    def __reduce__(self) -> tuple[type[FileProblem], tuple[str, str]]:
        return type(self), (self.state, self.reason)  # both arguments survive a process boundary


class OperatorError(AlcoveError):
    """The machine or its set-up stands in the way."""

    http_status = 503


class DiskFull(OperatorError):
    """No space left on the device; nothing acknowledged is lost."""

    http_status = 507


class MissingExtra(OperatorError):
    """An optional package is missing; the message names the extra that brings it."""


class FingerprintMismatch(OperatorError):
    """The index was embedded by another model, or with other settings, than the query would be."""

    http_status = 409


class Damaged(OperatorError):
    """A stored file does not match its checksum; it is reported, never used."""


class Overloaded(OperatorError):
    """More is asked of the service at once than it can do; nothing was done for this request.

    Args:
        message: one sentence.
        retry_after_s: whole seconds after which asking again has a chance.
    """

    http_status = 429

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlinePassed(Overloaded):
    """The request waited for its turn until its deadline."""

    http_status = 503


class NotReady(Overloaded):
    """The service has just started, and what the request needs is being loaded."""

    http_status = 503


class ModelError(AlcoveError):
    """The language model, or the server in front of it, failed."""

    http_status = 502


class ModelUnavailable(ModelError):
    """The server refused, could not be reached, or is overloaded."""


class ModelTimeout(ModelError):
    """The server let a deadline pass."""

    http_status = 504


class ModelBroke(ModelError):
    """The stream was cut, or what came is not what the protocol allows."""


class InternalError(AlcoveError):
    """A bug of ours."""


def error_class(name: str) -> type[AlcoveError]:
    """The class that the HTTP service names in a reply; ``InternalError`` for a name that is none of ours."""
    if name == "FileProblem":  # takes a state too; what fails so early is the person's to put right
        return UserError
    found = globals()[name] if name in __all__ else None
    return found if isinstance(found, type) else InternalError
