"""What has been learned of one model behind one server: its window, its tokens, what it takes.

The window comes from the server where it says so: ``max_model_len`` (vLLM, SGLang), ``n_ctx``
(llama.cpp), the loaded model's context or ``num_ctx`` (Ollama, which cuts a longer prompt without a
word); TensorRT-LLM says nothing. An error about the window says more. Tokens are counted by the
server's ``/tokenize`` (vLLM, llama.cpp), else estimated, and the estimate is corrected by the usage
of earlier calls. Safe to use from several threads; knows nothing of prompts.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from agents.models.discover import UNREADABLE, fetch_json

__all__ = ["DEFAULT_WINDOW", "LETTERS", "Facts", "estimate", "window_in"]

DEFAULT_WINDOW: Final = 8192  # tokens; what nearly every model served today can take
LETTERS: Final = 3  # of a token, at least: English has four, code and other languages fewer
_OLLAMA_WINDOW = (
    4096  # its default where little memory is free; it says more once a model is loaded
)
_FACTOR = (0.4, 4.0)  # how far usage may correct an estimate
_WORST = 3.0
_ASK_S = 0.5  # nothing can be written before, and nobody can stop it
_COUNT_S = 2.0  # by a server that has just answered
_WINDOW = re.compile(
    r"context (?:length|window|size)\D{0,40}?(?:is|of|:|\()\s*(\d+)"
    r"|max_(?:num_tokens|seq_len|input_len)\W{0,3}(\d+)"
    r"|exceeds? (?:the )?(?:available )?context\D{0,40}(\d+)",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\((\d+) in the messages|contains (?:at least )?(\d+) input tokens|prompt length \((\d+)"
    r"|(?:request|input) \((\d+) tokens\)|has (\d+) input tokens",
    re.IGNORECASE,
)


def estimate(text: str) -> int:
    """Tokens of ``text``, rather too many: ``LETTERS`` of Latin script each, else one per character."""
    ascii_ = len(text.encode("ascii", "ignore"))
    return ascii_ // LETTERS + (len(text) - ascii_) + 1


def window_in(message: str) -> tuple[int, int] | None:
    """The window and the prompt's tokens (0: not said) in an error about too long a prompt.

    ``None`` if the message is about something else; a window of 0 if it does not say how long.
    """
    low = message.lower()
    if "context" not in low and "max_num_tokens" not in low and "max_seq_len" not in low:
        return None
    if not re.search(r"exceed|longer|too long|maximum context|too many|reduce|overflow", low):
        return None
    return _number(_WINDOW, message), _number(_ASKED, message)


def _number(pattern: re.Pattern[str], message: str) -> int:
    found = pattern.search(message)
    return int(next(group for group in found.groups() if group)) if found else 0


class Facts:
    """Of one model.

    Args:
        url: the server's base URL, which ends in ``/v1``.
        api_key: sent as a bearer token; empty: none.
        context_tokens: the window that the settings give; 0: what the server says.
        again_s: seconds after which a server that did not answer is asked for its window again.
    """

    def __init__(
        self, url: str, api_key: str = "", context_tokens: int = 0, again_s: float = 10.0
    ) -> None:
        self._url, self._key, self._set, self._again_s = url, api_key, context_tokens, again_s
        self._not_before = 0.0
        self._lock = threading.Lock()
        self._window: int | None = None
        self._tokenizer = ""  # whose: vllm or llamacpp; empty: none, so tokens are estimated
        self._factor = 1.0
        self.takes_usage = True  # ``stream_options``, until it says that it does not
        self.takes_schema = True  # ``response_format``
        self.has_template = True  # for chats; without one it is sent a plain transcript

    def window(self, model: str) -> int:
        """The model's window in tokens; asks the server the first time, for half a second or so."""
        with self._lock:
            if self._window is not None:
                return self._window
            said, stays = self._ask(model) if time.monotonic() >= self._not_before else (0, False)
            known = [tokens for tokens in (said, self._set) if tokens]
            window = min(known) if known else DEFAULT_WINDOW
            self._window = window if stays else None
            return window

    def narrow(self, window: int, prompt_tokens: int, sent: int) -> None:
        """Learn from an error: the ``window`` (0: not said), and the tokens of a prompt believed to have ``sent``."""
        with self._lock:
            if window:
                self._window = window
            # Not said, or counted only up to the window, as vLLM does: the worst is a token per letter.
            counted = prompt_tokens > window + 1
            factor = self._factor * prompt_tokens / max(sent, 1) * 1.1 if counted else _WORST
            self._factor = min(_FACTOR[1], max(factor, self._factor))

    def learn(self, believed: int, prompt_tokens: int) -> None:
        """Correct the estimate by what a prompt believed to have so many tokens really had."""
        if believed and prompt_tokens and not self._tokenizer:
            with self._lock:
                factor = self._factor * prompt_tokens / believed
                mixed = max(factor * 1.05, 0.7 * self._factor + 0.3 * factor)
                self._factor = min(_FACTOR[1], max(_FACTOR[0], mixed))

    def count(self, text: str, model: str, *, exactly: bool = False) -> int:
        """Tokens of ``text``; ``exactly`` asks the server if it has a way to say."""
        if exactly and self._tokenizer:
            try:
                return self._tokenized(text, model)
            except UNREADABLE:
                self._tokenizer = ""
        return int(estimate(text) * self._factor) + 1

    def _tokenized(self, text: str, model: str) -> int:
        ours = {"model": model, "prompt": text, "add_special_tokens": False}
        body = ours if self._tokenizer == "vllm" else {"content": text}
        reply = self._fetch("/tokenize", body, _COUNT_S)
        return int(reply["count"]) if "count" in reply else len(reply["tokens"])

    def _fetch(
        self, path: str, body: Mapping[str, Any] | None = None, seconds: float = _ASK_S
    ) -> Any:
        """From the server's root, where everything that OpenAI's protocol lacks is."""
        return fetch_json(self._url.removesuffix("/v1") + path, seconds, self._key, body)

    def _ask(self, model: str) -> tuple[int, bool]:
        """The window that the server states (0: it does not), and whether it will go on saying so."""
        try:
            cards = fetch_json(f"{self._url}/models", _ASK_S, self._key)["data"]
            card = next((c for c in cards if c.get("id") == model), cards[0])
            owner, meta = card.get("owned_by"), card.get("meta") or {}
            if card.get("max_model_len"):
                self._tokenizer = "vllm" if owner == "vllm" else ""
                return int(card["max_model_len"]), True
            if owner == "llamacpp":
                self._tokenizer = "llamacpp"
                said = meta.get("n_ctx") or self._llamacpp() or meta.get("n_ctx_train") or 0
                return int(said), True
            return self._ollama(model) if owner == "library" else (0, True)
        except UNREADABLE:
            self._not_before = time.monotonic() + self._again_s
            return 0, False

    def _llamacpp(self) -> int:
        try:
            return int(self._fetch("/props")["default_generation_settings"]["n_ctx"])
        except UNREADABLE:
            return 0

    def _ollama(self, model: str) -> tuple[int, bool]:
        """Of the loaded model; until it is loaded, what it will probably be."""
        loaded = self._fetch("/api/ps").get("models") or []
        named = (m for m in loaded if model in (m.get("name"), m.get("model")))
        if length := next((m.get("context_length") for m in named), None):
            return int(length), True
        shown = self._fetch("/api/show", {"model": model})
        if found := re.search(r"^num_ctx\s+(\d+)", shown.get("parameters") or "", re.MULTILINE):
            return int(found[1]), False
        info = (shown.get("model_info") or {}).items()
        trained = [int(value) for key, value in info if key.endswith(".context_length")]
        return min([_OLLAMA_WINDOW, *trained]), False
