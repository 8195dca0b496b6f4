"""Pairs of replicas that look best in closed form: layouts and numbers of both sides, on one kind of GPU or on two."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from llm_calc.adapters.apart_way import Way, cache_way, moves_between, network_between
from llm_calc.adapters.planning.exact import Evaluated, fitting, holds
from llm_calc.adapters.planning.rows import Candidates, Row, Rows
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.planning.turns import apart_lengths
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.arrays import FloatArray
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.planning.apart import Flags, Pairs, pairs_of, served_apart
from llm_calc.core.planning.bounded import FASTEST, NEVER, is_unknown, score, usd_of
from llm_calc.core.planning.candidates import Kind
from llm_calc.core.planning.split import NEAR
from llm_calc.core.serving.batch import prefill_seconds

MOST_LAYOUTS = 16
"""Layouts of a GPU and format that are paired with each other, the smallest first."""
TRIES = 6
"""Pairs of a GPU and format that are estimated in full."""
MORE = 8
"""Further ones where none of these keeps all limits."""
ROOMIER = 1.25
"""By how much each of those prefills faster than the one before it, the first than the slowest of those."""
BEHIND = 0.1
"""Part by which a closed form may lie behind that of a pair that keeps all limits and still be estimated in full: runs
of requests that differ shift those of a GPU and format alike, and by less than this from each other."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """A row of each side, how many replicas of each, and the objective in closed form."""

    first: Row
    second: Row
    prefills: int
    decodes: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Of every pair: the objective, whether the limits may be kept, and with a tenth to spare; prompts a second."""

    scores: FloatArray
    kept: Flags
    spare: Flags
    prompts_per_s: FloatArray


def best_pairs(search: Search, candidates: Sequence[Candidates], both: Both) -> Iterator[Pair]:
    """The pairs that look best, then such that prefill ever faster, for where none of those keeps the limits.

    Closed forms know of no waits for a prefill replica that is hardly ever free.
    """
    kind = both.plan.row.kind
    rows = next(each.rows for each in candidates if kind in each.rows.table.kinds)
    sides = [_places(rows, both.kind(gpu), search.scene) for gpu in (both.prefill, both.decode)]
    if not all(sides):
        return
    part = _as_held(rows, [each for side in sides for each in side])
    first, second = np.arange(len(sides[0])), np.arange(len(sides[1])) + len(sides[0])
    pairs = pairs_of(part.gpus, search.scene.limits.gpus, first, second)
    if not len(pairs.first):
        return
    looks = _scored(search, both, part, pairs)

    def moved(places: Iterable[int]) -> Iterator[tuple[int, Row, Row]]:
        looked = ((at, part.row(int(pairs.first[at])), part.row(int(pairs.second[at]))) for at in places)
        return (each for each in looked if _moves(both.plan, each[1], each[2]))

    def told(at: int, ours: Row, theirs: Row) -> Pair:
        prefills, decodes = int(pairs.prefills[at, 0]), int(pairs.decodes[at, 0])
        return Pair(
            first=ours, second=theirs, prefills=prefills, decodes=decodes, score=float(looks.scores[at])
        )

    order = [
        at
        for at in np.lexsort((pairs.gpus[:, 0], looks.scores)).tolist()
        if looks.kept[at] and not is_unknown(looks.scores[at])
    ]
    first_ones = list(islice(moved(order), TRIES))
    yield from (told(*each) for each in first_ones)
    least = min((float(looks.prompts_per_s[at]) for at, *_ in first_ones), default=NEVER)
    untried = [at for at in order if looks.spare[at] and at not in {each[0] for each in first_ones}]
    for _ in range(MORE):
        roomy = (at for at in untried if looks.prompts_per_s[at] >= ROOMIER * least)
        if (each := next(moved(roomy), None)) is None:
            return
        yield told(*each)
        least = float(looks.prompts_per_s[each[0]])


def lags(objective: str, own: float, best: float) -> bool:
    """Whether a pair is not worth a run beside one that keeps the limits, by both closed forms.

    Of the least times it never is said: closed forms of waits are too far from runs.
    """
    return objective not in FASTEST and best < NEVER and own - best > BEHIND * abs(best)


def _scored(search: Search, both: Both, part: Rows, pairs: Pairs) -> Looks:
    """Every pair in closed form."""
    scene, load, setup = search.scene, search.load, both.plan.placed.subject.setup
    links = {gpus: way_for(scene, both, int(gpus)) for gpus in set(pairs.gpus.flat)}
    rates = np.array([[links[gpus].bytes_per_s] for gpus in pairs.gpus.flat])
    cache = kv_cache_bytes_per_token(setup.model, setup.numbers.cache_format), rates
    room = both.plan.placed.room
    lengths = apart_lengths(scene.workload, scene.lengths, keeps=room is not None and room.keeps)
    found, served = served_apart(part.deployment, part.gpus, pairs, lengths, load, cache)
    usd = _of_both(part.column(lambda gpu: usd_of(search.prices[gpu.id])), part.gpus, pairs)
    watts = _of_both(part.column(lambda gpu: gpu.tdp_w or NEVER), part.gpus, pairs)
    affordable = usd <= scene.limits.usd_per_hour if scene.limits.usd_per_hour < NEVER else True
    kept, spare = (scene.aimed.looser(1 + near).allow(found) & served & affordable for near in (NEAR, -NEAR))
    prompt_s = np.asarray(prefill_seconds(part.deployment.work, part.deployment.rates, 1.0, lengths))
    prompt_s = np.broadcast_to(prompt_s, part.gpus.shape)[pairs.first]
    scores = score(search.objective, pairs.gpus, usd / pairs.gpus, watts / pairs.gpus, 1, found)
    columns = (scores, kept, spare, pairs.prefills / prompt_s)
    return Looks(*(np.broadcast_to(np.asarray(each), pairs.gpus.shape)[:, 0] for each in columns))


def _of_both(each: FloatArray, gpus: FloatArray, pairs: Pairs) -> FloatArray:
    """A figure of one GPU, of all GPUs of both sides."""
    whole = each * gpus
    total: FloatArray = pairs.prefills * whole[pairs.first] + pairs.decodes * whole[pairs.second]
    return total


def _moves(plan: Evaluated, first: Row, second: Row) -> bool:
    return moves_between(plan.placed, (first.layout.tensor, second.layout.tensor))


def _places(rows: Rows, kind: Kind, scene: Scene) -> list[tuple[int, float]]:
    """Rows of a kind on one host without stages that hold a request, the smallest first, and how many they hold."""
    own = np.array([each == kind for each in rows.table.kinds])
    owners = rows.table.each(range(len(own)))[rows.numbers].astype(np.intp)
    found = np.flatnonzero(own[owners] & (rows.gpus[:, 0] <= scene.gpus_per_node))
    kept = [at for at in found.tolist() if rows.row(at).layout.pipeline == 1]
    smallest = sorted(kept, key=lambda at: rows.gpus[at, 0])[:MOST_LAYOUTS]
    held = [(at, _held(scene, rows.row(at))) for at in smallest]
    return [each for each in held if each[1] > 0]


def _held(scene: Scene, row: Row) -> float:
    """Requests that fit, with the engine's own limit on sequences where their number is not known; 0: none does."""
    single = with_load(scene.workload, 1)
    if not holds(scene, row, single):
        return 0.0
    found = fitting(scene, row, single)
    if found is None or not (counted(scene.workload) or found[0] is next(scene.starts(row, single))):
        return 0.0
    return max(1.0, float(found[1].plan.max_concurrency(scene.workload.longest_tokens)))


def _as_held(rows: Rows, held: Sequence[tuple[int, float]]) -> Rows:
    """Some of the rows with no more whole requests than their engines' memory rules hold."""
    part = rows.at(np.array([at for at, _ in held], dtype=np.intp))
    most = np.array([[requests] for _, requests in held])
    capacity = np.minimum(np.floor(part.deployment.capacity), most)
    return replace(part, deployment=replace(part.deployment, capacity=np.maximum(capacity, 1.0)))


def with_load(workload: WorkloadPart, requests: int) -> WorkloadPart:
    """The same lengths with so many requests at once."""
    none = dict.fromkeys(("request_rate", "session_rate", "users", "requests_per_user_per_minute"))
    return workload.model_copy(update={**none, "concurrency": requests})


def counted(workload: WorkloadPart) -> bool:
    """Whether so many requests are in flight, for which an engine's limit may be set; of sessions some pause."""
    return workload.concurrency is not None and not workload.grows
