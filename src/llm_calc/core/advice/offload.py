"""What llama.cpp may leave with the host so that a deployment fits: experts before whole layers."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from llm_calc.core.advice.change import Change
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.llama_cpp import LlamaCpp

Holds = Callable[[Setup, Engine], bool]


def offload(holds: Holds, setup: Setup, engine: Engine) -> Iterator[Change]:
    """Experts of as few layers on the host as fit, which is faster; else as few whole layers."""
    if not isinstance(engine, LlamaCpp):
        return
    high = setup.model.num_layers + 1
    experts = _experts_on_host(holds, setup, engine)
    if experts:
        text = f"the experts of the first {experts} of {high - 1} layers on the host"
        yield Change(field="engine.n_cpu_moe", value=experts, change=text)
        return
    layers = most(high - 1, lambda count: holds(setup, replace(engine, n_gpu_layers=count)))
    if layers > 0:
        text = f"{layers} of {high} layers on the GPU, the rest on the host"
        yield Change(field="engine.n_gpu_layers", value=layers, change=text)


def _experts_on_host(holds: Holds, setup: Setup, engine: LlamaCpp) -> int:
    """The fewest layers whose experts must lie on the host; 0 where there are none, or that is not enough."""
    layers = setup.model.num_layers

    def works(on_gpu: int) -> bool:
        return holds(setup, replace(engine, n_cpu_moe=layers - on_gpu))

    if not setup.model.num_experts or not works(0):
        return 0
    return layers - most(layers - 1, works)


def most(high: int, works: Callable[[int], bool]) -> int:
    """Largest number up to ``high`` that works, 0 if none does [1].

    Definition: what works for some works for fewer.
    """
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if works(middle) else (low, middle - 1)
    return low
