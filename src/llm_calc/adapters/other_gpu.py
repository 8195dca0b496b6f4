"""A smaller or larger GPU that holds the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llm_calc.adapters.catalog.sizes import chip_of
from llm_calc.adapters.runs_on import runs_at_all, runs_format
from llm_calc.adapters.wire.memory import RecommendedGpu
from llm_calc.core.advice.memory import MOST_GPUS, holds
from llm_calc.core.advice.slots import lacks_slots
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.llama_cpp_loading import MOST_DEVICES, whole_bytes
from llm_calc.core.engines.llama_cpp_split import HostTensors
from llm_calc.core.hardware import Gpu
from llm_calc.core.parallelism import Layout

FAMILIES_AT_HOME = ("GeForce RTX", "Radeon", "Arc")
"""Cards that are sold to put into a machine of one's own; who has one is told of these first."""
MOST_AT_HOME = 4
"""Of such cards, as many as a mainboard takes [GPUs]."""
NOTHING_KEPT: HostTensors = ()
"""What is whole keeps no tensor of a layer with the host."""


def recommended_gpu(
    setup: Setup, engine: Engine, asked: Asked, gpus: tuple[Gpu, ...]
) -> RecommendedGpu | None:
    """The same vendor's GPU with the least memory that holds it on as many GPUs; else on more of them, and so on.

    Of one's own card another that is sold so, up to ``MOST_AT_HOME`` of them, before any for servers; of a chip that
    shares the machine's memory, where that is too small, a larger size of the same chip before others.
    """
    if never_whole(setup, engine) or lacks_slots(setup, engine, asked):
        return None
    comparable = (gpu for gpu in gpus if _comparable(gpu, setup) and _runs(setup, engine, gpu))
    known = sorted(comparable, key=_size)
    if setup.gpu.unified_memory and not _holds(replace(setup, unlike=()), engine, asked):
        same = [gpu for gpu in known if chip_of(gpu) == chip_of(setup.gpu)]
        found = _smallest(setup, engine, asked, same, setup.layout.gpus)
        if found is not None:
            return found
    if setup.gpu.family in FAMILIES_AT_HOME:
        own = [gpu for gpu in known if gpu.family in FAMILIES_AT_HOME]
        found = _smallest(setup, engine, asked, own, MOST_AT_HOME)
        if found is not None:
            return found
    alone = setup.gpu.unified_memory and setup.gpu.gpus_per_fast_domain == 1
    return _smallest(setup, engine, asked, known, setup.layout.gpus if alone else MOST_GPUS)


def _smallest(
    setup: Setup, engine: Engine, asked: Asked, gpus: Sequence[Gpu], most: int
) -> RecommendedGpu | None:
    """The first of the GPUs that holds it, on as few of them as do."""
    for layout in _layouts(setup.layout, engine, most):
        for gpu in gpus:
            if _holds(replace(setup, gpu=gpu, unlike=(), layout=layout), engine, asked):
                memory = gpu.usable_memory_bytes
                return RecommendedGpu(gpu=gpu.id, name=gpu.name, count=layout.gpus, memory_bytes=memory)
    return None


def _runs(setup: Setup, engine: Engine, gpu: Gpu) -> bool:
    """Whether the engine runs there, and the weights as they are stored; what has no rate has no estimate either."""
    weights = setup.numbers.recipe.name
    return (
        bool(gpu.peaks)
        and runs_at_all(engine.name, gpu)
        and (not runs_format(engine.name, setup.gpu, weights) or runs_format(engine.name, gpu, weights))
    )


def _holds(setup: Setup, engine: Engine, asked: Asked) -> bool:
    """Whether it holds it; of llama.cpp, which fits what is not said, with everything on the GPU."""
    if not isinstance(engine, LlamaCpp):
        return holds(setup, engine, asked)
    if too_small(setup, engine) or not holds(setup, engine, asked):
        return False
    return _is_said(engine) or engine.loading(setup).is_whole(setup.model.num_layers)


def _is_said(engine: LlamaCpp) -> bool:
    return engine.n_gpu_layers is not None and engine.n_gpu_layers >= 0


def too_small(setup: Setup, engine: LlamaCpp) -> bool:
    """Whether the weights that have to be on the GPUs are more than all of their memory: no plan need be made."""
    host = NOTHING_KEPT
    if _is_said(engine):
        start = engine.start(setup)
        if start.offloaded <= setup.model.num_layers:
            return False
        host = start.host
    return whole_bytes(setup, host) > setup.layout.gpus * setup.gpu.usable_memory_bytes


def never_whole(setup: Setup, engine: Engine) -> bool:
    """Whether options of llama.cpp keep tensors with the host, so that no GPU is one that has everything."""
    return isinstance(engine, LlamaCpp) and not _is_said(engine) and any(engine.start(setup).host)


def _layouts(layout: Layout, engine: Engine, most: int) -> Iterator[Layout]:
    """The layout, and larger ones: one stage more each time where layers are dealt, else twice as many GPUs."""
    stages = engine.traits.deals_layers
    most = min(most, MOST_DEVICES) if isinstance(engine, LlamaCpp) else most
    while layout.gpus <= most:
        yield layout
        tensor, pipeline = layout.tensor, layout.pipeline
        tensor, pipeline = (tensor, pipeline + 1) if stages else (2 * tensor, pipeline)
        layout = replace(layout, stage_layers=(), tensor=tensor, pipeline=pipeline)


def _size(gpu: Gpu) -> tuple[int, float]:
    return gpu.usable_memory_bytes, -gpu.memory_bandwidth_bytes_per_s


def _comparable(gpu: Gpu, setup: Setup) -> bool:
    """Of the same vendor and kind of memory, and with the arithmetic that the requested GPU has for the weights."""
    like, compute = setup.gpu, setup.numbers.recipe.default.compute
    native = compute is None or gpu.supports(compute) or not like.supports(compute)
    return gpu.vendor == like.vendor and gpu.unified_memory == like.unified_memory and native
