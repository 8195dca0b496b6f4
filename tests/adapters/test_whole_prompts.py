"""TensorRT-LLM takes no prompt longer than a step unless it is told to cut them; a server answers it with an error.

https://github.com/NVIDIA/TensorRT-LLM/issues/9277: 9351 tokens under the default of 8192.
"""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.workload_rules import most_prompt_tokens

H100 = "h100-80gb-sxm"
LONG = {"input_tokens": 9351, "output_tokens": 200, "concurrency": 4}


def planned(workload: dict[str, Any], engine: str = "trtllm", **options: Any) -> Any:
    return llm_calc.memory_plan(
        model="llama-3.1-8b",
        hardware=H100,
        engine={"name": engine, **options},
        workload=workload,
    )


def test_a_prompt_longer_than_a_step_does_not_fit() -> None:
    answer = planned(LONG)
    assert answer.starts
    assert not answer.fits
    assert "9351 tokens is refused" in answer.reason
    assert "engine.enable_chunked_prefill" in answer.reason
    assert ("engine.max_num_tokens", 9351) in [(each.field, each.value) for each in answer.changes_that_fit]


@pytest.mark.parametrize(
    "options", [{"enable_chunked_prefill": True}, {"max_num_tokens": 9351}, {"max_num_tokens": 16_384}]
)
def test_cut_or_in_a_longer_step_it_does(options: dict[str, Any]) -> None:
    assert planned(LONG, **options).fits


def test_it_is_the_prompt_that_counts() -> None:
    assert planned({"input_tokens": 8192, "output_tokens": 2000, "concurrency": 4}).fits


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_other_servers_cut_by_themselves(engine: str) -> None:
    assert planned(LONG, engine).fits


def test_what_becomes_of_long_prompts_is_said() -> None:
    words = " ".join(planned(LONG | {"input_tokens": 100}).assumptions)
    assert "prompts of more than 8192 tokens (max_num_tokens) are refused" in words
    cut = " ".join(planned(LONG, enable_chunked_prefill=True).assumptions)
    assert "are cut into steps (enable_chunked_prefill)" in cut
    assert "8192" not in " ".join(planned(LONG | {"input_tokens": 100}, max_seq_len=4096).assumptions)


def test_an_estimate_says_so() -> None:
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": H100, "workload": LONG}
    words = llm_calc.estimate(**asked, engine="trtllm").warnings
    assert any("9351 tokens is refused" in word for word in words)
    cut = {"name": "trtllm", "enable_chunked_prefill": True}
    assert not any("refused" in word for word in llm_calc.estimate(**asked, engine=cut).warnings)


@pytest.mark.parametrize(("input_tokens", "cut"), [(4000, False), (20_000, True)])
def test_a_plan_starts_it_so_that_it_takes_the_prompts(input_tokens: int, cut: bool) -> None:
    answer = llm_calc.plan(
        model="llama-3.1-8b",
        workload={"input_tokens": input_tokens, "output_tokens": 200, "concurrency": 4},
        gpus=[H100],
        engines=["trtllm"],
        max_plans=2,
    )
    assert answer.plans
    assert all(("enable_chunked_prefill: true" in plan.launch_command) == cut for plan in answer.plans)


SESSIONS = {"turns": 3, "growth_tokens": 100}


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"input_tokens": 50, "output_tokens": 20, "concurrency": 1}, 50),
        ({"input_tokens": 50, "output_tokens": 20, "concurrency": 1, "sessions": SESSIONS}, 50 + 2 * 120),
        (
            {
                "concurrency": 1,
                "classes": [
                    {"name": "a", "share": 0.5, "input_tokens": 90, "output_tokens": 10},
                    {"name": "b", "share": 0.5, "input_tokens": 40, "output_tokens": 400},
                ],
            },
            90,
        ),
    ],
)
def test_the_longest_prompt(fields: dict[str, Any], tokens: int) -> None:
    assert most_prompt_tokens(WorkloadPart.model_validate(fields)) == tokens


@pytest.mark.parametrize(
    ("engine", "option", "value"),
    [("vllm", "enable_chunked_prefill", False), ("sglang", "chunked_prefill_size", -1)],
)
def test_how_prompts_that_are_left_whole_are_timed_is_said(engine: str, option: str, value: Any) -> None:
    found = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware=H100,
        engine={"name": engine, option: value, **({"max_model_len": 8192} if engine == "vllm" else {})},
        workload={"input_tokens": 4096, "output_tokens": 200, "concurrency": 4},
    )
    assert any(word.startswith(f"engine.{option}: leaves prompts whole") for word in found.warnings)
    assert found.basis.kind == "formula_only"


@pytest.mark.parametrize("size", [0, -2])
def test_no_other_size_below_one_is_taken(size: int) -> None:
    with pytest.raises(llm_calc.InvalidInputError, match="must be greater than or equal to 1 or -1"):
        planned(LONG, "sglang", chunked_prefill_size=size)
