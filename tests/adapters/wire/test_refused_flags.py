"""Flags of engines that nothing here counts: each is refused with its home, none is passed over."""

import pytest

from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.core.engines import ENGINES, traits_of
from llm_calc.core.errors import InvalidInputError, UnsupportedError

FLAGS = [(engine, flag) for engine, rules in ENGINES.items() for flag in rules.traits.options.refused]


@pytest.mark.parametrize(("engine", "flag"), FLAGS)
def test_a_flag_is_refused_with_what_says_the_same(engine: str, flag: str) -> None:
    request = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": engine, flag: 2},
    }
    with pytest.raises(UnsupportedError, match=rf"^engine\.{flag}: .{{12}}") as refusal:
        MemoryPlanRequest.model_validate(request)
    assert traits_of(engine).options.refused[flag] in str(refusal.value)


def test_what_is_taken_is_not_refused() -> None:
    for engine, rules in ENGINES.items():
        flags = rules.traits.options.refused
        assert not {*flags} & {*ENGINE_PARTS[engine].model_fields, *homed_flags(engine)}


# Where a flag of vLLM's own list of arguments goes
HOMES = [
    ("max_lora_rank", "the part lora"),
    ("speculative_config", "the part speculative"),
    ("quantization", "precision.weights"),
    ("kv_transfer_config", "kv_tiers"),
    ("kv_offloading_size", "kv_tiers"),
    ("device_memory_utilization", "gpu_memory_utilization"),
]


@pytest.mark.parametrize(("flag", "home"), HOMES)
def test_homes_are_named(flag: str, home: str) -> None:
    assert home in traits_of("vllm").options.refused[flag]


def test_sglang_starts_few_models_without_their_encoder() -> None:
    """0.5.23 ``handle_language_model_only``: any model outside of a short list ends the start."""
    request: dict[str, dict[str, object]] = {
        "model": {"name": "qwen3-vl-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "sglang", "language_model_only": True},
    }
    with pytest.raises(InvalidInputError, match="DeepSeek-V4, Muse Glimmer and Cosmos 3 alone"):
        MemoryPlanRequest.model_validate(request)
    request["engine"] = {"name": "sglang", "language_model_only": False}
    MemoryPlanRequest.model_validate(request)
