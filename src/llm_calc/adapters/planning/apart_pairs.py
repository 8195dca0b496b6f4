"""Pairs of replicas that look best in closed form: layouts and numbers of both sides, on one kind of GPU or on two."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from llm_calc.adapters.apart_way import Way, cache_way, moves_between, network_between
from llm_calc.adapters.planning.exact import Evaluated, fitting, holds
from llm_calc.adapters.planning.rows import Candidates, Row, Rows
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.arrays import FloatArray
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.planning.apart import Flags, Pairs, pairs_of, served_apart
from llm_calc.core.planning.bounded import NEVER, score, usd_of
from llm_calc.core.planning.candidates import Kind
from llm_calc.core.planning.laid import Places
from llm_calc.core.planning.split import NEAR

MOST_LAYOUTS = 16
"""Layouts of a GPU and format that are paired with each other, the smallest first."""
TRIES = 6
"""Pairs of a GPU and format that are estimated in full."""
OTHERS = 2
"""Other kinds of GPU that each of the best is paired with, the best ones of its maker."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Both:
    """Whose replicas are paired: a plan's formats and engine, on a kind of GPU for each side."""

    plan: Evaluated
    prefill: Gpu
    decode: Gpu

    @property
    def mixed(self) -> bool:
        """Whether there are two kinds of GPU."""
        return self.prefill.id != self.decode.id

    def kind(self, gpu: Gpu) -> Kind:
        """What is searched on one of them."""
        return (gpu.id, *self.plan.row.kind[1:])


def with_others(plan: Evaluated, plans: Sequence[Evaluated]) -> Iterator[Both]:
    """A plan's GPUs on both sides, then on one side with the best others of the same maker on the other."""
    own = plan.row.gpu
    yield Both(plan=plan, prefill=own, decode=own)
    gpus = {each.row.gpu.id: each.row.gpu for each in plans}
    others = [gpu for gpu in gpus.values() if gpu.id != own.id and gpu.vendor == own.vendor]
    for other in others[:OTHERS]:
        yield Both(plan=plan, prefill=own, decode=other)
        yield Both(plan=plan, prefill=other, decode=own)


def way_for(scene: Scene, both: Both, gpus: int) -> Way:
    """The way of the caches; two kinds of GPU are taken to lie on hosts of their own."""
    if both.mixed:
        return network_between(scene.catalogs, (both.prefill, both.decode), scene.gpus_per_node)
    return cache_way(scene.catalogs, both.prefill, gpus, scene.gpus_per_node)


def best_pairs(
    search: Search, candidates: Sequence[Candidates], both: Both
) -> Iterator[tuple[Row, Row, int, int]]:
    """The pairs that look best, rows and replicas of both sides."""
    kind = both.plan.row.kind
    rows = next(each.rows for each in candidates if kind in each.rows.table.kinds)
    sides = [_places(rows, both.kind(gpu), search.scene) for gpu in (both.prefill, both.decode)]
    if not all(map(len, sides)):
        return
    part = rows.at(np.concatenate(sides))
    first, second = np.arange(len(sides[0])), np.arange(len(sides[1])) + len(sides[0])
    pairs = pairs_of(part.gpus, search.scene.limits.gpus, first, second)
    if not len(pairs.first):
        return
    scores, kept = _scored(search, both, part, pairs)
    order = [
        at for at in np.lexsort((pairs.gpus[:, 0], scores)).tolist() if kept[at, 0] and scores[at] < NEVER
    ]
    looked = ((at, part.row(int(pairs.first[at])), part.row(int(pairs.second[at]))) for at in order)
    moved = (each for each in looked if _moves(both.plan, each[1], each[2]))
    for at, *rest in islice(moved, TRIES):
        yield rest[0], rest[1], int(pairs.prefills[at, 0]), int(pairs.decodes[at, 0])


def _scored(search: Search, both: Both, part: Rows, pairs: Pairs) -> tuple[FloatArray, Flags]:
    """The objective of every pair in closed form, and which may keep the limits."""
    scene, load, setup = search.scene, search.load, both.plan.placed.subject.setup
    links = {gpus: way_for(scene, both, int(gpus)) for gpus in set(pairs.gpus.flat)}
    rates = np.array([[links[gpus].bytes_per_s] for gpus in pairs.gpus.flat])
    cache = kv_cache_bytes_per_token(setup.model, setup.numbers.cache_format), rates
    found, served = served_apart(
        part.deployment, part.gpus, pairs, scene.lengths, (load.kind, load.amount), cache
    )
    usd = _of_both(part.column(lambda gpu: usd_of(search.prices[gpu.id])), part.gpus, pairs)
    watts = _of_both(part.column(lambda gpu: gpu.tdp_w or NEVER), part.gpus, pairs)
    affordable = usd <= scene.limits.usd_per_hour if scene.limits.usd_per_hour < NEVER else True
    kept = scene.limits.looser(1 + NEAR).allow(found) & served & affordable
    scores = score(search.objective, pairs.gpus, usd / pairs.gpus, watts / pairs.gpus, 1, found)
    return np.broadcast_to(np.asarray(scores), pairs.gpus.shape)[:, 0], kept


def _of_both(each: FloatArray, gpus: FloatArray, pairs: Pairs) -> FloatArray:
    """A figure of one GPU, of all GPUs of both sides."""
    whole = each * gpus
    total: FloatArray = pairs.prefills * whole[pairs.first] + pairs.decodes * whole[pairs.second]
    return total


def _moves(plan: Evaluated, first: Row, second: Row) -> bool:
    return moves_between(plan.placed, (first.layout.tensor, second.layout.tensor))


def _places(rows: Rows, kind: Kind, scene: Scene) -> Places:
    """Rows of a kind on one host without stages that hold a request, the smallest first."""
    own = np.array([each == kind for each in rows.table.kinds])
    owners = rows.table.each(range(len(own)))[rows.numbers].astype(np.intp)
    found = np.flatnonzero(own[owners] & (rows.gpus[:, 0] <= scene.gpus_per_node))
    kept = [at for at in found.tolist() if rows.row(at).layout.pipeline == 1]
    smallest = sorted(kept, key=lambda at: rows.gpus[at, 0])[:MOST_LAYOUTS]
    held = [at for at in smallest if _holds(scene, rows.row(at))]
    return np.array(held, dtype=np.intp)


def _holds(scene: Scene, row: Row) -> bool:
    """Whether a request fits, with the engine's own limit on sequences where they arrive by themselves."""
    single = with_load(scene.workload, 1)
    if not holds(scene, row, single):
        return False
    found = fitting(scene, row, single)
    own = scene.workload.concurrency is None
    return found is not None and (not own or found[0] is next(scene.starts(row, single)))


def with_load(workload: WorkloadPart, requests: int) -> WorkloadPart:
    """The same lengths with so many requests at once."""
    none = {"request_rate": None, "users": None, "requests_per_user_per_minute": None}
    return workload.model_copy(update={**none, "concurrency": requests})
