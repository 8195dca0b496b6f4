"""How a recommended engine is started: what the load needs beside what the request says; and why none holds it."""

from collections.abc import Iterator

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import engine_from, release_of
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.planned import Planned, reason_of
from llm_calc.adapters.planning.as_requests import memory_request
from llm_calc.adapters.wire.engines import EnginePart, GenericEngine, LlamaCppEngine
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.recommend import RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.adapters.wire.workload_rules import most_prompt_tokens
from llm_calc.core.advice.slots import lacks_slots
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.hardware import Gpu
from llm_calc.core.parallelism import Layout


def started_on(
    request: RecommendGpusRequest,
    workload: WorkloadPart,
    catalogs: Catalogs,
    gpu: Gpu,
    engine: EnginePart,
    layout: Layout,
) -> tuple[ServingEstimateRequest, Planned]:
    """The layout in the first way of starting the engine that serves the load; else in the last that was tried."""
    for part in _starts(engine, workload, layout):
        asked = ServingEstimateRequest(
            model=request.model,
            precision=request.precision,
            hardware=HardwarePart(gpu=gpu.id, count=layout.gpus),
            parallelism=ParallelismPart(
                tensor=layout.tensor, pipeline=layout.pipeline, data=layout.data, expert=layout.expert
            ),
            engine=part,
            workload=workload,
            calibration=request.calibration,
        )
        planned = planned_memory(memory_request(asked), catalogs)
        if planned.serves:
            break
    return asked, planned


def _starts(part: EnginePart, workload: WorkloadPart, layout: Layout) -> Iterator[EnginePart]:
    """The engine in every way that may hold the load, the most usual first; what the request says of it stays."""
    if isinstance(part, LlamaCppEngine) and part.preset is not None:
        yield part
    for options in _ways(part, workload, layout):
        lacking = release_of(part).without
        open_ = {key: value for key, value in options.items() if getattr(part, key) is None}
        yield part.model_copy(update={key: value for key, value in open_.items() if key not in lacking})


def _ways(part: EnginePart, workload: WorkloadPart, layout: Layout) -> Iterator[Options]:
    if isinstance(part, GenericEngine):
        yield {traits_of(part.name).options.context: workload.longest_tokens}
        return
    slots = getattr(part, "n_parallel", None) or 0
    needed = Needed(
        context_tokens=workload.longest_tokens,
        requests=max(workload.requests_in_flight, slots),
        replicas=layout.data,
        open=False,
        cut_prompts=_cuts(part, workload),
    )
    yield from traits_of(part.name).load.started(needed)


def _cuts(part: EnginePart, workload: WorkloadPart) -> bool:
    """Whether the engine takes no prompt that is longer than a step, and the load has some."""
    most = None if isinstance(part, LlamaCppEngine) else getattr(engine_from(part), "max_num_tokens", None)
    return most is not None and most_prompt_tokens(workload) > most


def other_cause(planned: Planned) -> str | None:
    """What decides against a deployment where it is an option and not the memory; None where memory does."""
    plan, asked = planned.plan, planned.asked
    engine, setup = planned.engine, planned.subject.setup
    if isinstance(engine, LlamaCpp) and lacks_slots(setup, engine, asked):
        slots = engine.slots_at(engine.longest(setup))
        return (
            f"it is started with {slots.count} slot{'' if slots.count == 1 else 's'} (engine.n_parallel, at most 256), "
            f"each of at most {slots.slot_tokens} tokens{' of one cache that they share' * slots.shared} (engine.n_ctx)"
        )
    long = asked.context_tokens > plan.max_model_len_tokens or not plan.limits.takes(asked.prompt_tokens)
    unstarted = planned.fits and not planned.starts
    return reason_of(planned) if plan.available_bytes > 0 and (plan.refusals or long or unstarted) else None
