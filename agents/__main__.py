"""The service on its own: ``python -m agents``, set up by ``ALCOVE_HOME`` and its settings."""

from __future__ import annotations

import sys

from agents.service import serve
from agents.settings import Settings
from corpus.errors import AlcoveError


def main() -> int:
    """Serve; the exit status of the error, if one stands in the way."""
    try:
        serve(Settings.load(), lambda address: print(address, flush=True))
    except AlcoveError as exc:
        print(f"alcove: {exc}", file=sys.stderr)
        return exc.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
