"""Plans with prefill and decode on GPUs of their own: layouts of both sides and their numbers, the best in full."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from llm_calc.adapters.apart_sides import Sides, sides_of
from llm_calc.adapters.apart_way import cache_way, moves_between
from llm_calc.adapters.disaggregation import disaggregated_estimate, with_percentiles
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.planning.as_requests import memory_request
from llm_calc.adapters.planning.bounded import NEVER, Candidates, score, usd_of
from llm_calc.adapters.planning.exact import PERCENTILE_PLACES, Evaluated, holds, within_limits
from llm_calc.adapters.planning.rows import Row, Rows
from llm_calc.adapters.planning.scene import Scene, Started
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import CalcError, InvalidInputError
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.apart import pairs_of, served_apart
from llm_calc.core.planning.laid import Places
from llm_calc.core.planning.split import NEAR
from llm_calc.core.serving.estimate import Estimate

MOST_LAYOUTS = 16
"""Layouts of a GPU and format that are paired with each other, the smallest first."""
TRIES = 6
"""Pairs of a GPU and format that are estimated in full."""
KINDS = 4
"""GPUs and formats, the best ones, of which pairs are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Apart:
    """Both sides in full: the request that asks for them, rows of a replica of each, and what was found."""

    request: ServingEstimateRequest
    first: Row
    second: Row
    sides: Sides
    planned: Planned
    found: Estimate
    gpus: int


def check_load(request: DeploymentPlansRequest) -> None:
    """Refuses loads of which pairs are not searched.

    Raises:
        InvalidInputError: no load, or one whose requests are told apart.
    """
    if not request.prefill_apart:
        return
    load = request.workload
    named = load.concurrency is not None or load.request_rate is not None
    if load.is_stream or load.load in ("batch", "offline") or not named or request.day is not None:
        msg = (
            "prefill_apart: pairs are searched for equal requests of workload.concurrency or request_rate, without "
            "day; "
            "other loads over two sides are /api/serving_estimate's"
        )
        raise InvalidInputError(msg, field="prefill_apart")


def apart_plans(
    search: Search, candidates: Sequence[Candidates], plans: Sequence[Evaluated]
) -> tuple[Apart, ...]:
    """The best pair of each of the best GPUs and formats, best first."""
    able = {name for name, rules in load_engine_rules().items() if rules.disaggregates}
    kinds = {plan.row.kind: plan for plan in plans if plan.row.choice.engine in able}
    found = (_best(search, candidates, plan) for plan in list(kinds.values())[:KINDS])
    return tuple(sorted((each for each in found if each is not None), key=lambda each: rank(search, each)))


def rank(search: Search, each: Apart) -> tuple[float, ...]:
    """The objective, as plans are ranked by it; of equals the fewer GPUs, then the faster."""
    gpu = each.first.gpu
    usd = usd_of(search.prices[gpu.id])
    own = float(score(search.objective, each.gpus, usd, gpu.tdp_w or NEVER, 1, each.found))
    return own, each.gpus, float(each.found.request_latency_s)


def _best(search: Search, candidates: Sequence[Candidates], plan: Evaluated) -> Apart | None:
    tried = (_in_full(search.scene, plan, *pair) for pair in _pairs(search, candidates, plan))
    return min(
        (each for each in tried if each is not None), key=lambda each: rank(search, each), default=None
    )


def _pairs(
    search: Search, candidates: Sequence[Candidates], plan: Evaluated
) -> Iterator[tuple[Row, Row, int, int]]:
    """The pairs that look best in closed form, rows and replicas of both sides."""
    rows = next(each.rows for each in candidates if plan.row.kind in each.rows.table.kinds)
    places = _places(rows, plan, search.scene)
    part, scene, load = rows.at(places), search.scene, search.load
    usd, setup = usd_of(search.prices[plan.row.gpu.id]), plan.placed.subject.setup
    most = min(scene.limits.gpus, scene.limits.usd_per_hour / usd if usd < NEVER else scene.limits.gpus)
    pairs = pairs_of(part.gpus, most)
    if not len(places) or not len(pairs.first):
        return
    links = {
        gpus: cache_way(scene.catalogs, setup.gpu, int(gpus), scene.gpus_per_node)
        for gpus in set(pairs.gpus.flat)
    }
    rates = np.array([[links[gpus].bytes_per_s] for gpus in pairs.gpus.flat])
    cache = kv_cache_bytes_per_token(setup.model, setup.numbers.cache_format), rates
    found, holds = served_apart(
        part.deployment, part.gpus, pairs, scene.lengths, (load.kind, load.amount), cache
    )
    kept = scene.limits.looser(1 + NEAR).allow(found) & holds
    scores = np.asarray(score(search.objective, pairs.gpus, usd, setup.gpu.tdp_w or NEVER, 1, found))
    both = np.broadcast_to(scores, pairs.gpus.shape)[:, 0], pairs.gpus[:, 0]
    order = [at for at in np.lexsort(both[::-1]).tolist() if kept[at, 0] and both[0][at] < NEVER]
    looked = ((at, part.row(int(pairs.first[at])), part.row(int(pairs.second[at]))) for at in order)
    for at, *sides in islice((each for each in looked if _moves(plan, each[1], each[2])), TRIES):
        yield sides[0], sides[1], int(pairs.prefills[at, 0]), int(pairs.decodes[at, 0])


def _moves(plan: Evaluated, first: Row, second: Row) -> bool:
    return moves_between(plan.placed, (first.layout.tensor, second.layout.tensor))


def _places(rows: Rows, plan: Evaluated, scene: Scene) -> Places:
    """Rows of the plan's kind on one host without stages that hold a request, the smallest first."""
    own = np.array([kind == plan.row.kind for kind in rows.table.kinds])
    owners = rows.table.each(range(len(own)))[rows.numbers].astype(np.intp)
    found = np.flatnonzero(own[owners] & (rows.gpus[:, 0] <= scene.gpus_per_node))
    kept = [at for at in found.tolist() if rows.row(at).layout.pipeline == 1]
    smallest = sorted(kept, key=lambda at: rows.gpus[at, 0])[:MOST_LAYOUTS]
    single = _with_load(scene.workload, 1)
    return np.array([at for at in smallest if holds(scene, rows.row(at), single)], dtype=np.intp)


def _in_full(
    scene: Scene, plan: Evaluated, first: Row, second: Row, prefills: int, decodes: int
) -> Apart | None:
    """Both sides as ``/api/memory_plan`` and ``/api/serving_estimate`` answer; None where a limit breaks."""
    checkpoint()
    try:
        for started in scene.starts(second, _share(scene.workload, decodes)):
            request = _request(scene, plan, started, (first, second), (prefills, decodes))
            planned = planned_memory(memory_request(request), scene.catalogs)
            if planned.serves:
                return _timed(scene, request, planned, first, second)
    except CalcError:
        pass
    return None


def _timed(
    scene: Scene, request: ServingEstimateRequest, planned: Planned, first: Row, second: Row
) -> Apart | None:
    placed = place_request(request, scene.catalogs)
    sides = sides_of(placed, request, scene.catalogs)
    if sides is None:
        return None
    answered = disaggregated_estimate(sides, request.workload)
    found = answered if isinstance(answered, Estimate) else answered.estimate
    if scene.percentile in PERCENTILE_PLACES and not found.percentiles:
        found = with_percentiles(found, sides, request.workload)
    if not within_limits(scene, found):
        return None
    gpus = request.hardware.count
    return Apart(
        request=request, first=first, second=second, sides=sides, planned=planned, found=found, gpus=gpus
    )


def _share(workload: WorkloadPart, decodes: int) -> WorkloadPart:
    """What one of so many decode replicas has to hold."""
    if workload.concurrency is None:
        return workload
    return _with_load(workload, -(-workload.concurrency // decodes))


def _with_load(workload: WorkloadPart, requests: int) -> WorkloadPart:
    none = {"request_rate": None, "users": None, "requests_per_user_per_minute": None}
    return workload.model_copy(update={**none, "concurrency": requests})


def _request(
    scene: Scene, plan: Evaluated, started: Started, rows: tuple[Row, Row], counts: tuple[int, int]
) -> ServingEstimateRequest:
    layouts = [row.layout for row in rows]
    way = replace(plan.row.choice.way, tiers=())
    count = sum(layout.gpus * number for layout, number in zip(layouts, counts, strict=True))
    return ServingEstimateRequest(
        model=scene.model,
        precision=plan.row.choice.part,
        hardware=HardwarePart(gpu=plan.row.gpu.id, count=count, gpus_per_node=scene.gpus_per_node),
        parallelism=_layout(layouts[0]),
        engine=started.part,
        workload=scene.workload,
        speculative=way.speculative,
        lora=way.lora,
        disaggregated=DisaggregatedPart(
            prefill_replicas=counts[0],
            decode_replicas=counts[1],
            decode_parallelism=None if layouts[0] == layouts[1] else _layout(layouts[1]),
        ),
        calibration=scene.calibration,
    )


def _layout(layout: Layout) -> ParallelismPart:
    return ParallelismPart(
        tensor=layout.tensor, pipeline=layout.pipeline, data=layout.data, expert=layout.expert
    )
