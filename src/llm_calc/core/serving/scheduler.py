"""A serving engine's scheduler, simulated from event to event.

Between two events (a prompt that enters, a sequence that ends) all steps are alike, so that a run of ten
requests a slot takes a few events a request, not one a token. Above ``MOST_SLOTS`` slots several sequences move
together as one.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal

from llm_calc.core.serving.clock import StepClock

Policy = Literal["mixed", "prefill_first"]
MOST_SLOTS = 64
_GOLDEN, _SILVER = 0.6180339887498949, 0.41421356237309515


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """How an engine schedules.

    ``mixed``: prompt chunks ride on decode steps; ``prefill_first``: waiting prompts stop decoding.
    ``token_budget``: most tokens in a step. ``chunked``: a prompt may be cut at the budget.
    ``reserved_fraction``: part of the output that must fit beside the prompt for a request to enter.
    """

    policy: Policy = "mixed"
    token_budget: int = 8192
    chunked: bool = True
    reserved_fraction: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A closed loop: ``slots`` requests always in flight, each slot sending ``requests_per_slot`` in turn.

    Lengths are spread evenly over ``[1 - spread, 1]`` of the nominal ones, as benchmark clients draw them.
    """

    slots: int
    input_tokens: float
    output_tokens: float
    requests_per_slot: int = 10
    spread_fraction: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the requests of a run saw: times to first token and per further token, and the run's length."""

    ttft_s: tuple[float, ...]
    tpot_s: tuple[float, ...]
    latency_s: tuple[float, ...]
    elapsed_s: float
    output_tokens: float
    mean_running: float


@dataclass(slots=True)
class _Request:
    slot: int
    arrival_s: float
    prompt: float
    output: float
    left: float
    first_s: float = 0.0
    ready: int = 0
    reserve: float = 0.0


class _Run:
    """State of one simulated run; ``group`` sequences move together."""

    def __init__(
        self, clock: StepClock, traffic: Traffic, rules: Scheduling, capacity_tokens: float, limit: int
    ) -> None:
        self.clock, self.traffic, self.rules = clock, traffic, rules
        self.slots = min(traffic.slots, MOST_SLOTS)
        self.group = traffic.slots / self.slots
        self.capacity = max(capacity_tokens / self.group, 0.0)
        self.limit = max(1, int(limit / self.group))
        self.now, self.tick, self.drawn = 0.0, 0, 0
        self.waiting: deque[_Request] = deque()
        self.filling: deque[_Request] = deque()
        self.running: list[tuple[int, int, _Request]] = []
        self.sent = [0] * self.slots
        self.held = self.context = self.busy = 0.0
        self.ttft: list[float] = []
        self.tpot: list[float] = []
        self.latency: list[float] = []
        self.produced = 0.0

    def serve(self) -> Served:
        for slot in range(self.slots):
            self.send(slot)
        while self.waiting or self.filling or self.running:
            self.admit()
            if self.filling:
                self.fill()
            else:
                self.decode()
        return Served(
            ttft_s=tuple(self.ttft),
            tpot_s=tuple(self.tpot),
            latency_s=tuple(self.latency),
            elapsed_s=self.now,
            output_tokens=self.produced * self.group,
            mean_running=self.busy / self.now * self.group if self.now else 0.0,
        )

    def send(self, slot: int) -> None:
        if self.sent[slot] >= self.traffic.requests_per_slot:
            return
        self.sent[slot] += 1
        self.drawn += 1
        spread = self.traffic.spread_fraction
        prompt = max(1.0, self.traffic.input_tokens * (1 - spread * (self.drawn * _SILVER % 1)))
        output = max(1.0, round(self.traffic.output_tokens * (1 - spread * (self.drawn * _GOLDEN % 1))))
        reserve = prompt + self.rules.reserved_fraction * output
        self.waiting.append(_Request(slot, self.now, prompt, output, prompt * self.group, reserve=reserve))

    def admit(self) -> None:
        while self.waiting and len(self.running) + len(self.filling) < self.limit:
            first = self.waiting[0]
            if self.held + first.reserve > self.capacity and (self.running or self.filling):
                return
            self.held += first.reserve
            self.filling.append(self.waiting.popleft())

    def fill(self) -> None:
        """One step that carries prompt tokens, as many as the budget allows."""
        mixed = self.rules.policy == "mixed"
        decoding = len(self.running) if mixed else 0
        room = max(self.rules.token_budget - decoding * self.group, 1.0)
        taken, prompts, start, done = 0.0, 0.0, 0.0, []
        for request in self.filling:
            if taken >= room or (taken and not self.rules.chunked and request.left > room - taken):
                break
            part = request.left if not self.rules.chunked else min(request.left, room - taken)
            whole = request.prompt * self.group
            if self.group == 1.0:
                start = max(start, whole - request.left)
            taken += part
            prompts += max(1.0, part / request.prompt)
            done.append((request, part))
        sequences = decoding * self.group
        mean = self.context / len(self.running) if self.running else 0.0
        step = self.clock.mixed_s(sequences, mean, taken, prompts, start)
        self.advance(step, len(self.running))
        if decoding:
            self.tick += 1
            self.context += decoding
        for request, part in done:
            self.progress(request, part)
        self.finish()

    def progress(self, request: _Request, part: float) -> None:
        request.left -= part
        total = request.prompt * self.group
        ready = round(self.group) if request.left <= 1e-6 else int((total - request.left) / request.prompt)
        self.ttft.extend([self.now - request.arrival_s] * (ready - request.ready))
        request.ready = ready
        if request.left > 1e-6:
            return
        self.filling.popleft()
        request.first_s = self.now
        self.context += request.prompt
        heappush(
            self.running, (self.tick + int(request.output) - 1, self.drawn * 4096 + request.slot, request)
        )

    def decode(self) -> None:
        """All steps until the next sequence ends."""
        steps = max(1, self.running[0][0] - self.tick)
        count = len(self.running)
        mean = self.context / count + steps / 2
        self.advance(steps * self.clock.decode_s(count * self.group, mean), count)
        self.tick += steps
        self.context += steps * count
        self.finish()

    def advance(self, seconds: float, count: int) -> None:
        self.now += seconds
        self.busy += seconds * count

    def finish(self) -> None:
        while self.running and self.running[0][0] <= self.tick:
            request = heappop(self.running)[2]
            self.held -= request.reserve
            self.context -= request.prompt + request.output - 1
            if request.output > 1:
                self.tpot.append((self.now - request.first_s) / (request.output - 1))
            self.latency.append(self.now - request.arrival_s)
            self.produced += request.output
            self.send(request.slot)


def simulate(
    clock: StepClock, traffic: Traffic, rules: Scheduling, capacity_tokens: float, limit: int = 1 << 20
) -> Served:
    """One run from an empty engine to its last answer.

    ``capacity_tokens``: context of all sequences that the cache holds; ``limit``: most sequences at once.
    """
    return _Run(clock, traffic, rules, capacity_tokens, limit).serve()
