"""What llama.cpp's slots never take is held by no plan, whatever the GPU; what they may take is left to plans."""

from dataclasses import replace
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import answer_memory_plan, planned_memory
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.core.advice.slots import lacks_slots
from llm_calc.core.deployments.question import Asked, serves
from llm_calc.core.engines.llama_cpp import LlamaCpp

FOUR = {"n_parallel": 4}


@pytest.mark.parametrize(
    ("options", "sequences", "tokens", "lacking"),
    [
        # Four slots of their own: 32768 / 4 tokens each.
        ({"n_ctx": 32768, "kv_unified": False, **FOUR}, 4, 8192, False),
        ({"n_ctx": 32768, "kv_unified": False, **FOUR}, 5, 8192, True),
        ({"n_ctx": 32768, "kv_unified": False, **FOUR}, 1, 8193, True),
        # One cache that four share: two of 16384 fill it, though no slot is too short for a third.
        ({"n_ctx": 32768, "kv_unified": True, **FOUR}, 2, 16384, False),
        ({"n_ctx": 32768, "kv_unified": True, **FOUR}, 3, 16384, True),
        # The context is open: at most the model's own of 131072, shared by the four slots that it takes by itself.
        ({}, 4, 32768, False),
        ({}, 5, 1000, True),
    ],
)
def test_slots_by_hand(options: dict[str, Any], sequences: int, tokens: int, *, lacking: bool) -> None:
    catalogs = load_catalogs()
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "llama.cpp", **options},
    }
    planned = planned_memory(MemoryPlanRequest.model_validate(body), catalogs)
    setup, engine = planned.subject.setup, planned.engine
    assert isinstance(engine, LlamaCpp)
    asked = Asked(sequences=sequences, context_tokens=tokens)
    assert lacks_slots(setup, engine, asked) == lacking
    held = [
        serves(engine.plan(replace(setup, gpu=gpu)), asked)
        for gpu in catalogs.gpus
        if gpu.vendor == setup.gpu.vendor and not gpu.unified_memory
    ]
    assert any(held) != lacking


def test_other_engines_make_no_places_at_start() -> None:
    body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "rtx-4090"}, "engine": {"name": "vllm"}}
    planned = planned_memory(MemoryPlanRequest.model_validate(body), load_catalogs())
    asked = Asked(sequences=10**6, context_tokens=1000)
    assert not lacks_slots(planned.subject.setup, planned.engine, asked)


@pytest.mark.parametrize(
    ("options", "workload", "expected"),
    [
        # Eight slots of 32768 / 8 = 4096 are too short for 8128 tokens, padded to 8192, of which 32768 holds four.
        (
            {"n_parallel": 8},
            {"input_tokens": 8000, "output_tokens": 128, "concurrency": 4},
            {"n_parallel": 4},
        ),
        # Sixteen of 1032 tokens, padded to 1280, want 16 x 1280 = 20480 cells: 32768 holds 25 such slots.
        (
            {"n_parallel": 8},
            {"input_tokens": 1000, "output_tokens": 32, "concurrency": 16},
            {"n_parallel": 25},
        ),
        # Sixteen of 4128, padded to 4352: 69632 cells, more than 32768.
        (
            {"n_parallel": 8},
            {"input_tokens": 4000, "output_tokens": 128, "concurrency": 16},
            {"n_ctx": 69632, "n_parallel": 16},
        ),
    ],
)
def test_slots_that_are_enough_are_named(
    options: dict[str, Any], workload: dict[str, Any], expected: dict[str, int]
) -> None:
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "llama.cpp", "n_ctx": 32768, **options},
        "workload": workload,
    }
    answer = answer_memory_plan(MemoryPlanRequest.model_validate(body), load_catalogs())
    assert not answer.fits
    said = [{change.field: change.value, **change.also} for change in answer.changes_that_fit]
    wanted = {f"engine.{name}": value for name, value in expected.items()}
    found = [
        each
        for each in said
        if {**each, "engine.name": "llama.cpp"} == {**wanted, "engine.name": "llama.cpp"}
    ]
    assert found
    body["engine"] = {**body["engine"], **expected}
    assert answer_memory_plan(MemoryPlanRequest.model_validate(body), load_catalogs()).fits
