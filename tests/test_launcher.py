"""The launcher, run for real on a small project of its own: installs, stays quiet, says what fails.

The project has an empty lock, so that nothing is fetched: the environment and the editable install
are real, and every failure is a real one.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CLI = """\
import sys
import corpus_of_the_project
print(sys.argv[1:], sys.flags.safe_path)
sys.exit(7 if "seven" in sys.argv else 0)
"""

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

# The smallest thing that pip can install in place: a wheel that puts this folder on the path.
BACKEND = """\
import os, zipfile

METADATA = "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n"

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tiny.pth", os.getcwd())
        wheel.writestr("tiny-1.dist-info/METADATA", METADATA)
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
"""

# An install without an index still has a network to miss; these keep pip to what the environment
# has, as `--no-build-isolation` keeps the build.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"}


def make_project(folder: Path) -> Path:
    """A project with the real launcher, in a folder with a space in its name."""
    (folder / "ui").mkdir(parents=True)
    shutil.copy(ROOT / "alcove", folder / "alcove")
    (folder / "requirements.lock").write_text("")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "ui" / "__init__.py").write_text("")
    (folder / "ui" / "cli.py").write_text(CLI)
    (folder / "corpus_of_the_project.py").write_text("")
    return folder


def run(
    launcher: Path, *arguments: str, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a launcher to its end, with nothing of Alcove's own in the environment but `variables`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ALCOVE")}
    return subprocess.run(
        [launcher, *arguments],
        cwd=cwd or launcher.parent.parent,
        env={**inherited, **OFFLINE, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after its first run, which is checked here. Every test leaves it installed."""
    project = make_project(tmp_path_factory.mktemp("launcher") / "my project")
    first = run(project / "alcove", "ask", "two words", "seven")
    assert first.stdout == "['ask', 'two words', 'seven'] True\n", first.stderr
    assert first.stderr.startswith("Installing Alcove")
    assert first.returncode == 7
    return project


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The launcher of a project on which nothing has run yet."""
    return make_project(tmp_path / "my project") / "alcove"


def path_with(folder: Path, **programs: str) -> str:
    """A search path of one folder: the system's tools, no Python, and the programs given."""
    folder.mkdir()
    tools = ("awk", "cat", "cksum", "dirname", "env", "flock", "grep", "readlink", "rm", "touch")
    for tool in tools:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    for name, text in programs.items():
        (folder / name.replace("_", ".")).write_text(text)
        (folder / name.replace("_", ".")).chmod(0o755)
    return str(folder)


def test_after_the_first_run_it_is_silent_and_quick(installed: Path) -> None:
    begin = time.monotonic()
    again = run(installed / "alcove", "again", "seven")
    assert (again.stdout, again.stderr, again.returncode) == ("['again', 'seven'] True\n", "", 7)
    assert time.monotonic() - begin < 5


def test_a_changed_lock_is_installed_again_and_only_once(installed: Path) -> None:
    (installed / "requirements.lock").write_text("# changed\n")
    assert "Installing Alcove" in run(installed / "alcove").stderr
    assert run(installed / "alcove").stderr == ""


def test_it_works_through_a_link(installed: Path, tmp_path: Path) -> None:
    link = tmp_path / "alcove"
    link.symlink_to(os.path.relpath(installed / "alcove", tmp_path))
    assert run(link, "x").stdout == "['x'] True\n"


def test_folders_of_the_caller_do_not_shadow_ours(installed: Path, tmp_path: Path) -> None:
    for name in ("ui", "corpus_of_the_project"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('theirs')")
    done = run(installed / "alcove", "x", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout == "['x'] True\n"


def test_extra_arguments_reach_pip(installed: Path) -> None:
    (installed / "requirements.lock").write_text("# changed again\n")
    done = run(installed / "alcove", "x", ALCOVE_PIP_ARGS="--no-such-option --another")
    assert done.returncode == 3
    assert "no such option: --no-such-option" in done.stderr
    assert run(installed / "alcove", "x").returncode == 0


def test_a_failed_install_says_why_and_the_next_starts_from_nothing(installed: Path) -> None:
    (installed / "requirements.lock").write_text("no-such-package==1\n")
    done = run(installed / "alcove", "x")
    assert (done.returncode, done.stdout) == (3, "")
    sentences = done.stderr.splitlines()
    assert any(line.startswith("ERROR: ") and "no-such-package" in line for line in sentences)
    assert sentences[-1].startswith("alcove: the install failed")
    assert "no-such-package" in (installed / ".venv" / "pip.log").read_text()

    half_written = installed / ".venv" / "half-written"
    half_written.touch()
    (installed / "requirements.lock").write_text("")
    assert run(installed / "alcove", "x").stdout == "['x'] True\n"
    assert not half_written.exists()


def test_a_moved_project_is_installed_again(installed: Path) -> None:
    moved = installed.rename(installed.with_name("elsewhere"))
    try:
        done = run(moved / "alcove", "x")
        assert (done.returncode, done.stdout) == (0, "['x'] True\n"), done.stderr
    finally:
        moved.rename(installed)
    assert run(installed / "alcove", "x").stdout == "['x'] True\n"


def test_an_old_python_is_refused_by_its_version(fresh: Path, tmp_path: Path) -> None:
    old = '#!/bin/sh\ncase $1 in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac\n'
    done = run(fresh, "x", PATH=path_with(tmp_path / "bin", python3=old))
    assert done.returncode == 3
    assert "there is Python 3.9.2; install one" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_python_at_all_is_said(fresh: Path, tmp_path: Path) -> None:
    done = run(fresh, "x", PATH=path_with(tmp_path / "bin"))
    assert done.returncode == 3
    assert "there is no 'python3'; install one" in done.stderr


def test_a_later_name_on_the_path_is_found(fresh: Path, tmp_path: Path) -> None:
    real = f'#!/bin/sh\nexec "{os.path.realpath(sys.executable)}" "$@"\n'
    done = run(fresh, "x", PATH=path_with(tmp_path / "bin", python3_12=real))
    assert (done.returncode, done.stdout) == (0, "['x'] True\n"), done.stderr


def test_a_python_without_venv_is_told_what_to_install(fresh: Path, tmp_path: Path) -> None:
    bare = "#!/bin/sh\ncase $* in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n"
    done = run(fresh, "x", PATH=path_with(tmp_path / "bin", python3=bare))
    assert done.returncode == 3
    assert "apt install python3-venv" in done.stderr


def test_two_first_runs_at_once_install_once(fresh: Path) -> None:
    command = [fresh, "x"]
    environment = {**os.environ, **OFFLINE}
    runs = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=120) for run in runs]
    assert [out for out, _ in said] == [b"['x'] True\n"] * 2
    assert sum(b"Installing Alcove" in error for _, error in said) == 1


def test_the_shell_scripts_pass_the_linter() -> None:
    linter = shutil.which("shellcheck", path=f"{ROOT / '.venv/bin'}:{os.environ['PATH']}")
    if linter is None:
        pytest.skip("shellcheck is not installed; its package has no build for this machine")
    subprocess.run([linter, ROOT / "alcove", ROOT / ".ci" / "run"], check=True)
