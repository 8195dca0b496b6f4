"""Settings come from the environment, are checked, and are all documented."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from llm_calc.api.settings import Settings

DOCUMENTED = Path(__file__).parents[2] / "docs" / "settings.md"


def test_defaults() -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.max_body_bytes == 2**23


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_CALC_PORT", "9000")
    monkeypatch.setenv("LLM_CALC_REQUEST_TIME_LIMIT_S", "2.5")
    monkeypatch.setenv("LLM_CALC_CATALOGS_PATH", "elsewhere")
    settings = Settings()
    assert (settings.port, settings.request_time_limit_s) == (9000, 2.5)
    assert settings.catalogs_path == Path("elsewhere")


def test_names_are_of_any_case_and_what_is_given_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("llm_calc_port", "9000")
    monkeypatch.setenv("LLM_CALC_HEAVY_PROCESS", "off")
    monkeypatch.setenv("LLM_CALC_NO_SETTING", "1")
    assert (Settings().port, Settings(port=0).port, Settings().heavy_process) == (9000, 0, False)
    with pytest.raises(ValidationError, match="no_setting"):
        Settings(no_setting=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("MAX_BODY_BYTES", "0"), ("LOG_LEVEL", "loud"), ("REQUEST_TIME_LIMIT_S", "0")],
)
def test_unsound_values_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LLM_CALC_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_they_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_is_documented_with_its_default(name: str) -> None:
    field = Settings.model_fields[name]
    default = "" if field.default is None else f"`{field.default}`"
    row = f"| `LLM_CALC_{name.upper()}` | {default} | {field.description} |"
    assert row in DOCUMENTED.read_text(encoding="utf-8")
