"""The command line of the benchmarks: ``alcove eval …``, or ``python -m eval …``.

``run`` measures every system that a grid file names. ``retrieval`` and ``chunking`` are small grids
made of options: ways to search, and ways to cut the documents; ``answers`` measures answers. Without a
choice, these three take the sample documents and questions that come with Alcove. The other commands
look at results, or make and check what is measured. ``--json`` prints one object on stdout and nothing
else there; progress goes to stderr, on a terminal only (``run --progress-json`` tells a program).
"""

from __future__ import annotations

import sys

import typer

from corpus.errors import AlcoveError
from eval.commands.answers import answers
from eval.commands.chunking import chunking
from eval.commands.compare import compare
from eval.commands.feedback import feedback
from eval.commands.gate import gate
from eval.commands.questions import check_questions
from eval.commands.retrieval import retrieval
from eval.commands.run import run
from eval.commands.score import score
from eval.commands.show import show
from eval.commands.why import why

__all__ = ["app", "main"]

app = typer.Typer(help="Measure retrieval, chunking and answers.", no_args_is_help=True)
app.command()(retrieval)
app.command()(chunking)
app.command()(answers)
app.command()(run)
app.command()(compare)
app.command()(feedback)
app.command()(gate)
app.command("questions")(check_questions)
app.command()(score)
app.command()(show)
app.command()(why)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a gate that failed, 2 wrong usage, 3 the machine's fault."""
    try:
        app(arguments, prog_name="python -m eval")
    except AlcoveError as exc:
        print(f"alcove: {exc}", file=sys.stderr)
        sys.exit(exc.exit_status)


if __name__ == "__main__":
    main()
