"""The scheduler of a serving engine, event by event in the plainest way: what the faster one is held against.

Between two events (a prompt that enters, a sequence that ends) all steps are alike, so that a run of ten
requests a slot takes a few events a request, not one a token. Above ``MOST_SLOTS`` slots several sequences move
together as one.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

import numpy as np

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.run import mean_start
from llm_calc.core.serving.traffic import Scheduling, Served, Traffic

MOST_SLOTS = 64
MOST_MEMBERS = 16
"""First tokens that are noted of each group."""
_DONE = 1e-6


@dataclass(slots=True, eq=False)
class _Request:
    """One request of a slot; with grouped slots one of every member of the group.

    ``whole``, ``left``: prompt tokens of all members, and those still to compute. ``together``: the members came at
    once (the start of a closed loop); later ones come one after another.
    """

    slot: int
    arrival_s: float
    prompt: float
    output: float
    reserve: float
    whole: float
    left: float
    together: bool = True
    ready: int = 0
    began_s: float = 0.0
    first_s: float = 0.0


class _Run:
    """State of one simulated run; ``group`` sequences move together."""

    def __init__(
        self, clock: StepClock, traffic: Traffic, rules: Scheduling, capacity_tokens: float, limit: float
    ) -> None:
        self.clock, self.traffic, self.rules = clock, traffic, rules
        self.slots = min(traffic.slots, MOST_SLOTS)
        self.group = traffic.slots / self.slots if self.slots else 1.0
        self.members = min(MOST_MEMBERS, max(1, round(self.group)))
        self.capacity = capacity_tokens / self.group
        self.limit = max(1.0, limit / self.group)
        self.now = self.held = self.context = self.busy = self.produced = 0.0
        self.tick = self.drawn = self.entered = 0
        self.sent = [0] * self.slots
        self.coming = deque(traffic.arrivals_s)
        self.waiting: deque[_Request] = deque()
        self.filling: deque[_Request] = deque()
        self.running: list[tuple[float, int, _Request]] = []
        self.ttft: list[float] = []
        self.tpot: list[float] = []
        self.latency: list[float] = []

    def serve(self) -> Served:
        """Runs until the last request has its last token."""
        for slot in range(self.slots):
            self.send(slot)
        while self.arrive() or self.waiting or self.filling or self.running:
            self.admit()
            if self.filling:
                self.fill()
            else:
                self.decode()
            self.finish()
        return Served(
            ttft_s=np.array(self.ttft),
            tpot_s=np.array(self.tpot),
            latency_s=np.array(self.latency),
            elapsed_s=self.now,
            output_tokens=self.produced * self.group,
            mean_running=self.busy / self.now * self.group if self.now else 0.0,
        )

    def arrive(self) -> bool:
        """Takes in what has come; an idle engine waits for the next arrival."""
        if self.coming and not (self.waiting or self.filling or self.running):
            self.now = max(self.now, self.coming[0])
        while self.coming and self.coming[0] <= self.now:
            self.enqueue(-1, self.coming.popleft())
        return bool(self.coming)

    def send(self, slot: int) -> None:
        """The next request of a slot, unless it has sent all of its own."""
        if slot < 0 or self.sent[slot] >= self.traffic.requests_per_slot:
            return
        self.sent[slot] += 1
        self.enqueue(slot, self.now)

    def enqueue(self, slot: int, arrival_s: float) -> None:
        """A request joins the queue."""
        self.drawn += 1
        prompt, output = (float(each) for each in self.traffic.lengths(self.drawn))
        whole = max(1.0, prompt - self.traffic.cached_tokens) * self.group
        reserve = prompt + self.rules.reserved_fraction * output
        together = slot < 0 or self.group == 1.0 or self.sent[slot] == 1
        self.waiting.append(_Request(slot, arrival_s, prompt, output, reserve, whole, whole, together))

    def admit(self) -> None:
        """Requests enter in order while the cache and the engine's limit have room; one always does."""
        while self.waiting and len(self.running) + len(self.filling) < self.limit:
            reserve = self.waiting[0].reserve
            if self.held + reserve > self.capacity and (self.running or self.filling):
                return
            self.held += reserve
            self.filling.append(self.waiting.popleft())

    def fill(self) -> None:
        """One step that carries prompt tokens, as many as the budget allows; many alike for a very long prompt."""
        decoding = len(self.running) if self.rules.policy == "mixed" else 0
        room = max(self.rules.budget_tokens - decoding * self.group / self.rules.replicas, 1.0)
        parts = self.chunks(room)
        steps = self.alike(parts, decoding)
        taken = sum(part for _, part in parts)
        prompts = sum(self.prompts_of(request, part) for request, part in parts)
        start = max(self.begun(request) for request, _ in parts)
        if steps > 1:
            own = parts[0][0].whole / self.group
            start = mean_start(start, self.traffic.cached_tokens, own, taken / prompts, steps)
        mean = self.context / len(self.running) if decoding else 0.0
        step_s = self.clock.mixed_s(decoding, mean, taken, prompts, start)
        self.advance(steps * step_s, len(self.running))
        if decoding:
            self.tick += steps
            self.context += steps * decoding * self.rules.tokens_per_step
        for request, part in parts:
            self.progress(request, steps * part)

    def chunks(self, room: float) -> list[tuple[_Request, float]]:
        """What the next step takes of each prompt, in order, up to ``room`` tokens on each replica."""
        parts: list[tuple[_Request, float]] = []
        most, room = room * min(self.rules.replicas, self.group), room * self.rules.replicas
        for request in self.filling:
            part = min(request.left, most, room)
            if part <= 0:
                break
            if request.left == request.whole:
                request.began_s = self.now
            parts.append((request, part))
            room -= part
        return parts

    def alike(self, parts: list[tuple[_Request, float]], decoding: int) -> int:
        """Steps that take the same chunks before anything else happens."""
        whole = min(int(request.left // part) for request, part in parts)
        until = self.running[0][0] - self.tick if decoding else inf
        return max(1, int(min(whole, until)))

    def prompts_of(self, request: _Request, part: float) -> float:
        """Prompts that a chunk belongs to: members of a group are computed one after another."""
        return max(1.0, part * self.group / request.whole)

    def begun(self, request: _Request) -> float:
        """Tokens of a prompt that stand before its next chunk."""
        computed = (request.whole - request.left) % (request.whole / self.group)
        return self.traffic.cached_tokens + computed

    def progress(self, request: _Request, part: float) -> None:
        """Books a chunk; sequences whose prompts are complete have their first token."""
        request.left -= part
        if request.together:
            self.note_ready(request)
        if request.left > _DONE:
            return
        if not request.together:
            own = (self.now - request.began_s) / self.group
            self.ttft.extend([request.began_s + own - request.arrival_s] * self.members)
        self.filling.remove(request)
        request.first_s = self.now
        self.context += request.prompt
        ends = self.tick + (request.output - 1) / self.rules.tokens_per_step
        self.entered += 1
        heappush(self.running, (ends, self.entered, request))

    def note_ready(self, request: _Request) -> None:
        """First tokens of the members whose prompts the last chunk completed."""
        done = (request.whole - request.left) * self.members / request.whole
        ready = self.members if request.left <= _DONE else int(done)
        self.ttft.extend([self.now - request.arrival_s] * (ready - request.ready))
        request.ready = ready

    def decode(self) -> None:
        """All steps until the next sequence ends or the next request arrives."""
        count = len(self.running)
        steps = max(1, int(self.running[0][0] - self.tick + 1 - _DONE))
        growth = self.rules.tokens_per_step
        step_s = self.clock.decode_s(count, self.context / count + steps * growth / 2)
        until = self.coming[0] - self.now if self.coming else inf
        if steps * step_s > until:
            steps = max(1, min(steps, int(until / step_s) + 1))
        self.advance(steps * step_s, count)
        self.tick += steps
        self.context += steps * count * growth

    def advance(self, seconds: float, count: int) -> None:
        """Time passes."""
        self.now += seconds
        self.busy += seconds * count

    def finish(self) -> None:
        """Sequences that have their last token leave; their slots send again."""
        while self.running and self.running[0][0] <= self.tick + _DONE:
            request = heappop(self.running)[2]
            self.held -= request.reserve
            self.context = max(0.0, self.context - request.prompt - request.output + 1)
            if request.output > 1:
                self.tpot.append((self.now - request.first_s) / (request.output - 1))
            self.latency.append(self.now - request.arrival_s)
            self.produced += request.output
            self.send(request.slot)


def simulate(
    clock: StepClock, traffic: Traffic, rules: Scheduling, capacity_tokens: float, limit: float = inf
) -> Served:
    """One run from an empty engine to its last answer [s, tokens, sequences].

    ``now <- now + steps x step_s`` from event to event. ``capacity_tokens``: context of all sequences that the cache
    holds; ``limit``: most sequences at once.
    Source: Yu et al. 2022, Orca (OSDI 2022) section 3; Agrawal et al. 2024, Sarathi-Serve (arXiv:2403.02310) for the
    mixed policy; the rules of each engine are in ``docs/performance.md``.
    Leaves out: preemption, priorities, and prefix caches that fill during the run.
    """
    return _Run(clock, traffic, rules, capacity_tokens, limit).serve()
