"""The search: bounds for every candidate at once, then the best of them in full, best bound first."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

import numpy as np

from llm_calc.core.planning.bounded import NEVER, Aim, Bound, Candidates, Prices, is_unknown, score, usd_of
from llm_calc.core.planning.candidates import C, Kind, Row
from llm_calc.core.planning.in_full import P, W
from llm_calc.core.planning.split import Load
from llm_calc.core.planning.tries import (
    LOAD_TRIES,
    affordable,
    ever_more,
    falling_loads,
    first_above,
    loads_between,
)

TRIES_A_KIND = 6
"""Candidates of a GPU, format and engine that may fail in full before the others of them are left."""
MARGIN = 0.02
"""By how much a bound has to beat a plan to be worth a look: closed forms and simulated runs differ by as much."""
LEFT = 0.25
"""Part by which a bound may lie behind that of a plan where closed forms say little; runs shift all of a kind."""


@dataclass(slots=True, kw_only=True)
class BestFirst(ABC, Generic[C, W, P]):
    """Candidates worked out in full so far; each at most once a load. How that is done, who derives from it says."""

    scene: Aim
    load: Load
    objective: str
    prices: Prices
    named: bool = False
    """Whether the request names its GPUs: then those are tried too whose rank cannot be known."""
    done: dict[Row[C], P | None] = field(default_factory=dict)
    known: dict[tuple[object, ...], P | None] = field(default_factory=dict)
    wide: bool = False
    """Whether something is held of which closed forms say little: then loads are tried as far as they go."""

    @property
    @abstractmethod
    def workload(self) -> W:
        """What all replicas serve."""

    @abstractmethod
    def evaluated(self, row: Row[C], workload: W, replicas: int, filled: float) -> P | None:
        """A candidate in full; None where it does not fit or breaks a limit."""

    @abstractmethod
    def holds(self, row: Row[C], workload: W) -> bool:
        """Whether the memory of a candidate holds a load at all."""

    @abstractmethod
    def with_requests(self, requests: int) -> W:
        """The same lengths with so many requests at once."""

    @abstractmethod
    def share_of(self, replicas: int) -> W:
        """What one of so many replicas serves."""

    @property
    def estimated(self) -> int:
        """How many candidates and loads were worked out in full [1].

        Definition: each pair of them once.
        """
        return len(self.known)

    def best(self, candidates: Sequence[Candidates[C]], most_plans: int) -> list[P]:
        """The best plan of each GPU and format, best first: bounds first, as few in full as the order needs."""
        best: dict[tuple[str, str | None], P] = {}
        for first, ordered in _by_kind(candidates):
            last = self._last_shown(best, most_plans)
            if self._is_behind(first.score, last):
                break
            gpu, weights, _ = first.kind
            plan = self._best_of(ordered, best.get((gpu, weights)), last)
            if plan is not None:
                best[gpu, weights] = plan
        return sorted(best.values(), key=self.rank)

    def _last_shown(self, best: Mapping[tuple[str, str | None], P], most_plans: int) -> float:
        """The score that a plan has to beat to be shown."""
        scores = sorted(self.rank(plan)[0] for plan in best.values())
        return scores[most_plans - 1] if len(scores) >= most_plans else NEVER

    def _is_behind(self, bound: float, other: float) -> bool:
        """Whether even the bound of a candidate hardly beats a score."""
        if is_unknown(bound) and not self.named:
            return True
        return bound * (1 + math.copysign(MARGIN, bound)) >= other

    def _best_of(self, ordered: Iterable[Bound[C]], found: P | None, last: float) -> P | None:
        """The best plan of one kind, if it beats ``found``: further candidates only while their bound does.

        ``last``: the score that a plan has to beat to be shown.
        """
        failed, first = 0, NEVER
        for bound in ordered:
            beaten = last if found is None else min(self.rank(found)[0], last)
            if self._is_behind(bound.score, beaten):
                break
            if self.wide and bound.score - first > LEFT * abs(first):
                break
            plan = self.full(bound, beaten)
            first = first if plan is None else min(first, bound.score)
            failed += self._has_failed(bound)
            found = min((each for each in (found, plan) if each is not None), key=self.rank, default=None)
            if failed == TRIES_A_KIND:
                break
        return found

    def _has_failed(self, bound: Bound[C]) -> bool:
        """Whether a candidate breaks a limit or does not start; one that is left as it lies behind did not fail."""
        return self.done.get(bound.row, bound) is None and self._affordable(bound.row, bound.replicas)

    def full(self, bound: Bound[C], beaten: float = NEVER) -> P | None:
        """The candidate in full, with the most requests a replica that keep the limits.

        None as soon as it is known not to beat ``beaten``. What does not hold the least of its loads holds none.
        """
        if bound.row in self.done:
            return self.done[bound.row]
        loads, failed = list(self._loads(bound)), 0
        held, plan = self.holds(bound.row, loads[-1][1]), None
        for attempt in loads if held else ():
            if self._is_behind(self._with_replicas(bound, attempt[2]), beaten):
                return None
            plan = self._try(attempt)
            if plan is not None:
                break
            failed = attempt[2]
        if plan and failed:
            plan = self._with_more(bound, plan) if self.load.open else self._with_fewer(bound, plan, failed)
        self.done[bound.row] = plan
        return plan

    def _with_replicas(self, bound: Bound[C], replicas: int) -> float:
        """The least score of so many replicas: arrivals fix what all of them put out."""
        if self.load.kind != "request_rate" or self.load.fastest:
            return bound.score
        more = replicas / bound.least
        return bound.score / more if self.objective == "throughput" else bound.score * more

    def _with_fewer(self, bound: Bound[C], plan: P, failed: int) -> P:
        """The same with the fewest replicas above those that fail."""
        while plan.replicas - failed > 1:
            middle = (plan.replicas + failed) // 2
            found = self._try((bound, self.share_of(middle), middle))
            plan, failed = (plan, middle) if found is None else (found, failed)
        return plan

    def _with_more(self, bound: Bound[C], plan: P) -> P:
        """The same under the most of the loads that were stepped over."""
        if not self.wide:
            return plan
        kept = plan.workload.requests_in_flight
        between = loads_between(kept, first_above(falling_loads(bound.each, wide=True), kept))
        while between:
            middle = len(between) // 2
            found = self._try((bound, self.with_requests(between[middle]), 1))
            plan, between = (plan, between[:middle]) if found is None else (found, between[middle + 1 :])
        return plan

    def at(self, bound: Bound[C]) -> P | None:
        """The candidate in full under exactly this load."""
        if self.load.open:
            return self._try((bound, self.with_requests(max(1, round(bound.each))), 1))
        if self.load.kind == "offline":
            return self._try((bound, self.workload, 1))
        return self._try((bound, self.share_of(bound.replicas), bound.replicas))

    def _try(self, attempt: tuple[Bound[C], W, int]) -> P | None:
        bound, workload, replicas = attempt
        if not self._affordable(bound.row, replicas):
            return None
        rates = workload.request_rate, workload.session_rate
        key = (id(bound.row), workload.load, workload.requests_in_flight, rates, replicas)
        if key not in self.known:
            filled = self.load.filled(workload.requests_in_flight, replicas)
            self.known[key] = self.evaluated(bound.row, workload, replicas, filled)
        return self.known[key]

    def _affordable(self, row: Row[C], replicas: int) -> bool:
        return replicas <= self._most_replicas(row)

    def _most_replicas(self, row: Row[C]) -> int:
        """Replicas that the limits on GPUs and rent allow, besides spare ones."""
        return affordable(
            self.scene.limits, row.layout.gpus, usd_of(self.prices[row.gpu.id]), self.scene.spare_replicas
        )

    def _loads(self, bound: Bound[C]) -> Iterator[tuple[Bound[C], W, int]]:
        """Loads of a replica from slightly more than the bound allows to ever fewer."""
        load = self.load
        if load.kind == "offline":
            yield bound, self.workload, 1
        elif load.open:
            falling = falling_loads(bound.each, wide=self.wide)
            for each in falling if self.wide else falling[:LOAD_TRIES]:
                yield bound, self.with_requests(each), 1
        else:
            kept = load.fastest and self._affordable(bound.row, bound.replicas)
            first = bound.replicas if kept else bound.least
            for replicas in ever_more(first, self._most_replicas(bound.row), wide=self.wide):
                yield bound, self.share_of(replicas), replicas

    def rank(self, plan: P) -> tuple[float, ...]:
        """What plans are put in order by [1].

        Definition: the objective; of equals the cheaper, then smaller, then faster.
        """
        usd, gpu = usd_of(self.prices[plan.row.gpu.id]), plan.row.gpu
        gpus, found = plan.row.layout.gpus, plan.found
        own = float(score(self.objective, gpus, usd, gpu.tdp_w or NEVER, plan.replicas, found))
        return own, usd * plan.gpus, plan.gpus, float(found.request_latency_s)


def _by_kind(candidates: Sequence[Candidates[C]]) -> Iterator[tuple[Bound[C], Iterator[Bound[C]]]]:
    """The first and all candidates of each kind, kinds and candidates best bound first."""
    parts = [part for part in candidates if len(part.places)]
    if not parts:
        return
    order = np.concatenate([part.order[part.places] for part in parts])
    owners = np.repeat(np.arange(len(parts)), [len(part.places) for part in parts])
    places = np.concatenate([part.places for part in parts])
    known = dict[Kind, int]()
    codes = np.concatenate([part.rows.kinds(known)[part.places] for part in parts])
    sorting = np.lexsort((order[:, 2], order[:, 1], order[:, 0]))
    owners, places, codes = owners[sorting], places[sorting], codes[sorting]
    _, firsts = np.unique(codes, return_index=True)

    def bound(at: int) -> Bound[C]:
        return parts[int(owners[at])].bound(int(places[at]))

    for first in np.sort(firsts).tolist():
        yield bound(first), map(bound, np.flatnonzero(codes == codes[first]).tolist())
