"""Cases for vLLM's own planner: the catalog's architectures on a card, at three sizes of memory and two lengths."""

from collections.abc import Iterator
from dataclasses import dataclass

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.formats import FormatWishes, resolve_precision
from llm_calc.core.engines import MemoryPlan, Setup
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.engines.vllm_deepseek_v4 import is_packed
from llm_calc.core.engines.vllm_groups import Page
from llm_calc.core.engines.vllm_pages import frame_of, pages_of
from llm_calc.core.parallelism import Layout, stage_bounds

RELEASE = "0.33.0"
GIB = 2**30
MEMORIES_GIB = (4.0, 20.0, 60.0)
LENGTHS_TOKENS = (8192, 65536)
MODELS: tuple[tuple[str, str, int, int, str], ...] = (
    ("llama-3.1-8b", "h100-80gb-sxm", 1, 1, "auto"),
    ("llama-3.1-70b", "h100-80gb-sxm", 4, 2, "auto"),
    ("qwen3-32b", "h100-80gb-sxm", 2, 1, "fp8"),
    ("qwen3-235b-a22b", "h200-141gb-sxm", 8, 1, "auto"),
    ("gemma-2-27b", "h100-80gb-sxm", 2, 1, "auto"),
    ("gemma-3-1b", "h100-80gb-sxm", 1, 1, "auto"),
    ("gemma-3-27b", "b200-180gb-sxm", 1, 1, "auto"),
    ("gemma-3-27b", "h100-80gb-sxm", 2, 2, "auto"),
    ("gemma-4-26b-a4b", "h100-80gb-sxm", 2, 1, "auto"),
    ("gemma-4-31b", "h100-80gb-sxm", 2, 1, "auto"),
    ("gpt-oss-20b", "l40s", 1, 1, "auto"),
    ("gpt-oss-120b", "h100-80gb-sxm", 2, 1, "auto"),
    ("olmo3-32b", "h100-80gb-sxm", 2, 1, "auto"),
    ("exaone-4.0-32b", "h100-80gb-sxm", 2, 1, "auto"),
    ("command-r7b", "h100-80gb-sxm", 1, 1, "auto"),
    ("cwm-32b", "h100-80gb-sxm", 2, 1, "auto"),
    ("llama-4-scout", "h100-80gb-sxm", 8, 1, "auto"),
    ("ministral-8b", "h100-80gb-sxm", 1, 1, "auto"),
    ("mimo-v2-flash", "h200-141gb-sxm", 8, 1, "auto"),
    ("step-3.5-flash", "h200-141gb-sxm", 8, 1, "auto"),
    ("laguna-xs.2", "h100-80gb-sxm", 1, 1, "auto"),
    ("deepseek-v2-lite", "a100-80gb-sxm", 1, 1, "auto"),
    ("deepseek-v3", "h200-141gb-sxm", 8, 1, "auto"),
    ("deepseek-v3", "b200-180gb-sxm", 8, 1, "fp8"),
    ("deepseek-v3.2", "h200-141gb-sxm", 8, 1, "fp8"),
    ("deepseek-v4-flash", "h200-141gb-sxm", 4, 1, "fp8"),
    ("deepseek-v4-pro", "b200-180gb-sxm", 8, 1, "fp8"),
    ("kimi-k2.6", "h200-141gb-sxm", 8, 1, "auto"),
    ("kimi-linear-48b-a3b", "h100-80gb-sxm", 2, 1, "auto"),
    ("glm-5.2", "h200-141gb-sxm", 8, 1, "auto"),
    ("minimax-m2", "h200-141gb-sxm", 8, 1, "auto"),
    ("jamba-v0.1", "h100-80gb-sxm", 4, 1, "auto"),
    ("nemotron-3-nano-30b-a3b", "h100-80gb-sxm", 1, 1, "auto"),
    ("nemotron-3-super-120b-a12b", "h100-80gb-sxm", 4, 2, "auto"),
    ("nemotron-h-56b", "h100-80gb-sxm", 4, 1, "auto"),
    ("qwen3-next-80b-a3b", "h100-80gb-sxm", 4, 1, "auto"),
    ("qwen3.5-27b", "h100-80gb-sxm", 2, 1, "auto"),
    ("qwen3.5-9b", "l40s", 1, 1, "auto"),
    ("mamba2-2.7b", "h100-80gb-sxm", 1, 1, "auto"),
    ("falcon-mamba-7b", "h100-80gb-sxm", 1, 1, "auto"),
)
"""Model, card, tensor, pipeline, type of the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question, as the engine's planner takes it, and what the product answers."""

    key: dict[str, str | int]
    asked: dict[str, object]
    plan: MemoryPlan


def cases() -> Iterator[Case]:
    """Every model at every memory and length."""
    for model, gpu, tensor, pipeline, cache in MODELS:
        for memory in MEMORIES_GIB:
            for length in LENGTHS_TOKENS:
                yield planned_case(model, gpu, tensor, pipeline, cache, round(memory * GIB), length)


def planned_case(
    model: str, gpu: str, tensor: int, pipeline: int, cache: str, memory_bytes: int, length: int
) -> Case:
    """The product's plan with so many bytes for the cache, and the same caches for vLLM's planner."""
    catalogs = load_catalogs()
    reading = read_config(catalogs.model(model).config, name=model)
    wishes = FormatWishes(kv_cache=cache, engine="vllm")
    setup = Setup(
        model=reading.model,
        numbers=resolve_precision(reading.model, wishes, reading.quantization).numbers,
        layout=Layout(tensor=tensor, pipeline=pipeline),
        gpu=catalogs.gpu(gpu),
    )
    engine = build_engine("vllm", RELEASE, max_model_len=length, kv_cache_memory_bytes=memory_bytes)
    assert isinstance(engine, Vllm)
    key: dict[str, str | int] = {
        "model": model,
        "gpu": gpu,
        "tensor": tensor,
        "pipeline": pipeline,
        "kv_cache": cache,
    }
    return Case(
        key={**key, "memory_bytes": memory_bytes, "max_model_len": length},
        asked=_asked(engine, setup, memory_bytes, length),
        plan=engine.plan(setup),
    )


def _asked(engine: Vllm, setup: Setup, memory_bytes: int, length: int) -> dict[str, object]:
    paging = engine.paging()
    pages = pages_of(frame_of(setup), paging)
    bounds = stage_bounds(setup.model.num_layers, setup.layout.pipeline)
    states = paging.states_a_sequence(frame_of(setup))
    return {
        "packed": is_packed(setup.model),
        "max_model_len": length,
        "in_flight_tokens": engine.limits(setup).max_batched_tokens * engine.batches_in_flight(setup),
        "mamba_cache_mode": paging.mode(setup.model),
        "checkpoints": max(0, states - 2),
        "available_bytes": [memory_bytes] * len(bounds),
        "stages": [
            [_cache(place, page) for place, page in enumerate(pages) if page.layer in stage]
            for stage in bounds
        ],
    }


def _cache(place: int, page: Page) -> dict[str, object]:
    per_token = page.page_bytes / page.block_tokens if page.block_tokens else 0.0
    return {
        "name": f"layer.{page.layer}.{place}",
        "kind": page.kind,
        "block_tokens": page.block_tokens,
        "bytes_per_token": per_token,
        "state_bytes": page.page_bytes,
        "page_bytes": page.page_bytes,
        "window": page.window_tokens,
    }
