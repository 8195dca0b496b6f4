"""Plans with prefill and decode on GPUs of their own: layouts of both sides and their numbers, the best in full."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from llm_calc.adapters.apart_sides import Sides, sides_of
from llm_calc.adapters.apart_way import Way
from llm_calc.adapters.disaggregation import disaggregated_estimate, with_percentiles
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.planning.apart_pairs import (
    TRIES,
    Both,
    Pair,
    best_pairs,
    counted,
    lags,
    way_for,
    with_load,
    with_others,
)
from llm_calc.adapters.planning.as_requests import memory_request
from llm_calc.adapters.planning.exact import PERCENTILE_PLACES, Evaluated, keeps_targets, within_limits
from llm_calc.adapters.planning.rows import Candidates, Row
from llm_calc.adapters.planning.scene import Scene, Started
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.planning.turns import held_at_once, serves_all
from llm_calc.adapters.serving import as_timing, place_request, told_apart
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.serving import ClassAnswer, ServingEstimateRequest
from llm_calc.core.errors import CalcError, InvalidInputError
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounded import NEVER, score, usd_of
from llm_calc.core.planning.candidates import Kind
from llm_calc.core.serving.estimate import Estimate

KINDS = 4
"""GPUs and formats, the best ones, of which pairs are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Apart:
    """Both sides in full: the request that asks for them, rows of a replica of each, and what was found.

    ``way``: of the caches; ``score``: the objective in closed form.
    """

    request: ServingEstimateRequest
    way: Way
    first: Row
    second: Row
    score: float
    sides: Sides
    planned: Planned
    found: Estimate
    classes: tuple[ClassAnswer, ...]
    gpus: tuple[int, int]

    @property
    def all_gpus(self) -> int:
        """GPUs of both sides."""
        return sum(self.gpus)

    @property
    def rows(self) -> tuple[Row, Row]:
        """A replica of each side."""
        return self.first, self.second

    @property
    def mixed(self) -> bool:
        """Whether both sides have GPUs of different kinds."""
        return self.first.gpu.id != self.second.gpu.id


def check_load(request: DeploymentPlansRequest) -> None:
    """Refuses loads of which pairs are not searched.

    Raises:
        InvalidInputError: no load, or one whose requests are told apart.
    """
    if not request.prefill_apart:
        return
    load = request.workload
    named = any(each is not None for each in (load.concurrency, load.request_rate, load.session_rate))
    if load.load in ("batch", "offline") or not named or request.day is not None:
        msg = (
            "prefill_apart: pairs are searched for a load of workload.concurrency, request_rate or session_rate, "
            "without day; other loads over two sides are /api/serving_estimate's"
        )
        raise InvalidInputError(msg, field="prefill_apart")


def apart_plans(
    search: Search, candidates: Sequence[Candidates], plans: Sequence[Evaluated]
) -> tuple[Apart, ...]:
    """The best pair of each of the best GPUs and formats, best first."""
    able = {name for name, rules in load_engine_rules().items() if rules.disaggregates}
    kinds = {plan.row.kind: plan for plan in plans if plan.row.choice.engine in able}
    found = [
        each for plan in list(kinds.values())[:KINDS] for each in _of_kind(search, candidates, plan, plans)
    ]
    best = dict[tuple[Kind, Kind], Apart]()
    for each in sorted(found, key=lambda each: rank(search, each)):
        best.setdefault((each.first.kind, each.second.kind), each)
    return tuple(best.values())


def _of_kind(
    search: Search, candidates: Sequence[Candidates], plan: Evaluated, plans: Sequence[Evaluated]
) -> list[Apart]:
    """The best pair on the plan's GPUs, and the best on two kinds of GPU where that beats it."""
    one, *two = with_others(plan, plans)
    same = _best(search, candidates, one)
    ahead = NEVER if same is None else same.score
    others = [each for both in two if (each := _best(search, candidates, both, ahead)) is not None]
    mixed = min(others, key=lambda each: rank(search, each), default=None)
    found = [each for each in (same, mixed) if each is not None]
    behind = same is not None and mixed is not None and rank(search, mixed) >= rank(search, same)
    return found[:1] if behind else found


def rank(search: Search, each: Apart) -> tuple[float, ...]:
    """The objective, as plans are ranked by it; of equals the fewer GPUs, then the faster."""
    count, rent = each.all_gpus, rent_of(search, each)
    watts = sum(
        row.gpu.tdp_w * gpus if row.gpu.tdp_w else NEVER
        for row, gpus in zip(each.rows, each.gpus, strict=True)
    )
    own = float(score(search.objective, count, rent / count, watts / count, 1, each.found))
    return own, count, float(each.found.request_latency_s)


def rent_of(search: Search, each: Apart) -> float:
    """Of all GPUs of both sides [USD/h]; infinite where it is not known."""
    priced = zip(each.rows, each.gpus, strict=True)
    return sum(usd_of(search.prices[row.gpu.id]) * gpus for row, gpus in priced)


def _best(search: Search, candidates: Sequence[Candidates], both: Both, ahead: float = NEVER) -> Apart | None:
    """The best of the pairs that do not lag behind one that keeps all limits, ``ahead`` being that of others."""
    found: Apart | None = None
    for number, pair in enumerate(best_pairs(search, candidates, both)):
        enough = found is not None and number >= TRIES
        if enough or lags(search.objective, pair.score, ahead):
            break
        each = _in_full(search.scene, both, pair)
        if each is None:
            continue
        ahead = min(ahead, each.score)
        found = min((one for one in (found, each) if one is not None), key=lambda one: rank(search, one))
    return found


def _in_full(scene: Scene, both: Both, pair: Pair) -> Apart | None:
    """Both sides as ``/api/memory_plan`` and ``/api/serving_estimate`` answer; None where a limit breaks."""
    checkpoint()
    try:
        starts = scene.starts(pair.second, _share(scene.workload, pair.decodes))
        for started in islice(starts, None if counted(scene.workload) else 1):
            request = _request(scene, both, started, pair)
            held = request.model_copy(update={"workload": held_at_once(request.workload)})
            planned = planned_memory(memory_request(held), scene.catalogs)
            if planned.serves:
                return _timed(scene, both, request, planned, pair)
    except CalcError:
        pass
    return None


def _timed(
    scene: Scene, both: Both, request: ServingEstimateRequest, planned: Planned, pair: Pair
) -> Apart | None:
    placed, part = place_request(request, scene.catalogs), request.disaggregated
    sides = sides_of(placed, request, scene.catalogs)
    if sides is None or part is None:
        return None
    timing = as_timing(disaggregated_estimate(sides, request.workload))
    found, classes = timing.found, told_apart(request.workload, timing)
    if scene.percentile in PERCENTILE_PLACES and not found.percentiles:
        found = with_percentiles(found, sides, request.workload)
    if not serves_all(request.workload, found):
        return None
    if not (within_limits(scene, found) and keeps_targets(scene, classes)):
        return None
    gpus = (
        part.prefill_replicas * pair.first.layout.gpus,
        part.decode_replicas * pair.second.layout.gpus,
    )
    return Apart(
        request=request,
        way=way_for(scene, both, sum(gpus)),
        first=pair.first,
        second=pair.second,
        score=pair.score,
        sides=sides,
        planned=planned,
        found=found,
        classes=tuple(classes),
        gpus=gpus,
    )


def _share(workload: WorkloadPart, decodes: int) -> WorkloadPart:
    """What one of so many decode replicas has to hold."""
    if workload.grows or workload.concurrency is None:
        return held_at_once(workload)
    return with_load(workload, -(-workload.concurrency // decodes))


def _request(scene: Scene, both: Both, started: Started, pair: Pair) -> ServingEstimateRequest:
    rows, counts = (pair.first, pair.second), (pair.prefills, pair.decodes)
    layouts, choice = [row.layout for row in rows], both.plan.row.choice
    way = replace(choice.way, tiers=())
    first, second = (layout.gpus * number for layout, number in zip(layouts, counts, strict=True))
    decode, prefill = _hardware(scene, rows[1], second), _hardware(scene, rows[0], first)
    alike = layouts[0] == layouts[1] and not both.mixed
    return ServingEstimateRequest(
        model=scene.model,
        precision=choice.part,
        hardware=prefill if both.mixed else _hardware(scene, rows[0], first + second),
        parallelism=_layout(layouts[0]),
        engine=started.part,
        workload=scene.workload,
        speculative=way.speculative,
        lora=way.lora,
        disaggregated=DisaggregatedPart(
            prefill_replicas=counts[0],
            decode_replicas=counts[1],
            decode_hardware=decode if both.mixed else None,
            decode_parallelism=None if alike else _layout(layouts[1]),
            link_bytes_per_s=way_for(scene, both, first + second).bytes_per_s if both.mixed else None,
        ),
        calibration=scene.calibration,
    )


def _hardware(scene: Scene, row: Row, count: int) -> HardwarePart:
    return HardwarePart(gpu=row.gpu.id, count=count, gpus_per_node=scene.gpus_per_node)


def _layout(layout: Layout) -> ParallelismPart:
    return ParallelismPart(
        tensor=layout.tensor, pipeline=layout.pipeline, data=layout.data, expert=layout.expert
    )
