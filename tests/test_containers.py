"""The containers, which no test here can run: parsed, linted, and held to what they promise."""

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TOOLS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

# The file as it is with none of its variables set, and its anchors resolved.
DEFAULTS = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", COMPOSE.read_text(encoding="utf-8"))
PARSED: dict[str, Any] = yaml.safe_load(DEFAULTS)
SERVICES: dict[str, dict[str, Any]] = PARSED["services"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continuation lines joined, without comments."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


class Answer(http.server.BaseHTTPRequestHandler):
    """Says 200 to /ok and 503 to anything else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ok" else 503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a server on this machine that runs for one test."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def health_check(url: str) -> int:
    command = [sys.executable, ROOT / "docker" / "is_healthy.py", url]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode


def test_the_compose_file_is_within_the_specification() -> None:
    compose = PyCompose.from_yaml(yaml.safe_dump(PARSED))
    assert set(compose.service_names()) == {"api", "page", "ingest", "vllm"}


def test_the_parser_refuses_a_misspelt_key() -> None:
    with pytest.raises(ValueError, match="prots"):
        PyCompose.from_yaml("services: {api: {image: x, prots: ['80:80']}}")


def test_docker_compose_accepts_every_profile() -> None:
    if shutil.which("docker-compose") is None and not os.environ.get("CI"):
        pytest.skip("docker-compose is not installed; the specification's parser has checked")
    run = subprocess.run(
        ["docker-compose", "--profile", "gpu", "--profile", "ingest", "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ALCOVE_LLM__URL": "http://vllm:8000/v1"},
        capture_output=True,
        text=True,
        check=True,
    )
    resolved = yaml.safe_load(run.stdout)["services"]
    assert resolved.keys() == SERVICES.keys()
    assert resolved["api"]["environment"]["ALCOVE_LLM__URL"] == "http://vllm:8000/v1"


def test_ports_are_published_on_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_service_waits_for_nothing() -> None:
    assert "depends_on" not in SERVICES["api"]
    assert not [name for name, body in SERVICES.items() if "vllm" in body.get("depends_on", [])]


def test_only_the_service_and_the_page_start_unasked() -> None:
    assert {name for name, body in SERVICES.items() if "profiles" not in body} == {"api", "page"}
    assert SERVICES["ingest"]["profiles"] == ["ingest"]
    assert SERVICES["vllm"]["profiles"] == ["gpu"]


def test_vllm_has_the_gpu_a_health_check_and_a_place_for_weights() -> None:
    vllm = SERVICES["vllm"]
    (device,) = vllm["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert "/health" in vllm["healthcheck"]["test"][-1]
    assert vllm["ipc"] == "host"
    assert vllm["volumes"] == ["huggingface:/root/.cache/huggingface"]


def test_service_and_job_share_one_home() -> None:
    for name in ("api", "ingest"):
        assert "alcove-home:/data" in SERVICES[name]["volumes"]


@pytest.mark.parametrize("name", ["api", "page"])
def test_containers_listen_on_the_port_they_publish(name: str) -> None:
    command = SERVICES[name]["command"]
    assert command[command.index("--host") + 1] == "0.0.0.0"
    port = command[command.index("--port") + 1]
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_dockerfile_passes_the_linter() -> None:
    hadolint = shutil.which("hadolint", path=TOOLS)
    assert hadolint, "hadolint comes with requirements.lock"
    run = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_image_does_not_run_as_root() -> None:
    users = [value for word, value in instructions() if word == "USER"]
    assert users == ["10001"]
    words = [word for word, _ in instructions()]
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_a_change_of_code_reinstalls_no_package() -> None:
    steps = instructions()
    lock, code = steps.index(("COPY", "requirements.lock ./")), steps.index(("COPY", ". ./"))
    packages = next(i for i, (_, value) in enumerate(steps) if "--requirement" in value)
    assert lock < packages < code


def test_the_image_is_built_for_no_machine_in_particular() -> None:
    sources = [value for word, value in instructions() if word == "FROM"]
    assert sources == ["python:3.12-slim-bookworm"]
    assert not {"amd64", "arm64", "x86_64", "aarch64"} & set(DOCKERFILE.read_text().split())


def test_what_the_builder_needs_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    needed = {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "corpus", "docker"}
    assert not needed & set(ignored)


def test_a_service_that_answers_is_healthy(address: str) -> None:
    assert health_check(f"{address}/ok") == 0


def test_an_error_or_silence_is_not_healthy(address: str) -> None:
    assert health_check(f"{address}/no") == 1
    assert health_check("http://127.0.0.1:1") == 1
