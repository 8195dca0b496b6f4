"""Where a model lies, over many models and cards: slower with all that moves to the host, never above its memory."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN, SERVING_ESTIMATE

MODELS = (
    "llama-3.1-8b",
    "gemma-3-12b",
    "gemma-4-e4b",
    "qwen3-30b-a3b",
    "gpt-oss-20b",
    "gemma-4-26b-a4b",
    "qwen3.5-35b-a3b",
    "deepseek-v2-lite",
    "mixtral-8x7b",
    "nemotron-3-nano-30b-a3b",
    "glm-4.5-air",
    "llama-4-scout",
    "mamba2-2.7b",
)
CARDS = ("rtx-4090", "rtx-3060-12gb", "rx-7900-xtx", "arc-b580", "l4", "h100-80gb-sxm")
HOST = {"memory_bytes": 256 << 30, "memory_bandwidth_bytes_per_s": 80e9}
models, cards = st.sampled_from(MODELS), st.sampled_from(CARDS)


def request(model: str, hardware: Any, **engine: Any) -> dict[str, Any]:
    return {
        "model": model,
        "precision": "q4_k_m",
        "hardware": hardware,
        "engine": {"name": "llama.cpp", "n_ctx": 8192, "n_parallel": 1, **engine},
        "workload": {"input_tokens": 2000, "output_tokens": 128},
    }


def estimated(model: str, hardware: Any, **engine: Any) -> Any:
    return SERVING_ESTIMATE.answered(request(model, hardware, **engine), load_catalogs())


def roomy(card: str, host: dict[str, Any] = HOST) -> dict[str, Any]:
    """A card that holds everything, so that options alone decide what lies where."""
    return {"gpu": card, "gpu_memory_bytes": 200 * 10**9, "host": host}


@settings(max_examples=8, deadline=None)
@given(model=models, card=cards, layers=st.lists(st.integers(0, 60), min_size=2, max_size=3))
def test_layers_on_the_host_never_make_it_faster(model: str, card: str, layers: list[int]) -> None:
    found = [estimated(model, roomy(card), n_gpu_layers=n) for n in (999, *sorted(layers, reverse=True), 0)]
    for name in ("tpot_s", "ttft_s"):
        times = [getattr(each, name) for each in found]
        assert times == sorted(times)


@settings(max_examples=8, deadline=None)
@given(model=models, card=cards, layers=st.lists(st.integers(0, 60), min_size=2, max_size=3))
def test_experts_on_the_host_never_make_it_faster(model: str, card: str, layers: list[int]) -> None:
    found = [estimated(model, roomy(card), n_gpu_layers=999, n_cpu_moe=n) for n in (0, *sorted(layers), 99)]
    for name in ("tpot_s", "ttft_s"):
        times = [getattr(each, name) for each in found]
        assert times == sorted(times)


@settings(max_examples=5, deadline=None)
@given(model=models, card=cards)
def test_all_layers_on_the_gpu_are_the_gpus_own_answer(model: str, card: str) -> None:
    asked, own = estimated(model, roomy(card), n_gpu_layers=999), estimated(model, roomy(card))
    assert (asked.tpot_s, asked.ttft_s) == (own.tpot_s, own.ttft_s)


@settings(max_examples=8, deadline=None)
@given(model=models, card=cards, bandwidth=st.floats(2e10, 4e11), layers=st.integers(0, 60))
def test_nothing_is_faster_than_the_host_reads_what_it_holds(
    model: str, card: str, bandwidth: float, layers: int
) -> None:
    answer = estimated(
        model, roomy(card, {**HOST, "memory_bandwidth_bytes_per_s": bandwidth}), n_gpu_layers=layers
    )
    read = sum(row.bytes for row in answer.operators if row.phase == "decode" and "host" in row.name)
    assert answer.tpot_s >= read / bandwidth
    assert layers or read > 0
    assert answer.interval.tpot_s is not None
    # answers round to six digits
    assert answer.interval.tpot_s.low >= read / bandwidth * (1 - 1e-5)


@settings(max_examples=4, deadline=None)
@given(model=models, card=cards)
def test_two_equal_cards_in_a_list_are_two_of_them(model: str, card: str) -> None:
    one = {"gpu": card, "gpu_memory_bytes": 200 * 10**9}
    listed, counted = request(model, [one, one]), request(model, {**one, "count": 2})
    for operation in (SERVING_ESTIMATE, MEMORY_PLAN):
        assert operation.answered(listed, load_catalogs()) == operation.answered(counted, load_catalogs())


@pytest.mark.parametrize("model", MODELS)
def test_the_plan_and_the_estimate_put_the_same_on_the_host(model: str) -> None:
    """A card that is too small: what the plan leaves with the host is what the estimate is slow for."""
    hardware = {"gpu": "rtx-3060-12gb", "host": HOST}
    plan = MEMORY_PLAN.answered(request(model, hardware), load_catalogs())
    answer = estimated(model, hardware)
    assert any("on the host" in words for words in answer.assumptions) == any(
        "n_gpu_layers" in words or "with the host" in words for words in plan.assumptions
    )
