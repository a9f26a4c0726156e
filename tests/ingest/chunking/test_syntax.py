"""Source code is cut where its syntax allows."""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path

import pytest

from corpus.records import Chunk
from ingest.chunking import make_chunker
from ingest.parsing import parse_file
from tests.fakes import HashEncoder
from tests.ingest.chunking.documents import words

PYTHON = '''
import math

LIMIT = 3


# Turns one way only.
@device(
    "fan",
)
class Fan(Device):
    """A fan with a speed."""

    def start(self) -> None:
        """Begin to turn."""
        self.speed = LIMIT
        self.log("started with some speed")

    # Slow at first.
    @property
    def noise(self) -> float:
        return math.log(self.speed + 1) * 3


def main() -> None:
    fan = Fan()
    fan.start()
    print(fan.noise, "is how loud it is")
'''


def cut(
    tmp_path: Path, name: str, source: str, size: int, strategy: str = "recursive"
) -> list[Chunk]:
    path = tmp_path / name
    path.write_text(textwrap.dedent(source).lstrip("\n"))
    embed = HashEncoder(16).encode_passages
    chunker = make_chunker(strategy, words, embed=embed, size=size, overlap=0, window=60)
    chunks = chunker.chunk("doc", parse_file(path))
    for before, after in itertools.pairwise(chunks):
        assert before.end <= after.start
    return chunks


@pytest.mark.parametrize("strategy", ["recursive", "structure", "semantic", "sentence_window"])
def test_a_class_is_cut_between_its_methods(tmp_path: Path, strategy: str) -> None:
    chunks = cut(tmp_path, "fan.py", PYTHON, 20, strategy)
    starts = [chunk.text.split("\n")[0] for chunk in chunks]
    assert starts == [
        "import math",
        "# Turns one way only.",
        "def start(self) -> None:",
        "# Slow at first.",
        "def main() -> None:",
    ]
    assert chunks[1].text.endswith('"""A fan with a speed."""')


def test_later_pieces_of_a_class_stand_under_the_line_that_opens_it(tmp_path: Path) -> None:
    chunks = cut(tmp_path, "fan.py", PYTHON, 20)
    under = {chunk.text.split("(")[0]: chunk.headings for chunk in chunks}
    assert under["def start"] == ("class Fan(Device)",)
    assert under["def main"] == ()


def test_a_function_stays_with_its_decorators_and_comments(tmp_path: Path) -> None:
    for chunk in cut(tmp_path, "fan.py", PYTHON, 20):
        if "@property" in chunk.text:
            assert chunk.text.startswith("# Slow at first.\n    @property\n    def noise")


def test_what_fits_is_not_cut_and_small_things_share_a_chunk(tmp_path: Path) -> None:
    functions = "\n\n".join(f"def f{n}():\n    return {n}" for n in range(6))
    chunks = cut(tmp_path, "f.py", functions, 12)
    assert [chunk.text.count("def ") for chunk in chunks] == [3, 3]
    (whole,) = cut(tmp_path, "f.py", functions, 50)
    assert whole.text == functions


def test_a_function_that_is_too_long_is_cut_between_statements(tmp_path: Path) -> None:
    lines = [f"    call(number={n}, of='{n} things')" for n in range(12)]
    chunks = cut(tmp_path, "f.py", "\n".join(["def f():", *lines]), 12)
    assert len(chunks) > 3
    assert all(chunk.text.startswith(("def f():", "call(")) for chunk in chunks)
    assert {chunk.headings for chunk in chunks[1:]} == {("def f()",)}


def test_the_parts_of_if_and_try_are_told_apart(tmp_path: Path) -> None:
    source = """
    try:
        if ready:
            start_the_fan(now=True, with_speed=3)
        elif later:
            wait_for_the_fan(until="it turns", at_most=3)
        else:
            stop_the_fan("at once", "and for good")
    except OSError:
        report("the fan does not turn", "at all")
    finally:
        close_all("fans", "and", "doors")
    """
    chunks = cut(tmp_path, "f.py", source, 9)
    assert any(chunk.text.startswith("elif later:") for chunk in chunks)
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(source.split())


@pytest.mark.parametrize(
    "source",
    [
        "print 'python two'\n\ndef f():\n    return 'it does not parse today'\n" * 5,
        "x = 1; y = '''\n'''; z = 3\nif x: y = 2\n" * 12,
        "class A: pass\nclass B: x = 1; y = 2\n" * 12,
        "é = 'ü'; ö = [1,\n 2]\n" * 12,
        "'''Only a docstring that goes on for longer than a chunk may, word after word after word'''",
        "# nothing but a comment\n" * 12,
        "if a:\n    b = 1\n" + "elif c:\n    d = 2\n" * 60,
        "\\d = re.compile('\\d')\n" * 9,
    ],
)
def test_odd_python_loses_nothing(tmp_path: Path, source: str) -> None:
    chunks = cut(tmp_path, "odd.py", source, 8)
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(source.split())
    assert all(words(chunk.text) <= 60 for chunk in chunks)


@pytest.mark.parametrize(
    ("name", "opening"),
    [
        ("a.js", "function f{n}(x) {{"),
        ("a.go", "func f{n}(x int) {{"),
        ("a.rs", "fn f{n}(x: i32) {{"),
    ],
)
def test_other_languages_are_cut_at_their_definitions(
    tmp_path: Path, name: str, opening: str
) -> None:
    blocks = [opening.format(n=n) + f"\n    call({n}, x)\n    call(x)\n}}" for n in range(8)]
    chunks = cut(tmp_path, name, "\n\n".join(blocks), 10)
    assert len(chunks) == 8
    assert [chunk.text for chunk in chunks] == blocks


def test_a_language_nobody_knows_is_cut_at_blank_lines(tmp_path: Path) -> None:
    blocks = [f"key{n} = {n}\nother{n} = {n}" for n in range(9)]
    chunks = cut(tmp_path, "a.toml", "\n\n".join(blocks), 6)
    assert [chunk.text for chunk in chunks] == blocks
