"""CUDA graphs that a request says are captured for fewer sequences than its load runs at once."""

from llm_calc.adapters.engines import engine_from
from llm_calc.adapters.wire.engines import EnginePart, SglangEngine
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment, closed_form


def beyond_graphs(
    engine: EnginePart, setup: Setup, deployment: Deployment, workload: WorkloadPart, replicas: int
) -> tuple[str, ...]:
    """The option that lets the engine capture less than it would by itself, where steps of the load hold more."""
    if not isinstance(engine, SglangEngine) or engine.cuda_graph_max_bs is None:
        return ()
    own = engine_from(engine.model_copy(update={"cuda_graph_max_bs": None}))
    captured = engine.cuda_graph_max_bs
    if not isinstance(own, Sglang) or captured >= own.largest_graph(setup):
        return ()
    groups = replicas * setup.layout.data
    return ("cuda_graph_max_bs",) if _most(deployment, workload, captured, groups) > captured else ()


def _most(deployment: Deployment, workload: WorkloadPart, captured: int, groups: int) -> float:
    """Sequences in a step of one group of attention; random arrivals are held against a loop of what is captured."""
    room = min(float(deployment.capacity), float(deployment.limit)) * groups
    if workload.load == "request_rate" and not workload.is_stream:
        lengths = Lengths(
            input_tokens=float(workload.mean_input_tokens),
            output_tokens=float(workload.mean_output_tokens),
            cached_fraction=workload.prefix_cache_hit_fraction,
        )
        served = float(closed_form(deployment, lengths, float(captured)).requests_per_s) * groups
        return captured if (workload.request_rate or 0.0) <= served else room / groups
    if workload.load in ("concurrency", "batch"):
        return min(room, float(workload.requests_in_flight)) / groups
    return room / groups
