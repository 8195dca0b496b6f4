"""Closed loops: what happens in which order, whatever each step takes.

A slot sends when its last answer ends, and an answer ends so many steps after it began. Lengths alone decide which
sequences share a step; only then do the steps of a deployment get their seconds. One order therefore serves every
model and GPU under the same load.
"""

from array import array
from collections import deque
from functools import lru_cache
from heapq import heappop, heappush
from math import inf

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.crowd import Moved, move
from llm_calc.core.serving.run import DONE, Bounds, Chunk, Run, Start, mean_start, started
from llm_calc.core.serving.traffic import Scheduling, Served, Traffic

_KEPT = 16
_WORTH = 16
"""Sequences at once from which it pays to move all of them as arrays."""
_FAR = 100
"""Answers after which it pays to try that again."""


class Order:
    """A run without times: its events, the first tokens and the ends of its requests; readings are events passed."""

    def __init__(self, parts: "list[Moved]", group: float) -> None:
        events, samples, ends = (
            np.concatenate([getattr(part, name) for part in parts]).T for name in Moved.__slots__
        )
        self.group = group
        self.steps, decoding, self.running, *self.loads = np.ascontiguousarray(events)
        self.decoding = decoding.astype(np.intp)
        self.samples = np.ascontiguousarray(samples).astype(np.intp)
        self.ends = np.ascontiguousarray(ends[:3]).astype(np.intp)
        self.output = np.ascontiguousarray(ends[3])
        self.later = self.output > 1

    def served(self, clock: StepClock) -> Served:
        """What its requests see under the step times of a deployment [s, tokens, sequences].

        ``time of a reading = sum over events before it of steps x step_s``.
        Definition: a run, once its order is known.
        """
        seconds = self.steps * clock.seconds(self.decoding, *self.loads)
        at = np.zeros(len(seconds) + 1)
        np.cumsum(seconds, out=at[1:])
        arrived, began, ready = at[self.samples]
        sent, first, last = at[self.ends]
        times = (last - first) / np.maximum(self.output - 1, 1.0)
        elapsed_s = float(at[-1])
        return Served(
            ttft_s=began + (ready - began) / self.group - arrived,
            tpot_s=times if self.later.all() else times[self.later],
            latency_s=last - sent,
            outputs=self.output,
            elapsed_s=elapsed_s,
            output_tokens=float(self.output.sum()) * self.group,
            mean_running=float(seconds @ self.running) / elapsed_s * self.group if elapsed_s else 0.0,
        )


class Loop(Run):
    """A closed loop whose readings are numbers of events."""

    def __init__(self, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> None:
        super().__init__(traffic, rules, bounds)
        self.events = list[float]()
        reserves = self.draws.reserves
        self.crowds = len(reserves) > 0 and self.slots <= self.limit
        self.crowds = self.crowds and self.slots * float(reserves.max()) <= self.capacity
        self.in_line = self.crowds and rules.replicas == 1
        self.parts: list[Moved] = []

    def order(self) -> Order:
        """Runs until the last request has its last token."""
        self.begin()
        while self.waiting or self.filling or self.running:
            self.admit()
            if self.in_line and self.alone():
                Rest(self).run()
                break
            if self.filling:
                self.fill()
            elif self.crowds and len(self.running) >= _WORTH:
                self.crowd()
            else:
                self.decode()
            self.finish()
        self.flush()
        return Order(self.parts, self.group)

    def begin(self) -> None:
        """All slots send at once."""
        start = started(self) if self.crowds else None
        if start is None:
            for slot in range(self.slots):
                self.send(slot)
            return
        self.sent = [1] * self.slots
        self.drawn = self.entered = self.slots
        self.held = float(self.draws.reserves[: self.slots].sum())
        self.tick, self.context = start.tick, start.context
        self.events, self.now = start.rows, len(start.rows) // 7
        self.samples = [reading for first in start.firsts for reading in (0.0, first, first)]
        if self.slots >= _WORTH:
            self.crowd(start)
            self.finish()
        else:
            self.running = start.requests()

    def alone(self) -> bool:
        """Whether what is left goes one by one, no group of the start among it."""
        if self.crowds and self.slots >= _WORTH:
            return False
        return self.group == 1.0 or not any(request.together for request in self.filling)

    def crowd(self, start: Start | None = None) -> None:
        """All sequences at once for as long as that goes; never again where it did not go far."""
        self.flush()
        moved = move(self, start)
        self.crowds = moved is not None and len(moved.ends) >= _FAR
        if moved:
            self.parts.append(moved)
        elif start:
            self.running = start.requests()

    def flush(self) -> None:
        """Puts what was noted one by one before what is noted together."""
        self.parts.append(Moved(_rows(self.events, 7), _rows(self.samples, 3), _rows(self.ends, 4)))
        self.events = list[float]()
        self.samples, self.ends = [], []

    def decode(self) -> None:
        """All steps until the next sequence ends."""
        count, steps, growth = len(self.running), self._steps_left(), self.rules.tokens_per_step
        self.events.extend((steps, count, count, self.context / count + steps * growth / 2, 0.0, 0.0, 0.0))
        self.now += 1
        self.tick += steps
        self.context += steps * count * growth

    def advance(self, steps: int, decoding: int, context: float, chunk: Chunk) -> None:
        """Notes an event."""
        self.events.extend((steps, decoding, len(self.running), context, *chunk))
        self.now += 1


class Rest:
    """What is left of a loop whose prompts are computed in line, each with room for its answer.

    A :class:`.run.Run` without what never happens then. By number of request: ``slot``, ``arrived``, ``first``.
    ``queue``: numbers of those that wait for their prompts; of the first one ``left`` tokens do, since ``began``.
    """

    def __init__(self, loop: Loop) -> None:
        self.sent, self.drawn, self.members = loop.sent, loop.drawn, loop.members
        self.whole, self.prompt, self.output = loop.draws.whole, loop.draws.prompt, loop.draws.output
        self.steps, self.requests_per_slot = loop.draws.steps, loop.traffic.requests_per_slot
        self.events, self.samples, self.ends = loop.events, loop.samples, loop.ends
        self.mixed, self.gained, self.budget = (
            loop.mixed,
            loop.rules.tokens_per_step,
            loop.rules.budget_tokens,
        )
        self.cached, self.group, self.entered = loop.traffic.cached_tokens, loop.group, loop.entered
        self.now, self.tick, self.context = loop.now, float(loop.tick), loop.context
        size = len(self.whole)
        self.slot, self.arrived, self.first = [0] * size, [0.0] * size, [0.0] * size
        for each in (*loop.filling, *(request for _, _, request in loop.running)):
            self.slot[each.number] = each.slot
            self.arrived[each.number], self.first[each.number] = each.arrived, each.first
        self.queue = deque(request.number for request in loop.filling)
        self.left, self.began = (loop.filling[0].left, loop.filling[0].began) if loop.filling else (0.0, 0.0)
        self.running = [(end, place, request.number) for end, place, request in loop.running]

    def run(self) -> None:
        """Goes on until the last request has its last token."""
        running, queue = self.running, self.queue
        while queue or running:
            if queue:
                self.fill()
            else:
                self.decode()
            while running and running[0][0] <= self.tick + DONE:
                self.leave(heappop(running)[2])

    def decode(self) -> None:
        """All steps until the next sequence ends."""
        count = len(self.running)
        steps = max(1, int(self.running[0][0] - self.tick + 1 - DONE))
        mean = self.context / count + steps * self.gained / 2
        self.events.extend((steps, count, count, mean, 0.0, 0.0, 0.0))
        self.now += 1
        self.tick += steps
        self.context += steps * count * self.gained

    def fill(self) -> None:
        """One step with as many prompt tokens as it has room for; many alike of a very long prompt."""
        count, first, steps, before = len(self.running), self.queue[0], 1, self.now
        beside, whole, left = count if self.mixed else 0, self.whole[first], self.left
        room = max(self.budget - beside * self.group, 1.0)
        began = self.began if left < whole else before
        start = self.cached + (whole - left) % (whole / self.group)
        if left > room:
            taken, prompts = room, max(1.0, room * self.group / whole)
            until = self.running[0][0] - self.tick if beside else inf
            steps = max(1, int(min(until, left // room)))
            if steps > 1:
                start = mean_start(start, self.cached, whole / self.group, taken / prompts, steps)
            self.left, self.began = left - steps * room, began
            full = int(self.left <= DONE)
        else:
            taken, prompts, full = self._whole_ones(room)
        mean = self.context / beside if beside else 0.0
        self.events.extend((steps, beside, count, mean, taken, prompts, start))
        self.now += 1
        if beside:
            self.tick += steps
            self.context += steps * beside * self.gained
        for place in range(full):
            self.complete(self.queue.popleft(), before if place else began)
        if full and self.left <= DONE:
            self.left = self.whole[self.queue[0]] if self.queue else 0.0

    def _whole_ones(self, room: float) -> tuple[float, float, int]:
        """What is left of one prompt and those behind it, as far as there is room: tokens, prompts, those complete."""
        taken, prompts, full = 0.0, 0.0, 0
        for number in self.queue:
            whole = self.whole[number]
            left = whole if full else self.left
            part = min(left, room)
            if part <= 0:
                break
            taken, room, self.left = taken + part, room - part, left - part
            prompts += self.group if part == whole else max(1.0, part * self.group / whole)
            if self.left > DONE:
                self.began = self.now
                break
            full += 1
        return taken, prompts, full

    def complete(self, number: int, began: float) -> None:
        """A request has its first token."""
        seen = self.arrived[number], self.now if self.group == 1.0 else began, self.now
        self.samples.extend(seen * self.members)
        self.first[number] = self.now
        self.context += self.prompt[number]
        self.entered += 1
        heappush(self.running, (self.tick + self.steps[number], self.entered, number))

    def leave(self, number: int) -> None:
        """A request has its last token; its slot sends again."""
        output, slot = self.output[number], self.slot[number]
        self.context = max(0.0, self.context - self.prompt[number] - output + 1)
        self.ends.extend((self.arrived[number], self.first[number], self.now, output))
        if self.sent[slot] < self.requests_per_slot:
            self.sent[slot] += 1
            self.slot[self.drawn], self.arrived[self.drawn] = slot, self.now
            if not self.queue:
                self.left = self.whole[self.drawn]
            self.queue.append(self.drawn)
            self.drawn += 1


@lru_cache(_KEPT)
def order_of(traffic: Traffic, rules: Scheduling, bounds: Bounds) -> Order:
    """The order of a closed loop, kept for other deployments under the same load [tokens, sequences].

    Definition: see :class:`Loop`.
    """
    return Loop(traffic, rules, bounds).order()


def _rows(values: list[float], width: int) -> FloatArray:
    return np.array(array("d", values)).reshape(-1, width)
