"""Settings come from a file, variables and the command line, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.settings import Settings
from corpus.errors import UserError
from scripts import make_settings_page
from scripts.make_settings_page import PAGE


def test_the_page_about_settings_says_what_they_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == make_settings_page.page(), "run `python -m scripts.make_settings_page`"


def write(home: Path, text: str) -> None:
    (home / "alcove.toml").write_text(text, encoding="utf-8")


def load(home: Path, overrides: dict[str, dict[str, object]] | None = None, **env: str) -> Settings:
    return Settings.load(home, overrides, env)


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.corpus.home == tmp_path
    assert (settings.service.host, settings.service.port) == ("127.0.0.1", 8700)
    assert settings.llm.url == ""


def test_later_layers_win_and_leave_the_other_keys_alone(tmp_path: Path) -> None:
    write(tmp_path, '[llm]\nurl = "http://file/v1"\nmodel = "file"\ngap_s = 1\n')
    settings = load(
        tmp_path,
        {"llm": {"model": "line"}},
        ALCOVE_LLM__URL="http://variable/v1",
        ALCOVE_LLM__MODEL="variable",
    )
    llm = settings.llm
    assert (llm.url, llm.model, llm.gap_s) == ("http://variable/v1", "line", 1.0)


def test_variables_are_read_as_their_setting_s_type(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        ALCOVE_LLM__DISCOVER="false",
        ALCOVE_SERVICE__PORT="9000",
        ALCOVE_SERVICE__ALLOWED_HOSTS='["service"]',
    )
    assert settings.llm.discover is False
    assert settings.service.port == 9000
    assert settings.service.allowed_hosts == ("service",)


def test_the_home_is_the_argument_then_the_variable(tmp_path: Path) -> None:
    named = tmp_path / "named"
    assert Settings.load(None, None, {"ALCOVE_HOME": str(named)}).corpus.home == named
    assert Settings.load(tmp_path, None, {"ALCOVE_HOME": str(named)}).corpus.home == tmp_path


def test_variables_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    load(tmp_path, ALCOVE_PIP_ARGS="--quiet", ALCOVE_SERVICE="http://127.0.0.1:1", PATH="/bin")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[llm]\nulr = "x"\n', r"'llm\.ulr'.*url"),
        ("[lmm]\n", r"'lmm'.*llm"),
        ("llm = 3\n", r"\[llm\]"),
        ("[service]\nport = 99999\n", r"'service\.port'"),
        ("[service\n", r"alcove\.toml' is not a TOML file"),
        ('[corpus]\nhome = "/x"\n', "--home or ALCOVE_HOME"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    write(tmp_path, text)
    with pytest.raises(UserError, match=named):
        load(tmp_path)


def test_a_mistake_in_a_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'llm\.ulr'"):
        load(tmp_path, ALCOVE_LLM__ULR="x")
    with pytest.raises(UserError, match="ALCOVE_SERVICE__ALLOWED_HOSTS"):
        load(tmp_path, ALCOVE_SERVICE__ALLOWED_HOSTS="[oops")


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, ALCOVE_LLM__API_KEY="sk-private")
    assert settings.llm.api_key.get_secret_value() == "sk-private"
    assert "sk-private" not in repr(settings)


def test_every_setting_is_described() -> None:
    for name, section in Settings.model_fields.items():
        assert section.description, name
        for key, field in section.annotation.model_fields.items():  # type: ignore[union-attr]
            assert field.description, f"{name}.{key}"
