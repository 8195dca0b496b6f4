"""An estimate says what its memory plan holds where its figures take more, and takes what it says."""

import re
from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs

WORDS = r"^hardware: .* holds (\d+) requests? of this length; figures take (\d+\.\d), (.*)"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            {
                "model": "nemotron 3 nano",
                "hardware": {"gpu": "h100", "count": 1},
                "engine": {"name": "sglang"},
                "workload": {"input_tokens": 4000, "output_tokens": 500, "concurrency": 64},
            },
            "one slot of recurrent state a request",
        ),
        (
            {
                "model": "deepseek-v3",
                "hardware": {"gpu": "b200", "count": 4},
                "engine": {"name": "trtllm", "enable_chunked_prefill": True},
                "workload": {"input_tokens": 20_000, "output_tokens": 300, "concurrency": 32},
            },
            "the least that was seen in measurements",
        ),
    ],
)
def test_figures_that_take_more_than_the_plan_holds_say_so(body: dict[str, Any], why: str) -> None:
    catalogs = load_catalogs()
    planned = operations.MEMORY_PLAN.answered(body, catalogs)
    found = operations.SERVING_ESTIMATE.answered(body, catalogs)
    said = [match for each in found.warnings if (match := re.match(WORDS, each))]
    assert len(said) == 1, found.warnings
    assert int(said[0][1]) == planned.sequences_that_fit
    assert said[0][2] == f"{found.resolved.kv_capacity_sequences:.1f}"
    assert said[0][3].startswith(why)
    assert (
        planned.sequences_that_fit < found.resolved.running_sequences <= found.resolved.kv_capacity_sequences
    )


def test_nothing_is_said_where_the_plan_holds_the_load() -> None:
    body = {
        "model": "nemotron 3 nano",
        "hardware": {"gpu": "h100", "count": 1},
        "engine": {"name": "sglang"},
        "workload": {"input_tokens": 4000, "output_tokens": 500, "concurrency": 12},
    }
    found = operations.SERVING_ESTIMATE.answered(body, load_catalogs())
    assert not [each for each in found.warnings if "figures take" in each]


def test_a_cache_of_measured_runs_is_told_from_the_format_of_the_plan() -> None:
    body = {
        "model": "deepseek-v3",
        "hardware": {"gpu": "h200", "count": 8},
        "workload": {"input_tokens": 60_000, "output_tokens": 500, "concurrency": 15},
    }
    catalogs = load_catalogs()
    planned = operations.MEMORY_PLAN.answered(body, catalogs)
    found = operations.SERVING_ESTIMATE.answered(body, catalogs)
    assert (planned.kv_cache.format, found.resolved.kv_cache) == ("bf16", "fp8")
    said = next(each for each in found.assumptions if each.startswith("precision.kv_cache: fp8"))
    assert "a memory plan counts bf16, the engine's own default, and may hold fewer requests" in said
    same = operations.MEMORY_PLAN.answered({**body, "precision": {"kv_cache": "fp8"}}, catalogs)
    assert planned.sequences_that_fit < 15 <= same.sequences_that_fit
