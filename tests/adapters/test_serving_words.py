"""What answers say of waits: what is waited for, and that nobody waits for minutes."""

from typing import Any

import pytest

import llm_calc

LENGTHS: dict[str, Any] = {"input_tokens": 200, "output_tokens": 50}


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (
            {"name": "llama.cpp"},
            "the server has 4 slots, one for each request (n_parallel; of ollama num_parallel)",
        ),
        ({"name": "vllm", "max_num_seqs": 16}, "the engine runs 16 requests at once by its own limit"),
        ({"name": "vllm", "kv_cache_memory_bytes": 2**30, "max_model_len": 512}, "the KV cache holds about "),
    ],
)
def test_requests_wait_for_what_there_is_too_little_of(engine: dict[str, Any], said: str) -> None:
    found = llm_calc.estimate(
        model={"name": "llama-3.1-8b"},
        hardware={"gpu": "h100-80gb-sxm"},
        engine=engine,
        workload={**LENGTHS, "concurrency": 64},
    )
    assert any(said in words and words.endswith("; the others wait") for words in found.warnings)


def test_a_plan_whose_first_tokens_take_minutes_says_so() -> None:
    question: dict[str, Any] = {
        "model": {"name": "llama-3.1-70b"},
        "gpus": ["apple-m3-ultra-256gb"],
        "objective": "gpus",
        "limits": {"max_gpus": 1},
    }
    slow = llm_calc.plan(
        **question, workload={"input_tokens": 30_000, "output_tokens": 100, "concurrency": 4}
    )
    quick = llm_calc.plan(**question, workload={**LENGTHS, "concurrency": 2})
    assert slow.plans[0].ttft_s > 60
    assert any(words.startswith("ttft_s: a first token comes after") for words in slow.plans[0].notes)
    assert not any(words.startswith("ttft_s:") for words in quick.plans[0].notes)
