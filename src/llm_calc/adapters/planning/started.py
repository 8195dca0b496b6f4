"""How a recommended engine is started: what the load needs beside what the request says; and why none holds it."""

from collections.abc import Iterator, Mapping

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.planned import Planned, reason_of
from llm_calc.adapters.planning.as_requests import memory_request
from llm_calc.adapters.polls import default_looks
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.recommend import RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.adapters.wire.workload_rules import most_prompt_tokens
from llm_calc.core.advice.slots import MakesSlots, lacks_slots
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.llama_cpp_slots import Slots
from llm_calc.core.engines.llama_cpp_traits import MOST_PARALLEL
from llm_calc.core.engines.places import Places
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.hardware import Gpu
from llm_calc.core.parallelism import Layout

STEP = "max_num_tokens"
"""The option of engines that cut no prompt by themselves: tokens of a step."""


def started_on(
    request: RecommendGpusRequest,
    workload: WorkloadPart,
    catalogs: Catalogs,
    gpu: Gpu,
    engine: EnginePart,
    layout: Layout,
) -> tuple[ServingEstimateRequest, Planned]:
    """The layout in the first way of starting the engine that serves the load; else in the last that was tried."""
    looks = default_looks(engine.name, gpu)
    for part in _starts(engine, workload, layout, looks):
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


def _starts(
    part: EnginePart, workload: WorkloadPart, layout: Layout, looks: Mapping[str, int]
) -> Iterator[EnginePart]:
    """The engine in every way that may hold the load, the most usual first; what the request says of it stays."""
    if getattr(part, "preset", None) is not None:
        yield part
    for options in _ways(part, workload, layout):
        lacking = release_of(part).without
        open_ = {key: value for key, value in {**options, **looks}.items() if getattr(part, key) is None}
        yield part.model_copy(update={key: value for key, value in open_.items() if key not in lacking})


def _ways(part: EnginePart, workload: WorkloadPart, layout: Layout) -> Iterator[Options]:
    if traits_of(part.name).any_engine:
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
    most = getattr(part, STEP, None) or release_of(part).defaults.get(STEP)
    return isinstance(most, int) and most_prompt_tokens(workload) > most


def other_cause(planned: Planned) -> str | None:
    """What decides against a deployment where it is an option and not the memory; None where memory does."""
    plan, asked = planned.plan, planned.asked
    engine, setup = planned.engine, planned.subject.setup
    if isinstance(engine, MakesSlots) and lacks_slots(setup, engine, asked):
        return _slots_words(plan.limits.max_sequences, engine.slots_at(engine.longest(setup)))
    long = asked.context_tokens > plan.max_model_len_tokens or not plan.limits.takes(asked.prompt_tokens)
    unstarted = planned.fits and not planned.starts
    return reason_of(planned) if plan.available_bytes > 0 and (plan.refusals or long or unstarted) else None


def _slots_words(count: int, places: Places) -> str:
    """How many slots there are, and how long a sequence of each may be."""
    slots = f"{count} slot{'' if count == 1 else 's'} (engine.n_parallel, at most {MOST_PARALLEL})"
    if not isinstance(places, Slots):
        return f"it is started with {slots}"
    together = " in a cache that they share" if places.shared else ""
    return f"it is started with {slots}, each of at most {places.slot_tokens} tokens{together} (engine.n_ctx)"
