"""What is packaged equals what is in the tree, and what is pinned installs where it is promised."""

import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import audit_lock, check_lock, make_lock
from scripts.audit_lock import Waiver
from scripts.check_lock import TARGETS, Published, Target

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ARM = Target("aarch64", "3.12")
INTEL = Target("x86_64", "3.12")

# The lists of files that an index would give for the packages of the constructed locks.
FILES = {
    "pure": [Published("pure-1.0-py3-none-any.whl")],
    "both": [
        Published("both-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        Published("both-1.0-cp39-abi3-manylinux_2_28_aarch64.whl"),
    ],
    "intel-only": [
        Published("intel_only-1.0-cp312-cp312-manylinux2014_x86_64.whl"),
        Published("intel_only-1.0-cp312-cp312-macosx_11_0_arm64.whl"),
        Published("intel_only-0.9-py3-none-any.whl"),
    ],
    "too-new-libc": [Published("too_new_libc-1.0-py3-none-manylinux_2_39_x86_64.whl")],
    "one-python": [
        Published("one_python-1.0-cp312-cp312-manylinux2014_x86_64.whl"),
        Published("one_python-1.0-cp312-cp312-manylinux2014_aarch64.whl"),
    ],
    "no-longer": [Published("no_longer-1.0-py3-none-any.whl", "<3.12")],
    "source-only": [Published("source_only-1.0.tar.gz")],
    "langdetect": [Published("langdetect-1.0.tar.gz"), Published("langdetect-0.9.zip")],
}


def failing(lock: str) -> set[str]:
    """The problems of a lock against `FILES`."""
    return set(check_lock.problems(lock, lambda name: FILES[name]))


def packages_in_the_tree() -> list[str]:
    top = [name.split(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]]
    folders = {path.parent for name in set(top) for path in (ROOT / name).rglob("__init__.py")}
    return sorted(".".join(folder.relative_to(ROOT).parts) for folder in folders)


def test_the_package_list_equals_the_tree() -> None:
    assert PROJECT["tool"]["setuptools"]["packages"] == packages_in_the_tree()


def test_every_file_that_is_not_code_is_package_data() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--", *{name.split(".")[0] for name in packages_in_the_tree()}],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    packaged = {
        path.relative_to(ROOT).as_posix()
        for package, globs in patterns.items()
        for pattern in globs
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    data = {path for path in tracked if not path.endswith(".py") and (ROOT / path).is_file()}
    assert data - packaged == set()


def test_the_project_cannot_be_uploaded() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_everything_required_is_pinned() -> None:
    pinned = {canonicalize_name(pin.name) for pin in check_lock.pins(LOCK)}
    required = (
        PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    )
    for line in required:
        requirement = Requirement(line)
        assert canonicalize_name(requirement.name) in pinned
        pins = [pin for pin in check_lock.pins(LOCK) if pin.name == requirement.name.lower()]
        for pin in pins:
            assert requirement.specifier.contains(check_lock.pinned_version(pin)), line


def test_the_lock_holds_no_host_no_hash_and_no_cuda() -> None:
    assert "://" not in LOCK
    assert "--" not in LOCK
    assert make_lock.without_cuda(LOCK) == [line for line in LOCK.splitlines() if line]


def test_no_telemetry_package_is_pinned() -> None:
    assert "openvino-telemetry" not in LOCK


def test_the_supported_pythons_are_the_declared_ones() -> None:
    declared = [
        classifier.removeprefix("Programming Language :: Python :: ")
        for classifier in PROJECT["project"]["classifiers"]
        if classifier.startswith("Programming Language :: Python :: ")
    ]
    assert list(check_lock.PYTHONS) == declared


def test_cuda_lines_are_left_out_of_the_lock() -> None:
    resolved = (
        "\nnumpy==2\ntriton==3 ; sys_platform == 'linux'\nnvidia-nccl-cu13==2\ncuda-toolkit==13\n"
    )
    assert make_lock.without_cuda(resolved) == ["numpy==2"]


def test_a_lock_with_wheels_for_both_machines_passes() -> None:
    assert failing("# made by hand\npure==1.0\nboth==1.0\n") == set()


def test_a_package_without_arm_wheels_is_reported() -> None:
    lock = "intel-only==1.0 ; python_version == '3.12'"
    assert failing(lock) == {f"intel-only==1.0 has no wheel for {ARM}"}


def test_a_marker_that_leaves_a_machine_out_is_honoured() -> None:
    lock = "intel-only==1.0 ; platform_machine == 'x86_64' and python_version == '3.12'"
    assert failing(lock) == set()


@pytest.mark.parametrize(
    ("lock", "missing"),
    [
        ("too-new-libc==1.0", set(TARGETS)),
        ("one-python==1.0", {t for t in TARGETS if t.python != "3.12"}),
        ("no-longer==1.0", {t for t in TARGETS if t.python != "3.11"}),
        ("source-only==1.0", set(TARGETS)),
        ("pure==1.1", set(TARGETS)),
        ("langdetect==0.9", set()),
        ("langdetect==0.8", set(TARGETS)),
    ],
)
def test_what_does_not_install_is_named_for_every_machine(lock: str, missing: set[Target]) -> None:
    assert failing(lock) == {f"{lock} has no wheel for {target}" for target in missing}


def test_a_loose_line_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'numpy>=2' is not pinned"):
        check_lock.pins("pure==1.0\nnumpy>=2\n")


def test_no_package_is_audited_twice_in_one_round() -> None:
    lock = "one==1\none==2 ; python_version < '3.12'\none==1 ; os_name == 'nt'\ntwo==1\n"
    assert audit_lock.rounds(lock) == [["one==1", "two==1"], ["one==2"]]


def test_a_vulnerability_counts_unless_a_waiver_holds_and_so_does_what_is_not_known() -> None:
    flaw = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
    report = [
        {"name": "flawed", "version": "1.0", "vulns": [flaw]},
        {"name": "sound", "version": "1.0", "vulns": []},
        {"name": "hidden", "skip_reason": "not found"},
    ]
    today = date(2026, 6, 1)
    hidden = "hidden was not looked up: not found"
    flawed = "flawed==1.0 has PYSEC-1, fixed in 2.0"
    assert list(audit_lock.problems(report, today, {})) == [flawed, hidden]
    holds = {"PYSEC-1": Waiver("never called", today)}
    assert list(audit_lock.problems(report, today, holds)) == [hidden]
    ended = {"PYSEC-1": Waiver("never called", date(2026, 5, 31))}
    assert list(audit_lock.problems(report, today, ended)) == [flawed, hidden]


@pytest.mark.full
def test_every_pin_installs_without_a_compiler_on_both_machines() -> None:
    command = [sys.executable, ROOT / "scripts" / "check_lock.py"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
