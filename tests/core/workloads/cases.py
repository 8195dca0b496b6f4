"""Small random loads, and both engines under them."""

import random
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.traffic import Scheduling, poisson_arrivals
from llm_calc.core.workloads.draws import around
from llm_calc.core.workloads.run import simulate
from llm_calc.core.workloads.stream import RequestClass, Room, Stream, Tier
from tests.builders import llama
from tests.core.serving.cases import rates, work
from tests.core.workloads.reference import Reference

WORK, RATES = work(llama(), tensor=4), rates()
ARRIVALS = 60


@dataclass(frozen=True, kw_only=True)
class Case:
    """A load on an engine."""

    clock: StepClock
    stream: Stream
    rules: Scheduling
    room: Room
    limit: float

    @property
    def turns(self) -> int:
        return self.stream.classes[0].turns

    @property
    def counted(self) -> tuple[int, int]:
        """Requests, and those before them that are not counted."""
        slots = self.stream.slots
        if not slots:
            return sum(self.stream.classes[self.stream.class_of(each)].turns for each in range(ARRIVALS)), 0
        return slots * self.turns * -(-10 // self.turns), slots if self.turns > 1 else 0


@dataclass(frozen=True, kw_only=True)
class Means:
    """What both engines are compared by."""

    ttft_s: float
    tpot_s: float
    hits: tuple[float, ...]


def case(seed: int) -> Case:
    """A load drawn from one number."""
    draw = random.Random(seed)
    turns, slots = draw.choice([1, 2, 3, 4, 6]), draw.randint(1, 12)
    kind = RequestClass(
        first=around(draw.randint(60, 800), draw.choice([0, 0.2, 0.5])),
        output=around(draw.randint(4, 60), 0.2),
        growth=around(draw.randint(8, 300), 0.3),
        turns=turns,
        think_s=draw.choice([0, 0.05, 0.3, 1.0]),
    )
    shared, need = min(draw.choice([0, 0, 32, 64]), kind.first.values[0] // 2), kind.longest_tokens
    capacity = need * draw.choice([1.2, 2, 4, slots * 0.5 + 1, slots, slots * 1.5, slots * 4])
    host = Tier(
        name="host",
        capacity_tokens=need * draw.choice([1, 4, slots * 2]),
        tokens_per_s=draw.choice([2e4, 2e5]),
    )
    return Case(
        stream=Stream(classes=(kind,), slots=slots, shared_tokens=shared),
        room=Room(
            capacity_tokens=capacity,
            block_tokens=draw.choice([1, 16]),
            tiers=(host,) if draw.random() < 0.4 else (),
            keeps=draw.random() > 0.1,
        ),
        rules=Scheduling(
            policy=draw.choice(["mixed", "prefill_first"]),
            budget_tokens=draw.choice([256, 1024, 8192]),
            reserved_fraction=draw.choice([0.5, 1.0]),
        ),
        limit=draw.choice([4, inf]),
        clock=StepClock(WORK, RATES, contexts=(kind.first.mean, need), groups=slots),
    )


def of_several(seed: int) -> Case:
    """The same with classes of sessions or single requests, alive or arriving at random."""
    one, draw = case(seed), random.Random(f"{seed} of several")
    kind = one.stream.classes[0]
    classes = [kind]
    for _ in range(draw.choice([0, 1, 2])):
        first, turns = draw.randint(60, 800), draw.choice([1, kind.turns])
        classes.append(
            replace(kind, first=around(first, 0.3), output=around(draw.randint(4, 60), 0.2), turns=turns)
        )
    shares = [each / sum(range(1, len(classes) + 1)) for each in range(1, len(classes) + 1)]
    kinds = tuple(replace(each, share_fraction=share) for each, share in zip(classes, shares, strict=True))
    shared = min(one.stream.shared_tokens, min(each.first.values[0] for each in kinds) // 2)
    stream = replace(one.stream, classes=kinds, shared_tokens=shared)
    if draw.random() < 0.7:
        arrivals = poisson_arrivals(draw.choice([0.3, 1.0, 3.0, 10.0]), ARRIVALS)
        stream = replace(stream, slots=0, arrivals_s=arrivals)
    means, need = [each.first.mean for each in kinds], stream.longest_tokens
    room = replace(one.room, capacity_tokens=max(one.room.capacity_tokens, 1.2 * need))
    groups = stream.slots or ARRIVALS * max(each.turns for each in kinds)
    clock = StepClock(WORK, RATES, contexts=(min(means), need), groups=groups)
    return replace(one, stream=stream, room=room, clock=clock)


def simulated(one: Case) -> Means:
    """From event to event."""
    requests, uncounted = one.counted
    seen = simulate(
        one.clock, one.stream, one.rules, one.room, one.limit, requests=requests, uncounted=uncounted
    )
    return Means(
        ttft_s=float(seen.ttft_s.mean()),
        tpot_s=float(np.nanmean(seen.tpot_s)),
        hits=tuple((seen.found_tokens.sum(axis=1) / seen.prompt_tokens.sum()).tolist()),
    )


def exact(one: Case) -> Means:
    """Step by step, block by block."""
    rows = Reference(one.clock, one.stream, one.rules, one.room, one.limit).run(*one.counted)
    prompts = sum(row["prompt"] for row in rows)
    return Means(
        ttft_s=float(np.mean([row["ttft"] for row in rows])),
        tpot_s=float(np.nanmean([row["tpot"] for row in rows])),
        hits=tuple(
            sum(row[f"found{place}"] for row in rows) / prompts for place in range(1 + len(one.room.tiers))
        ),
    )
