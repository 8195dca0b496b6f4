"""One candidate in full: by the same functions that answer ``/api/memory_plan`` and ``/api/serving_estimate``."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from llm_calc.adapters.apart_sides import holding_side
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed, place_subject
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.memory_plan import Planned, plan_of
from llm_calc.adapters.planning.rows import Row
from llm_calc.adapters.planning.turns import held_at_once, serves_all, turn_lengths
from llm_calc.adapters.serving import time_load, times
from llm_calc.adapters.setup import Subject, resolve_setup
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.engines import (
    MOST_PARALLEL,
    EnginePart,
    LlamaCppEngine,
    SglangEngine,
    TrtllmEngine,
    VllmEngine,
)
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.mlx import MlxEngine
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import CalcError
from llm_calc.core.planning.bounds import STEADY_LOAD, Limits
from llm_calc.core.planning.day import Day
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate, queue_of_many
from llm_calc.core.serving.percentiles import PERCENTILES
from llm_calc.core.workloads.estimate import most_served_per_s
from llm_calc.core.workloads.patience import Patience

CELL_TOKENS = 256
LLAMA_CPP_SLOTS = 64
"""Slots that llama.cpp is started with at most, where the number of requests is open."""
PERCENTILE_PLACES = {f"p{percent}": place for place, percent in enumerate(PERCENTILES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What all candidates of a search have in common."""

    catalogs: Catalogs
    model: ModelPart
    workload: WorkloadPart
    limits: Limits
    percentile: str
    gpus_per_node: int
    calibration: CalibrationPart | None = None
    day: Day | None = None
    subjects: dict[Row, Subject] = field(default_factory=dict, compare=False)
    fitted: dict[tuple[Row, str, int], tuple[EnginePart, Planned] | None] = field(
        default_factory=dict, compare=False
    )

    def subject(self, row: Row) -> Subject:
        """What runs where, resolved once a row.

        Raises:
            CalcError: the engine does not run it.
        """
        if row not in self.subjects:
            self.subjects[row] = resolve_setup(
                self.catalogs,
                model=self.model,
                precision=row.choice.part,
                hardware=_hardware(self, row),
                parallelism=_parallelism(row),
                engine=row.choice.engine,  # type: ignore[arg-type]
            )
        return self.subjects[row]

    @property
    def spare_replicas(self) -> int:
        """Replicas beside those that the load needs."""
        return 0 if self.day is None else self.day.spare_replicas

    @property
    def context_tokens(self) -> int:
        """Prompt and answer of a request, their means where they vary."""
        return round(float(self.lengths.input_tokens + self.lengths.output_tokens))

    @property
    def lengths(self) -> Lengths:
        """Lengths of a request as the core takes them; of turns their means, with all that may be found in a cache."""
        return turn_lengths(self.workload) if self.workload.grows else lengths_of(self.workload)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluated:
    """A candidate that keeps all limits: one replica in full, and how many of them there are.

    ``found``: times of the fullest replica, throughput of the mean one.
    """

    row: Row
    request: ServingEstimateRequest
    planned: Planned
    placed: Placed
    found: Estimate
    replicas: int

    @property
    def gpus(self) -> int:
        """GPUs of all replicas."""
        return self.row.layout.gpus * self.replicas


def evaluate(
    scene: Scene, row: Row, workload: WorkloadPart, replicas: int, filled: float = 1.0
) -> Evaluated | None:
    """The candidate under this load of its fullest replica; None where it does not fit or breaks a limit.

    ``filled``: the mean replica's load over that of the fullest.
    """
    checkpoint()
    try:
        fitted = fitting(scene, row, workload)
        if fitted is None:
            return None
        part, planned = fitted
        placed = place_subject(
            scene.catalogs,
            scene.subject(row),
            precision=row.choice.part,
            gpus_per_node=scene.gpus_per_node,
            engine=part,
            workload=workload,
            own=scene.calibration,
        )
        placed = replace(placed, novel=workload.is_stream)
        if not _is_steady(placed, workload, scene.lengths):
            return None
        found = times(time_load(placed, workload, patience_of(scene, placed)), filled)
        if not serves_all(workload, found):
            return None
    except CalcError:
        return None
    if not within_limits(scene, found):
        return None
    request = serving_request(scene, row, workload, part)
    return Evaluated(row=row, request=request, planned=planned, placed=placed, found=found, replicas=replicas)


def fitting(scene: Scene, row: Row, workload: WorkloadPart) -> tuple[EnginePart, Planned] | None:
    """The engine's options under which the load fits, and its plan; None where none do. Asked once a load.

    Raises:
        CalcError: the engine does not run it.
    """
    key = row, workload.load, workload.requests_in_flight
    if key not in scene.fitted:
        scene.fitted[key] = _fitting(scene, row, workload)
    return scene.fitted[key]


def _fitting(scene: Scene, row: Row, workload: WorkloadPart) -> tuple[EnginePart, Planned] | None:
    subject, held = scene.subject(row), held_at_once(workload)
    for part in engine_parts(row, held):
        planned = plan_of(subject, row.choice.part, part, held)
        limit = planned.plan.limits.max_sequences * planned.plan.replicas
        if planned.fits and held.requests_in_flight <= limit:
            return part, planned
    return None


def holds(scene: Scene, row: Row, workload: WorkloadPart) -> bool:
    """Whether the engine's memory holds such a load at all."""
    checkpoint()
    try:
        return fitting(scene, row, workload) is not None
    except CalcError:
        return False


def serving_request(
    scene: Scene, row: Row, workload: WorkloadPart, engine: EnginePart
) -> ServingEstimateRequest:
    """The candidate as a request to ``/api/serving_estimate``."""
    return ServingEstimateRequest(
        model=scene.model,
        precision=row.choice.part,
        hardware=_hardware(scene, row),
        parallelism=_parallelism(row),
        engine=engine,
        workload=workload,
        calibration=scene.calibration,
    )


def _hardware(scene: Scene, row: Row) -> HardwarePart:
    return HardwarePart(gpu=row.gpu.id, count=row.layout.gpus, gpus_per_node=scene.gpus_per_node)


def _parallelism(row: Row) -> ParallelismPart:
    layout = row.layout
    return ParallelismPart(
        tensor=layout.tensor, pipeline=layout.pipeline, data=layout.data, expert=layout.expert
    )


def memory_request(request: ServingEstimateRequest) -> MemoryPlanRequest:
    """The same candidate as a request to ``/api/memory_plan``; of two sides the replica that decodes."""
    request = holding_side(request)
    return MemoryPlanRequest(
        model=request.model,
        precision=request.precision,
        hardware=request.hardware,
        parallelism=request.parallelism,
        engine=request.engine,
        speculative=request.speculative,
        lora=request.lora,
        workload=request.workload,
    )


def engine_parts(row: Row, workload: WorkloadPart) -> Iterator[EnginePart]:
    """The engine with the context that is needed; then also with as many sequences, should its own limit be lower."""
    context, each = workload.longest_tokens, math.ceil(workload.requests_in_flight / row.layout.data)
    match row.choice.engine:
        case "vllm":
            yield VllmEngine(max_model_len=context)
            yield VllmEngine(max_model_len=context, max_num_seqs=each)
        case "sglang":
            yield SglangEngine(context_length=context)
            yield SglangEngine(context_length=context, max_running_requests=each * row.layout.data)
        case "trtllm":
            yield TrtllmEngine(max_seq_len=context)
            yield TrtllmEngine(max_seq_len=context, max_batch_size=each)
        case "mlx":
            yield MlxEngine()
            yield MlxEngine(decode_concurrency=each)
        case _:
            slots, cells = min(_slots(workload), MOST_PARALLEL), -(-context // CELL_TOKENS) * CELL_TOKENS
            yield LlamaCppEngine(n_ctx=cells * slots, n_parallel=slots, kv_unified=False, fit=False)
            while (slots := slots // 2) >= workload.requests_in_flight:
                yield LlamaCppEngine(n_ctx=cells * slots, n_parallel=slots, kv_unified=False, fit=False)


def _slots(workload: WorkloadPart) -> int:
    """Slots of llama.cpp: the load's requests; where it names none, as many as are worth trying."""
    if workload.load in ("concurrency", "batch"):
        return workload.requests_in_flight
    return LLAMA_CPP_SLOTS


def patience_of(scene: Scene, placed: Placed) -> Patience:
    """Limits as a run sees them, before measured offsets."""
    offsets, limits = placed.deployment.offsets, scene.limits
    place = PERCENTILE_PLACES.get(scene.percentile)
    return Patience(
        ttft_s=limits.ttft_s / float(offsets.ttft),
        tpot_s=limits.tpot_s / float(offsets.tpot),
        kept_fraction=0.0 if place is None else PERCENTILES[place] / 100,
    )


def within_limits(scene: Scene, found: Estimate) -> bool:
    """Whether the means, and the percentile that is asked for, keep the limits on time."""
    limits = scene.limits
    if not bool(limits.allow(found)):
        return False
    place = PERCENTILE_PLACES.get(scene.percentile)
    if place is None:
        return True
    most = {"ttft_s": limits.ttft_s, "tpot_s": limits.tpot_s, "request_latency_s": limits.request_latency_s}
    return all(values[place] <= most[name] for name, values in found.percentiles)


def _is_steady(placed: Placed, workload: WorkloadPart, lengths: Lengths) -> bool:
    """Whether arrivals stay below what the replica can serve, so that no queue grows without end."""
    if workload.request_rate is None:
        return True
    most = _served_per_s(placed, lengths) * placed.replicas
    return workload.request_rate <= STEADY_LOAD * most


def _served_per_s(placed: Placed, lengths: Lengths) -> float:
    """Requests a second of an endless queue; of such that vary, as many at once as memory holds at their means."""
    if placed.room is not None:
        return most_served_per_s(placed.deployment, placed.room, lengths)
    return float(queue_of_many(placed.deployment, lengths).requests_per_s)
