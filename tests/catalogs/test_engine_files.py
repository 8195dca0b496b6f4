"""The engines' constants and the tables of the memory page are what the shipped logs give."""

from statistics import median

import pytest

from llm_calc.adapters.engines import engine_rules
from tools.fit_memory import (
    PAGE,
    constants_table,
    overhead_pairs,
    overhead_table,
    relative_errors,
    size_table,
    with_tables,
    write_constants,
)
from tools.startup_logs import Log, fit, read_logs

LOGS = read_logs()


def test_constants_are_as_fitted() -> None:
    assert write_constants(fit(LOGS), check=True) == []


def test_the_page_shows_the_present_errors() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tables = {
        "constants": constants_table(fit(LOGS)),
        "sizes": size_table(LOGS),
        "overheads": overhead_table(LOGS),
    }
    assert with_tables(text, tables) == text


@pytest.mark.parametrize(
    ("name", "most", "share"), [("weights_gib", 0.03, 0.9), ("bytes_per_token", 0.01, 0.9)]
)
def test_sizes_meet_the_logs(name: str, most: float, share: float) -> None:
    errors = [
        error for engine in ("vllm", "sglang", "llama.cpp") for error in relative_errors(LOGS, engine, name)
    ]
    assert sum(error <= most for error in errors) >= share * len(errors)


@pytest.mark.parametrize(("name", "most_gib"), [("activation_peak_gib", 0.05), ("non_torch_gib", 0.05)])
def test_overheads_meet_the_logs_of_models_left_out(name: str, most_gib: float) -> None:
    _, left_out = overhead_pairs(LOGS, name)
    assert median(abs(logged - mine) for mine, logged in left_out) <= most_gib


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.cells["source"][-60:])
def test_every_log_is_planned(log: Log) -> None:
    plan = log.plan()
    assert plan.budget.weights_bytes > 0
    assert plan.engine == log.cells["engine"]


@pytest.mark.parametrize("version", ["0.11", "0.16", "0.17", "0.19", "0.20", "0.27", "0.33"])
def test_vllm_states_how_many_logs_are_behind_its_constants(version: str) -> None:
    assert all(constant.logs > 0 for constant in engine_rules("vllm", version).constants)


def test_constants_are_fitted_by_release() -> None:
    """The sampler of 0.17 takes two fifths of what that of 0.11 took."""
    found = {key: constant.value for key, constant in fit(LOGS).items()}
    assert found["0.11.0", "sampler_bytes_per_logit"] == pytest.approx(38.4, rel=0.01)
    assert found["0.17.0", "sampler_bytes_per_logit"] == pytest.approx(14.9, rel=0.01)
    assert found["0.19.0", "context_bytes"] > found["0.11.0", "context_bytes"]
    assert found["0.19.0", "group_bytes"] > 10 * found["0.11.0", "group_bytes"]
