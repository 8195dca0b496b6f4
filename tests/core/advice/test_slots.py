"""What llama.cpp's slots never take is held by no plan, whatever the GPU; what they may take is left to plans."""

from dataclasses import replace
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import planned_memory
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
