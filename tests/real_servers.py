"""Model servers as they really are: what vLLM, TensorRT-LLM, Ollama and llama.cpp say besides chats.

Shapes and sentences are those of vLLM 0.32 (seen in ``tests/e2e/test_vllm.py``), llama.cpp's server,
Ollama's API and trtllm-serve. A token is a word or a sign. What is too long for the window is refused
as that server refuses it; Ollama cuts it without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from tests.fakes import FakeLLMServer, Reply

Kind: TypeAlias = Literal["vllm", "tensorrt", "ollama", "llamacpp"]
OWNERS: dict[str, str] = {
    "vllm": "vllm",
    "tensorrt": "tensorrt_llm",
    "ollama": "library",
    "llamacpp": "llamacpp",
}
NO_TEMPLATE = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a"
    " chat template if the tokenizer does not define one."
)


def tokens(text: str) -> int:
    """Words and signs."""
    return len(re.findall(r"\w+|[^\w\s]", text))


class RealServer(FakeLLMServer):
    """One of them.

    Args:
        kind: which.
        window: tokens of prompt and reply together.
        template: whether the model has a chat template.
        usage: whether ``stream_options`` is taken.
        schema: whether ``response_format`` is.
        port: where to listen.
    """

    def __init__(
        self,
        kind: Kind,
        window: int = 4096,
        *,
        template: bool = True,
        usage: bool = True,
        schema: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__("tiny", OWNERS[kind], port)
        self.kind, self.window = kind, window
        self.template, self.usage, self.schema = template, usage, schema
        self.loaded = False  # whether Ollama has the model in memory
        self.states_window = True  # whether it says its window before it is asked too much

    def answer_to(self, path: str, asked: Any) -> tuple[int, str] | None:
        routes: dict[tuple[str, str], Any] = {
            ("llamacpp", "/props"): {"default_generation_settings": {"n_ctx": self.window}},
            ("ollama", "/api/ps"): {"models": self._in_memory()},
            ("ollama", "/api/show"): {
                "parameters": f'stop    "<|im_end|>"\nnum_ctx    {self.window}',
                "model_info": {"qwen3.context_length": 40960},
            },
        }
        if path == "/v1/models":
            return 200, json.dumps({"object": "list", "data": [self._card()]})
        if path == "/tokenize" and self.kind in {"vllm", "llamacpp"}:
            said = list(range(tokens(asked.get("prompt") or asked["content"])))
            whole = {"count": len(said), "max_model_len": self.window, "tokens": said}
            return 200, json.dumps(whole if self.kind == "vllm" else {"tokens": said})
        if (self.kind, path) in routes:
            return 200, json.dumps(routes[self.kind, path])
        return super().answer_to(path, asked)

    def _in_memory(self) -> list[dict[str, Any]]:
        entry = {"name": self.model, "model": self.model, "context_length": self.window}
        return [entry] if self.loaded else []

    def _card(self) -> dict[str, Any]:
        card: dict[str, Any] = {"id": self.model, "object": "model", "owned_by": self.owner}
        if self.kind == "vllm" and self.states_window:
            return {**card, "root": "/m", "parent": None, "max_model_len": self.window}
        if self.kind == "llamacpp":
            return {**card, "meta": {"n_ctx_train": 131072, "n_vocab": 128256}}
        return card

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        refused = self._refused(asked)
        if refused:
            return refused
        return super().reply_to(asked)

    def _refused(self, asked: Mapping[str, Any]) -> Reply | None:
        if "messages" in asked and not self.template:
            return _error(400, {"message": NO_TEMPLATE, "type": "BadRequestError", "code": 400})
        if "stream_options" in asked and not self.usage:
            return _error(400, {"message": "Unknown parameter: 'stream_options'.", "code": 400})
        if "response_format" in asked and not self.schema:
            return _error(400, {"message": "response_format is not supported", "code": 400})
        said = asked.get("prompt") or " ".join(str(m["content"]) for m in asked["messages"])
        prompt = tokens(said)
        return None if prompt < self.window else self._too_long(prompt)

    def _too_long(self, prompt: int) -> Reply | None:
        if self.kind == "vllm":  # it stops counting one token behind the window
            message = (
                f"This model's maximum context length is {self.window} tokens. However, your prompt"
                f" contains at least {self.window + 1} input tokens, which exceeds this limit even"
                " without any output tokens. Please reduce the length of the input prompt."
                f" (parameter=input_tokens, value={self.window + 1})"
            )
            kind = {"type": "BadRequestError", "param": "input_tokens", "code": 400}
            return _error(400, {"message": message, **kind})
        if self.kind == "llamacpp":
            message = (
                f"request ({prompt} tokens) exceeds the available context size ({self.window}"
                " tokens), try increasing it"
            )
            size = {"n_prompt_tokens": prompt, "n_ctx": self.window}
            kind = {"code": 400, "type": "exceed_context_size_error"}
            return _error(400, {"message": message, **kind, **size})
        if self.kind == "tensorrt":
            message = (
                f"The sum of prompt length ({prompt}.0), query length (0) should not exceed"
                f" max_num_tokens ({self.window})"
            )
            return _error(400, {"message": message, "type": "BadRequestError", "code": 400})
        return None


def _error(status: int, error: Mapping[str, Any]) -> Reply:
    return Reply(status=status, body=json.dumps({"error": error}))
