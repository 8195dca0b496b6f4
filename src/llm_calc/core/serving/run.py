"""A serving engine's scheduler, simulated from event to event.

Between two events (a prompt that enters, a sequence that ends) all steps are alike, so that a run of ten
requests a slot takes a few events a request, not one a token. Above a number of slots several sequences move
together as one. ``now`` is a reading of the run's clock: the number of events in a closed loop, whose order does not
depend on how long each takes, and seconds where requests come at times of their own.

A closed loop starts with all slots at once; their prompts fill step after step, in order (:class:`Start`).
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from llm_calc.core.serving.traffic import Draws, Scheduling, Traffic

MOST_MEMBERS = 16
"""First tokens that are noted of each group."""
DONE = 1e-6


@dataclass(frozen=True, slots=True)
class Bounds:
    """Context of all sequences that the cache holds, most sequences at once, and slots that are simulated."""

    capacity_tokens: float
    limit_sequences: float
    slots: int


Chunk = tuple[float, float, float]
"""Prompt tokens of a step, prompts that they belong to, and tokens before them."""


def mean_start(start: float, cached: float, own: float, chunk: float, steps: float) -> float:
    """Tokens before the chunks of so many alike steps, on average [tokens].

    ``start + (steps - 1) x chunk / 2`` within one prompt of ``own`` tokens; ``cached + (own - chunk) / 2`` where a
    group's prompts follow one another, each from its own beginning.
    Definition: the mean of an even row.
    """
    if start - cached + steps * chunk > own * (1 + DONE):
        return cached + max(own - chunk, 0.0) / 2
    return start + (steps - 1) * chunk / 2


class Request:
    """One request of a slot; with grouped slots one of every member of the group.

    ``left``: prompt tokens of all members still to compute, ``whole`` at first. ``together``: the members came at
    once (the start of a closed loop); later ones come one after another. ``arrived``, ``began``, ``first``: readings.
    """

    __slots__ = ("arrived", "began", "first", "left", "number", "ready", "slot", "together", "whole")

    def __init__(self, number: int, slot: int, arrived: float, whole: float, *, together: bool) -> None:
        self.number, self.slot, self.arrived, self.whole, self.left = number, slot, arrived, whole, whole
        self.together, self.ready = together, 0
        self.began = self.first = 0.0


class Run(ABC):
    """State of one simulated run; ``group`` sequences move together.

    ``samples``: arrival, start and end of the prompt of each first token; ``ends``: arrival, first and last token of
    each request and the tokens of its answer.
    """

    def __init__(self, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> None:
        self.traffic, self.rules = traffic, rules
        self.slots = min(traffic.slots, bounds.slots)
        self.group = traffic.slots / self.slots if self.slots else 1.0
        self.members = min(MOST_MEMBERS, max(1, round(self.group)))
        self.capacity = bounds.capacity_tokens / self.group
        self.limit = max(1.0, bounds.limit_sequences / self.group)
        self.mixed = rules.policy == "mixed"
        requests = self.slots * traffic.requests_per_slot + len(traffic.arrivals_s)
        self.draws = Draws(traffic, rules, self.group, requests)
        self.now: float = 0
        self.held = self.context = 0.0
        self.tick = self.drawn = self.entered = 0
        self.sent = [0] * self.slots
        self.waiting: deque[Request] = deque()
        self.filling: deque[Request] = deque()
        self.running: list[tuple[float, int, Request]] = []
        self.samples: list[float] = []
        self.ends: list[float] = []

    @abstractmethod
    def advance(self, steps: int, decoding: int, context: float, chunk: Chunk) -> None:
        """So many steps pass that carry prompts, beside sequences that decode at a mean context."""

    def send(self, slot: int) -> None:
        """The next request of a slot, unless it has sent all of its own."""
        if slot >= 0 and self.sent[slot] < self.traffic.requests_per_slot:
            self.sent[slot] += 1
            self.enqueue(slot, self.now, together=self.group == 1.0 or self.sent[slot] == 1)

    def enqueue(self, slot: int, arrived: float, *, together: bool = True) -> None:
        """A request joins the queue."""
        whole = self.draws.whole[self.drawn]
        self.waiting.append(Request(self.drawn, slot, arrived, whole, together=together))
        self.drawn += 1

    def admit(self) -> None:
        """Requests enter in order while the cache and the engine's limit have room; one always does."""
        while self.waiting and len(self.running) + len(self.filling) < self.limit:
            reserve = self.draws.reserve[self.waiting[0].number]
            if self.held + reserve > self.capacity and (self.running or self.filling):
                return
            self.held += reserve
            self.filling.append(self.waiting.popleft())

    def fill(self) -> None:
        """One step that carries prompt tokens, as many as the budget allows; many alike for a very long prompt."""
        decoding = len(self.running) if self.mixed else 0
        parts = self._chunks(self.room(decoding))
        steps = self._alike(parts, decoding)
        taken = prompts = start = 0.0
        for request, part in parts:
            taken += part
            prompts += self.group if part == request.whole else self._prompts_of(request, part)
            start = max(start, self._begun(request))
        if steps > 1:
            own = parts[0][0].whole / self.group
            start = mean_start(start, self.traffic.cached_tokens, own, taken / prompts, steps)
        mean = self.context / decoding if decoding else 0.0
        self.advance(steps, decoding, mean, (taken, prompts, start))
        if decoding:
            self.tick += steps
            self.context += steps * decoding * self.rules.tokens_per_step
        for request, part in parts:
            self.progress(request, steps * part)

    def room(self, decoding: float) -> float:
        """Prompt tokens that a step of one replica has room for beside so many groups that decode [tokens].

        ``max(budget - groups x sequences of each / replicas, 1)``.
        Definition: every decoding sequence takes one token of the budget.
        Leaves out: further tokens that speculative decoding checks.
        """
        return max(self.rules.budget_tokens - decoding * self.group / self.rules.replicas, 1.0)

    def _chunks(self, room: float) -> list[tuple[Request, float]]:
        """What the next step takes of each prompt, in order, up to ``room`` tokens on each replica."""
        parts: list[tuple[Request, float]] = []
        most, room = room * min(self.rules.replicas, self.group), room * self.rules.replicas
        for request in self.filling:
            part = min(request.left, most, room)
            if part <= 0:
                break
            if request.left == request.whole:
                request.began = self.now
            parts.append((request, part))
            room -= part
        return parts

    def _alike(self, parts: list[tuple[Request, float]], decoding: int) -> int:
        """Steps that take the same chunks before anything else happens."""
        until = self.running[0][0] - self.tick if decoding else inf
        for request, part in parts:
            until = min(until, request.left // part)
        return max(1, int(until))

    def _prompts_of(self, request: Request, part: float) -> float:
        """Prompts that a chunk belongs to: members of a group are computed one after another."""
        return max(1.0, part * self.group / request.whole)

    def _begun(self, request: Request) -> float:
        """Tokens of a prompt that stand before its next chunk."""
        if request.left == request.whole:
            return self.traffic.cached_tokens
        return self.traffic.cached_tokens + (request.whole - request.left) % (request.whole / self.group)

    def progress(self, request: Request, part: float) -> None:
        """Books a chunk; sequences whose prompts are complete have their first token."""
        request.left -= part
        if request.together:
            self.note_ready(request)
        if request.left > DONE:
            return
        if not request.together:
            self.samples.extend((request.arrived, request.began, self.now) * self.members)
        self.filling.remove(request)
        request.first = self.now
        self.context += self.draws.prompt[request.number]
        self.entered += 1
        heappush(self.running, (self.tick + self.draws.steps[request.number], self.entered, request))

    def note_ready(self, request: Request) -> None:
        """First tokens of the members whose prompts the last chunk completed."""
        done = (request.whole - request.left) * self.members / request.whole
        ready = self.members if request.left <= DONE else int(done)
        self.samples.extend((request.arrived, self.now, self.now) * (ready - request.ready))
        request.ready = ready

    def _steps_left(self) -> int:
        """Steps until the next sequence ends."""
        return max(1, int(self.running[0][0] - self.tick + 1 - DONE))

    def finish(self) -> None:
        """Sequences that have their last token leave; their slots send again."""
        while self.running and self.running[0][0] <= self.tick + DONE:
            request = heappop(self.running)[2]
            prompt, output = self.draws.prompt[request.number], self.draws.output[request.number]
            self.held -= self.draws.reserve[request.number]
            self.context = max(0.0, self.context - prompt - output + 1)
            self.ends.extend((request.arrived, request.first, self.now, output))
            self.send(request.slot)


class Start:
    """The first prompts of a run whose sequences move one by one on one replica, all of which have room at once.

    ``rows``: the events; for each request the reading of its first token and the step of its last.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        firsts = (
            draws[: run.slots].tolist() for draws in (run.draws.wholes, run.draws.prompts, run.draws.later)
        )
        self.whole, self.prompt, self.steps = firsts
        self.rows: list[float] = []
        self.firsts: list[int] = []
        self.ends: list[float] = []
        self.tick, self.context = 0, 0.0

    def fill(self) -> None:
        """Computes all prompts [tokens].

        ``chunk = min(left of the prompt, room of the step)``.
        Definition: :meth:`.run.Run.fill` over and over.
        """
        run, whole = self.run, self.whole
        number, left = 0, whole[0]
        while number < run.slots:
            beside = len(self.firsts) if run.mixed else 0
            room, taken, first, start = run.room(beside), 0.0, number, run.traffic.cached_tokens
            if left < whole[number]:
                start += whole[number] - left
            while number < run.slots and room > 0:
                part = min(left, room)
                taken, room, left = taken + part, room - part, left - part
                if left > DONE:
                    break
                number += 1
                left = whole[number] if number < run.slots else 0.0
            prompts = number - first + (0 < left < whole[min(number, run.slots - 1)])
            self.step(beside, taken, float(prompts), start)
            self.complete(first, number)

    def step(self, beside: int, taken: float, prompts: float, start: float) -> None:
        """Notes one step, beside so many that decode."""
        mean = self.context / beside if beside else 0.0
        self.rows.extend((1.0, beside, len(self.firsts), mean, taken, prompts, start))
        self.tick += beside > 0
        self.context += beside * self.run.rules.tokens_per_step

    def complete(self, first: int, number: int) -> None:
        """The prompts of requests from ``first`` on, before ``number``, are complete."""
        reading = len(self.rows) // 7
        self.firsts += [reading] * (number - first)
        self.ends += [self.tick + steps for steps in self.steps[first:number]]
        self.context += sum(self.prompt[first:number])

    def requests(self) -> list[tuple[float, int, Request]]:
        """The sequences that run now, as a run holds them."""
        found, whole = [], self.whole
        for number, (end, first) in enumerate(zip(self.ends, self.firsts, strict=True)):
            request = Request(number, number, 0, whole[number], together=True)
            request.left, request.ready, request.first = 0.0, 1, first
            found.append((end, number + 1, request))
        return sorted(found)


def started(run: Run) -> Start | None:
    """The start of a run; None where it is not that simple [tokens].

    Definition: groups, replicas, prompts of more than two steps and answers that end before all have begun are not.
    """
    slots, widest = run.slots, float(run.draws.wholes[: run.slots].max(initial=0.0))
    if run.group != 1.0 or run.rules.replicas != 1 or widest >= 2 * run.room(slots):
        return None
    start = Start(run)
    start.fill()
    return start if min(start.ends) > start.tick + DONE else None
