"""A smaller or larger GPU that holds the same."""

from dataclasses import replace

from llm_calc.adapters.memory_advice import MOST_GPUS, Asked, holds
from llm_calc.adapters.runs_on import runs_at_all
from llm_calc.adapters.wire.memory import RecommendedGpu
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.hardware import Gpu


def recommended_gpu(
    setup: Setup, engine: Engine, asked: Asked, gpus: tuple[Gpu, ...]
) -> RecommendedGpu | None:
    """The same vendor's GPU with the least memory that holds it on as many GPUs; else on twice as many, and so on."""
    engine = replace(engine, fit=False) if isinstance(engine, LlamaCpp) else engine
    comparable = (gpu for gpu in gpus if _comparable(gpu, setup) and runs_at_all(engine.name, gpu))
    known = sorted(comparable, key=_size)
    layout = setup.layout
    while layout.gpus <= MOST_GPUS:
        for gpu in known:
            if holds(replace(setup, gpu=gpu, unlike=(), layout=layout), engine, asked):
                memory = gpu.usable_memory_bytes
                return RecommendedGpu(gpu=gpu.id, name=gpu.name, count=layout.gpus, memory_bytes=memory)
        field = "pipeline" if engine.name == "llama.cpp" else "tensor"
        layout = replace(layout, stage_layers=(), **{field: 2 * getattr(layout, field)})
    return None


def _size(gpu: Gpu) -> tuple[int, float]:
    return gpu.usable_memory_bytes, -gpu.memory_bandwidth_bytes_per_s


def _comparable(gpu: Gpu, setup: Setup) -> bool:
    """Of the same vendor and kind of memory, and with the arithmetic that the requested GPU has for the weights."""
    like, compute = setup.gpu, setup.numbers.recipe.default.compute
    native = compute is None or gpu.supports(compute) or not like.supports(compute)
    return gpu.vendor == like.vendor and gpu.unified_memory == like.unified_memory and native
