"""One candidate in full: by the same functions that answer ``/api/memory_plan`` and ``/api/serving_estimate``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.adapters.class_answers import targets_of
from llm_calc.adapters.deployment import Placed, place_subject
from llm_calc.adapters.memory_plan import asked_of, planned_as
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.planning.rows import Row
from llm_calc.adapters.planning.scene import Scene, Started
from llm_calc.adapters.planning.turns import held_at_once, serves_all
from llm_calc.adapters.serving import timing_of, told_apart
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ClassAnswer
from llm_calc.core.deployments.question import Question
from llm_calc.core.errors import CalcError
from llm_calc.core.planning.bounds import STEADY_LOAD
from llm_calc.core.planning.targets import loosest
from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate, queue_of_many
from llm_calc.core.serving.traffic import PERCENTILES
from llm_calc.core.workloads.estimate import most_served_per_s
from llm_calc.core.workloads.patience import Patience

_kept_arrivals = lru_cache(maxsize=128)(simulated_arrivals)
"""Several layouts do the same work, as do those of a further search under other limits."""
PERCENTILE_PLACES = {f"p{percent}": place for place, percent in enumerate(PERCENTILES)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluated:
    """A candidate that keeps all limits: one replica in full, and how many of them there are.

    ``found``: times of the fullest replica, throughput of the mean one; ``classes``: times of that, rates of all.
    """

    row: Row
    workload: WorkloadPart
    engine: EnginePart
    planned: Planned
    placed: Placed
    found: Estimate
    replicas: int
    classes: tuple[ClassAnswer, ...] = ()

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
        started, planned = fitted
        placed = _placed(scene, row, workload, started, planned)
        if not _is_steady(placed, workload, scene.lengths):
            return None
        timing = timing_of(placed, workload, patience_of(scene, placed), _kept_arrivals).of(filled)
        if not serves_all(workload, timing.found):
            return None
    except CalcError:
        return None
    classes = told_apart(workload, timing.of(replicas))
    if not (within_limits(scene, timing.found) and keeps_targets(scene, classes)):
        return None
    return Evaluated(
        row=row,
        workload=workload,
        engine=started.part,
        planned=planned,
        placed=placed,
        found=timing.found,
        replicas=replicas,
        classes=tuple(classes),
    )


def _placed(scene: Scene, row: Row, workload: WorkloadPart, started: Started, planned: Planned) -> Placed:
    """One replica in the row's way, ready to be timed.

    Raises:
        CalcError: the engine does not run it.
    """
    way = row.choice.way
    placed = place_subject(
        scene.catalogs,
        planned.subject,
        precision=row.choice.part,
        gpus_per_node=scene.gpus_per_node,
        engine=started.part,
        workload=workload,
        speculative=way.speculative,
        lora=way.lora,
        own=scene.calibration,
        tiers=way.tiers,
        built=started.engine,
    )
    return replace(placed, novel=workload.is_stream or way.novel)


def fitting(scene: Scene, row: Row, workload: WorkloadPart) -> tuple[Started, Planned] | None:
    """The engine's options under which the load fits, and its plan; None where none do. Asked once a load.

    Raises:
        CalcError: the engine does not run it.
    """
    key = row, workload.load, workload.requests_in_flight
    if key not in scene.fitted:
        scene.fitted[key] = _fitting(scene, row, workload)
    return scene.fitted[key]


def _fitting(scene: Scene, row: Row, workload: WorkloadPart) -> tuple[Started, Planned] | None:
    subject, held, choice = scene.subject(row), held_at_once(workload), row.choice
    setup = choice.way.beside(subject, scene.catalogs, choice.engine).held(subject.setup)
    for started in scene.starts(row, held):
        question = Question(setup=setup, engine=started.engine, asked=asked_of(held))
        planned = planned_as(subject, started.rules, question)
        if planned.held.is_scheduled:
            return started, planned
    return None


def holds(scene: Scene, row: Row, workload: WorkloadPart) -> bool:
    """Whether the engine's memory holds such a load at all."""
    checkpoint()
    try:
        return fitting(scene, row, workload) is not None
    except CalcError:
        return False


def patience_of(scene: Scene, placed: Placed) -> Patience:
    """Limits as a run sees them, before measured offsets."""
    offsets, limits = placed.deployment.offsets, scene.limits
    place, classes = PERCENTILE_PLACES.get(scene.percentile), targets_of(scene.workload)
    return Patience(
        ttft_s=limits.ttft_s / float(offsets.ttft),
        tpot_s=limits.tpot_s / float(offsets.tpot),
        kept_fraction=0.0 if place is None else PERCENTILES[place] / 100,
        target_ttft_s=loosest(classes, "ttft_s") / float(offsets.ttft),
        target_tpot_s=loosest(classes, "tpot_s") / float(offsets.tpot),
        good_fraction=scene.targets_kept_fraction,
    )


def within_limits(scene: Scene, found: Estimate) -> bool:
    """Whether the means, and the percentile that is asked for, keep the limits on time."""
    return scene.limits.keep(found, PERCENTILE_PLACES.get(scene.percentile))


def keeps_targets(scene: Scene, classes: Sequence[ClassAnswer]) -> bool:
    """Whether of every class with targets as many requests keep them as the limits ask for."""
    kept = (each.targets_kept_fraction for each in classes)
    return all(each is None or each >= scene.targets_kept_fraction for each in kept)


def _is_steady(placed: Placed, workload: WorkloadPart, lengths: Lengths) -> bool:
    """Whether arrivals stay below what the replica can serve, so that no queue grows without end."""
    if workload.request_rate is None:
        return True
    most = _served_per_s(placed, workload, lengths) * placed.replicas
    return workload.request_rate <= STEADY_LOAD * most


def _served_per_s(placed: Placed, workload: WorkloadPart, lengths: Lengths) -> float:
    """Requests a second of an endless queue; of such that vary, as many at once as memory holds at their means."""
    if placed.room is not None and workload.is_stream:
        return most_served_per_s(placed.deployment, placed.room, lengths)
    return float(queue_of_many(placed.deployment, lengths).requests_per_s)
