"""The house rules that no linter knows: modules stand alone, names are free, the README is true."""

import ast
import importlib.metadata
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["setuptools"]["packages"]
FOLDERS = sorted({name.split(".")[0] for name in PACKAGES})
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name.replace(".", "/")).glob("*.py"))

# None of these is needed to know what the nouns, the roles and the settings are.
HEAVY = {
    *("cv2", "faiss", "fastapi", "langchain", "langchain_core", "langgraph", "llama_index"),
    *(
        "nncf",
        "numba",
        "onnxruntime",
        "openvino",
        "pandas",
        "rapidocr",
        "scipy",
        "sentence_transformers",
        "sklearn",
    ),
    *("spacy", "streamlit", "tantivy", "torch", "transformers", "unstructured"),
}

# Forks once for each module named on standard input, so that each is imported into an interpreter
# that has imported nothing else, and prints what came of it as one JSON object a line.
IMPORTER = """\
import json, os, sys, time
heavy = sys.argv[1].split()
for name in sys.stdin.read().split():
    if os.fork():
        os.wait()
        continue
    begin = time.process_time()
    said = ""
    try:
        __import__(name)
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    seconds = time.process_time() - begin
    loaded = [one for one in heavy if one in sys.modules]
    print(json.dumps({"module": name, "error": said, "seconds": seconds, "heavy": loaded}), flush=True)
    os._exit(0)
"""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_alone(names: list[str]) -> list[dict[str, Any]]:
    """What came of importing each module alone: its error, its seconds of CPU, what it brought."""
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(cores) as pool:
        shares = list(pool.map(_import_alone, [names[n::cores] for n in range(cores)]))
    return [shares[n % cores][n // cores] for n in range(len(names))]


def _import_alone(names: list[str]) -> list[dict[str, Any]]:
    run = subprocess.run(
        [sys.executable, "-c", IMPORTER, " ".join(sorted(HEAVY))],
        input="\n".join(names),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def light_modules() -> list[str]:
    """The modules that must be quick to import: the nouns, the roles and the settings."""
    return [
        module_name(path)
        for path in SOURCES
        if path.parent == ROOT / "corpus" or path.stem in ("protocols", "settings")
    ]


def functions() -> Iterator[tuple[str, int]]:
    """Every function's place and its lines of code, its docstring not counted."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = ast.get_docstring(node, clean=False) is not None
                first = node.body[0]
                docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
                length = (node.end_lineno or 0) - node.lineno + 1 - docstring
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length


@cache
def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


# The modules


def test_every_module_imports_alone() -> None:
    names = [module_name(path) for path in SOURCES]
    results = import_alone(names)
    assert [result["module"] for result in results] == names
    assert [f"{r['module']}: {r['error']}" for r in results if r["error"]] == []


def test_a_module_that_fails_or_is_heavy_would_be_seen() -> None:
    broken, heavy = import_alone(["no_such_module", "scipy"])
    assert broken["error"].startswith("ModuleNotFoundError")
    assert heavy["heavy"] == ["scipy"]


def test_nouns_roles_and_settings_import_in_a_fifth_of_a_second() -> None:
    rounds = [import_alone(light_modules()) for _ in range(3)]
    for results in zip(*rounds, strict=True):
        name = results[0]["module"]
        assert results[0]["heavy"] == [], name
        # CPU time, and the best of three: this is about our imports, not about the machine.
        assert min(result["seconds"] for result in results) < 0.2, name


def test_no_module_is_named_like_a_library() -> None:
    libraries = set(importlib.metadata.packages_distributions()) - set(FOLDERS)
    taken = sys.stdlib_module_names | libraries | {"tests", "scripts", "docker"}
    names = {*FOLDERS, *(path.stem for path in SOURCES)} - {"__init__", "__main__"}
    assert names & taken == set()


def test_no_module_stands_beside_a_folder_of_its_name() -> None:
    assert [str(path) for path in SOURCES if path.with_suffix("").is_dir()] == []


def test_modules_say_what_they_offer() -> None:
    silent = [
        module_name(path)
        for path in SOURCES
        if path.stem not in ("__init__", "__main__") and "__all__" not in path.read_text("utf-8")
    ]
    assert silent == []


def test_files_and_functions_stay_short() -> None:
    lengths = dict(functions())
    assert {place: lines for place, lines in lengths.items() if lines > 60} == {}
    assert statistics.median(lengths.values()) <= 9
    files = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {str(path.relative_to(ROOT)): n for path, n in files.items() if n > 320} == {}


def test_no_file_names_a_registry_host() -> None:
    # Put together here, so that this file does not name them either.
    hosts = ["py" + "pi.org", "files.python" + "hosted.org", "deb.deb" + "ian.org"]
    hosts += ["registry.npm" + "js.org", "npm" + "js.com"]
    pattern = re.compile("|".join(map(re.escape, hosts)).encode())
    assert [name for name in tracked_files() if pattern.search((ROOT / name).read_bytes())] == []


# The README


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """The README's code blocks of a language, without their fences."""
    return re.findall(rf"^```{language}\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL)


def shell_commands() -> list[list[str]]:
    """Every Alcove command of the README's shell blocks, as words after `alcove`."""
    lines = "".join(fenced("(?:sh|bash|console)")).replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        for index, word in enumerate(words):
            if word in ("./alcove", "alcove"):
                found.append(words[index + 1 :])
                break
            if "=" not in word:  # anything but a variable set for the command
                break
    return found


@cache
def command_line() -> TyperGroup:
    """The whole command line, with the benchmarks that `main` attaches."""
    import eval.__main__
    import eval.speed
    import ui.cli

    root = typer.main.get_command(ui.cli.app)
    assert isinstance(root, TyperGroup)
    root.add_command(typer.main.get_command(eval.__main__.app), "eval")
    root.add_command(typer.main.get_command(eval.speed.app), "bench")
    return root


def unknown_word(words: list[str]) -> str | None:
    """The first subcommand or option of an Alcove command that does not exist, if there is one."""
    command: Any = command_line()
    for index, word in enumerate(words):
        if word in ("|", ">", "&&", ";"):
            return None
        if word.startswith("-"):
            options = {name for parameter in command.params for name in parameter.opts}
            options |= {name for parameter in command.params for name in parameter.secondary_opts}
            passes_on = command.context_settings.get("ignore_unknown_options")
            if word.split("=")[0] not in {*options, "--help"} and not passes_on:
                return word
        elif isinstance(command, TyperGroup):
            if word not in command.commands:
                return " ".join(words[: index + 1])
            command = command.commands[word]
    return None


def tree_entries() -> list[tuple[str, str]]:
    """Path and comment of every line of the README's file tree, a block fenced as `tree`."""
    (block,) = fenced("tree")
    folders: list[str] = []
    entries = []
    for line in block.splitlines():
        name, _, comment = line.partition("#")
        depth = (len(name) - len(name.lstrip())) // 2
        folders[depth:] = [name.strip().rstrip("/")]
        entries.append(("/".join(folders), comment.strip()))
    return entries


def test_the_readme_has_commands() -> None:
    assert ["up"] in shell_commands()
    assert ["test"] in shell_commands()


def test_every_command_of_the_readme_exists() -> None:
    unknown = {" ".join(words): unknown_word(words) for words in shell_commands()}
    assert {command: word for command, word in unknown.items() if word} == {}


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("up", None),
        ("ingest notes --json", None),
        ("frobnicate", "frobnicate"),
        ("eval frobnicate", "eval frobnicate"),
        ("ingest notes --no-such-option", "--no-such-option"),
    ],
)
def test_a_command_that_does_not_exist_would_be_seen(command: str, word: str | None) -> None:
    assert unknown_word(command.split()) == word


def test_the_tree_of_the_readme_is_the_tree() -> None:
    entries = tree_entries()
    assert [path for path, _ in entries if not (ROOT / path).exists()] == []
    assert [path for path, comment in entries if not comment] == []
    top = {name.split("/")[0] for name in tracked_files()}
    shown = {path.split("/")[0] for path, _ in entries}
    assert {name for name in top if not name.startswith(".")} - shown == set()
