"""The containers, which no test here can run: parsed, linted, and held to what they promise."""

import configparser
import http.server
import json
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

from serving.engines.compose import write_override
from serving.machines import MACHINES
from serving.plan.memory import Load
from serving.plan.planner import plan
from serving.specs.reading import read_spec
from tests.service_bench import ServiceBench, indexed_home, plain_bench

__all__ = ["indexed_home", "plain_bench"]

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TOOLS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

# The file as it is with none of its variables set, and its anchors resolved.
DEFAULTS = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", COMPOSE.read_text(encoding="utf-8"))
PARSED: dict[str, Any] = yaml.safe_load(DEFAULTS)
SERVICES: dict[str, dict[str, Any]] = PARSED["services"]
OURS = ("api", "page", "ingest")
ENGINES = ("llama-cpp", "vllm", "tensorrt-llm")
MONITORING = ("prometheus", "grafana")
PROFILES = ("ingest", "cpu", "vllm", "tensorrt-llm", "monitoring")
MONITORED = ROOT / "docker" / "monitoring"
VLLM_METRICS = {  # of vLLM 0.32, as Prometheus stores them
    "vllm:generation_tokens_total",
    "vllm:prompt_tokens_total",
    "vllm:time_to_first_token_seconds_bucket",
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
}


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
    assert set(compose.service_names()) == {*OURS, *ENGINES, *MONITORING}


def test_the_parser_refuses_a_misspelt_key() -> None:
    with pytest.raises(ValueError, match="prots"):
        PyCompose.from_yaml("services: {api: {image: x, prots: ['80:80']}}")


def _config(*arguments: str) -> dict[str, Any]:
    """What docker-compose makes of the files, with every profile."""
    if shutil.which("docker-compose") is None and not os.environ.get("CI"):
        pytest.skip("docker-compose is not installed; the specification's parser has checked")
    profiles = [word for name in PROFILES for word in ("--profile", name)]
    run = subprocess.run(
        ["docker-compose", *arguments, *profiles, "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ALCOVE_LLM__URL": "http://llm:8000/v1"},
        capture_output=True,
        text=True,
        check=True,
    )
    resolved: dict[str, Any] = yaml.safe_load(run.stdout)["services"]
    return resolved


def test_docker_compose_accepts_every_profile() -> None:
    resolved = _config()
    assert resolved.keys() == SERVICES.keys()
    assert resolved["api"]["environment"]["ALCOVE_LLM__URL"] == "http://llm:8000/v1"


def test_docker_compose_accepts_the_override_for_a_spark() -> None:
    resolved = _config("-f", "docker-compose.yml", "-f", "docker/dgx-spark.yml")
    for engine in ("vllm", "tensorrt-llm"):
        body = resolved[engine]
        assert body["mem_limit"] == body["memswap_limit"]  # no swapping on a shared memory
        flags = [word for word in body["command"] if "fraction=" in word or "utilization=" in word]
        assert len(flags) == 1
        assert float(flags[0].partition("=")[2]) <= 0.5
    assert any("--kv-cache-memory-bytes=" in word for word in resolved["vllm"]["command"])


@pytest.mark.parametrize(
    ("model", "machine", "engines"),
    [
        ("gpt-oss-120b", "dgx-spark", {"vllm", "tensorrt-llm", "llama-cpp"}),
        ("qwen3-32b", "dgx-spark", {"vllm", "tensorrt-llm"}),
        ("llama-3.3-70b", "dgx-h100", {"vllm", "tensorrt-llm"}),
    ],
)
def test_docker_compose_accepts_the_override_of_a_plan(
    tmp_path: Path, model: str, machine: str, engines: set[str]
) -> None:
    parallel = 1 if machine == "dgx-spark" else 8
    form = None if model == "gpt-oss-120b" else "fp8"
    made = plan(read_spec(model), MACHINES[machine], Load(parallel=parallel), form)
    file = write_override(made, model, tmp_path)
    services = yaml.safe_load(file.read_text("utf-8"))["services"]
    assert services.keys() == engines
    PyCompose.from_yaml(yaml.safe_dump({"services": {
        name: {"image": "x", **body} for name, body in services.items()}}))  # fmt: skip
    resolved = _config("-f", "docker-compose.yml", "-f", str(file))
    for name in engines:
        words = resolved[name]["command"]
        assert words == services[name]["command"]
        assert f"/models/{model}" in words
        assert ("mem_limit" in services[name]) == (machine == "dgx-spark")
    assert (
        f"{tmp_path}/trtllm-options.json:/trtllm-options.json:ro"
        in (resolved["tensorrt-llm"]["volumes"])
    )
    assert (tmp_path / "trtllm-options.json").is_file()


def test_ports_are_published_on_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 7
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_service_waits_for_nothing() -> None:
    assert "depends_on" not in SERVICES["api"]
    assert not [n for n, body in SERVICES.items() if set(ENGINES) & set(body.get("depends_on", []))]


def test_only_the_service_and_the_page_start_unasked() -> None:
    assert {name for name, body in SERVICES.items() if "profiles" not in body} == {"api", "page"}
    named = {name: body["profiles"] for name, body in SERVICES.items() if "profiles" in body}
    assert {profile for profiles in named.values() for profile in profiles} == set(PROFILES)
    assert [named[engine] for engine in ENGINES] == [["cpu"], ["vllm"], ["tensorrt-llm"]]


@pytest.mark.parametrize("name", ["vllm", "tensorrt-llm"])
def test_engines_for_gpus_have_one_a_health_check_and_a_place_for_what_they_compile(
    name: str,
) -> None:
    engine = SERVICES[name]
    (device,) = engine["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert "/health" in engine["healthcheck"]["test"][-1]
    assert "engine-cache:/root/.cache" in engine["volumes"]
    assert engine["environment"]["HF_HUB_OFFLINE"] == "1"


def test_every_engine_is_the_same_address_for_the_service_and_only_reads_models() -> None:
    for name in ENGINES:
        assert SERVICES[name]["networks"]["default"]["aliases"] == ["llm"]
        (models,) = [v for v in SERVICES[name]["volumes"] if ":/models" in v]
        assert models.endswith(":/models:ro")


def test_what_can_do_without_writing_and_privileges_does() -> None:
    for name, body in SERVICES.items():
        assert body["cap_drop"] == ["ALL"], name
        assert body["security_opt"] == ["no-new-privileges:true"], name
        if name not in ("vllm", "tensorrt-llm"):  # their images write into their own layer
            assert body["read_only"] is True, name
            assert "mem_limit" in body, name


def test_every_image_is_pinned_and_stated_for_both_architectures() -> None:
    table = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    for name, body in SERVICES.items():
        image = body["image"]
        if image == "alcove":
            continue
        assert re.search(r":(v?\d|server-b\d)", image), name
        row = next(line for line in table.splitlines() if f"`{image}`" in line)
        assert "amd64" in row
        assert "arm64" in row


def test_prometheus_asks_the_service_and_the_engine_on_their_ports() -> None:
    asked = yaml.safe_load((MONITORED / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in asked}
    assert targets == {"alcove": ["api:8700"], "llm": ["llm:8000"]}


def test_the_dashboard_shows_only_figures_that_exist(plain_bench: ServiceBench) -> None:
    dashboard = json.loads((MONITORED / "dashboards" / "alcove.json").read_text("utf-8"))
    asked = "\n".join(t["expr"] for panel in dashboard["panels"] for t in panel["targets"])
    names = set(re.findall(r"\b(?:alcove_|vllm:)\w+", asked))
    assert {name for name in names if name.startswith("vllm:")} <= VLLM_METRICS
    plain_bench.post("/v1/search", {"query": "anything"})
    exposed = plain_bench.http.get("/metrics").text
    families = set(re.findall(r"^# TYPE (\w+) ", exposed, re.MULTILINE))
    for name in names - VLLM_METRICS:
        family = name.removesuffix("_bucket")
        assert family in families, name


def test_the_datasource_and_the_folder_are_those_that_are_mounted() -> None:
    dashboard = json.loads((MONITORED / "dashboards" / "alcove.json").read_text("utf-8"))
    (source,) = yaml.safe_load((MONITORED / "datasource.yml").read_text("utf-8"))["datasources"]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    (provider,) = yaml.safe_load((MONITORED / "dashboards.yml").read_text("utf-8"))["providers"]
    folder = provider["options"]["path"]
    assert f"./docker/monitoring/dashboards:{folder}:ro" in SERVICES["grafana"]["volumes"]


@pytest.mark.parametrize("unit", ["alcove.service", "alcove-engine.service"])
def test_units_of_systemd_start_commands_that_exist_and_leave_the_system_alone(unit: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(ROOT / "docker" / "systemd" / unit)
    service = parser["Service"]
    words = service["ExecStart"].split()
    assert words[0] == "%h/alcove/alcove"
    assert words[1:2] in (["up"], ["engine"])
    assert (service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "strict")
    assert float(service["TimeoutStopSec"]) >= 60  # answers under way are kept


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
