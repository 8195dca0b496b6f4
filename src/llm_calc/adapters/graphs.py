"""CUDA graphs that a request says are captured for fewer sequences than its load runs at once, or far more."""

from dataclasses import dataclass

from llm_calc.adapters.engines import engine_from
from llm_calc.adapters.wire.engines import EnginePart, SglangEngine, VllmEngine
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.engines import Engine
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.engines.vllm_graphs import largest_captured
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment, closed_form

MOST_PADDING = 2
"""A step that is filled up to more than twice its tokens is of unknown time; powers of two never fill so far."""
OF_VLLM = ("max_cudagraph_capture_size", "cudagraph_capture_sizes")
OPTIONS = frozenset((*OF_VLLM, "cuda_graph_max_bs"))
"""Options that bound what is captured."""


def beyond_graphs(
    engine: EnginePart, setup: Setup, deployment: Deployment, workload: WorkloadPart, replicas: int
) -> tuple[str, ...]:
    """The option that lets the engine capture less than it would by itself, where steps of the load hold more.

    Also where they fall in a gap between the sizes that are captured, and are filled up to its end.
    """
    stated = _stated(engine)
    if stated is None:
        return ()
    name, captured = stated
    bounds = OF_VLLM if isinstance(engine, VllmEngine) else (name,)
    own = _own(engine_from(engine.model_copy(update=dict.fromkeys(bounds, None))), setup)
    load = _Load(deployment=deployment, workload=workload, groups=replicas * setup.layout.data)
    sizes = engine.cudagraph_capture_sizes if isinstance(engine, VllmEngine) else None
    above = captured < own and load.most(captured) > captured
    return (name,) if above or (own and _padded(load, tuple(sorted(sizes or ())))) else ()


@dataclass(frozen=True, slots=True)
class _Load:
    """A load on so many groups of attention."""

    deployment: Deployment
    workload: WorkloadPart
    groups: int

    def most(self, captured: int) -> float:
        """Sequences in a step of one group; random arrivals are held against a loop of what is captured."""
        return _most(self.deployment, self.workload, captured, self.groups)


def _padded(load: _Load, sizes: tuple[int, ...]) -> bool:
    """Whether steps of the load are filled up far; of random arrivals only the gap that they fall in is known."""
    below = [size for size in sizes if load.most(size) > size]
    above = next((size for size in sizes if size not in below), None)
    if above is None:
        return False
    low = max(below, default=0)
    running = load.most(above)
    return above > MOST_PADDING * (low + 1 if running == above else running)


def _stated(engine: EnginePart) -> tuple[str, int] | None:
    """The option that bounds graphs, and the largest that it leaves."""
    if isinstance(engine, SglangEngine) and engine.cuda_graph_max_bs is not None:
        return "cuda_graph_max_bs", engine.cuda_graph_max_bs
    if isinstance(engine, VllmEngine) and engine.cudagraph_capture_sizes:
        return "cudagraph_capture_sizes", max(engine.cudagraph_capture_sizes)
    if isinstance(engine, VllmEngine) and engine.max_cudagraph_capture_size is not None:
        return "max_cudagraph_capture_size", engine.max_cudagraph_capture_size
    return None


def _own(engine: Engine, setup: Setup) -> int:
    """The largest graph that the engine captures by itself; 0 where it captures none."""
    if isinstance(engine, Vllm):
        return largest_captured(setup, engine.limits(setup), engine.rules, engine.graph_wishes())
    return engine.largest_graph(setup) if isinstance(engine, Sglang) else 0


def _most(deployment: Deployment, workload: WorkloadPart, captured: int, groups: int) -> float:
    """Sequences in a step of one group of attention; ``captured`` of random arrivals that it serves."""
    room = min(float(deployment.capacity), float(deployment.limit)) * groups
    if workload.load == "request_rate" and not workload.is_stream:
        lengths = Lengths(
            input_tokens=float(workload.mean_input_tokens),
            output_tokens=float(workload.mean_output_tokens),
            cached_fraction=workload.cached_fraction,
        )
        served = float(closed_form(deployment, lengths, float(captured)).requests_per_s) * groups
        return captured if (workload.request_rate or 0.0) <= served else room / groups
    if workload.load in ("concurrency", "batch"):
        return min(room, float(workload.requests_in_flight)) / groups
    return room / groups
