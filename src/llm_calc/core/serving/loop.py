"""Closed loops: what happens in which order, whatever each step takes.

A slot sends when its last answer ends, and an answer ends so many steps after it began. Lengths alone decide which
sequences share a step; only then do the steps of a deployment get their seconds. One order therefore serves every
model and GPU under the same load.
"""

from array import array
from functools import lru_cache

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.crowd import Moved, move
from llm_calc.core.serving.run import Bounds, Chunk, Run, started
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
        self.events = array("d")
        reserves = self.draws.reserves
        self.crowds = len(reserves) > 0 and self.slots <= self.limit
        self.crowds = self.crowds and self.slots * float(reserves.max()) <= self.capacity
        self.parts: list[Moved] = []

    def order(self) -> Order:
        """Runs until the last request has its last token."""
        self.begin()
        while self.waiting or self.filling or self.running:
            self.admit()
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
        self.tick, self.context, self.running = start.tick, start.context, start.requests()
        self.events, self.now = array("d", start.rows), len(start.rows) // 7
        self.samples = [reading for first in start.firsts for reading in (0.0, first, first)]

    def crowd(self) -> None:
        """All sequences at once for as long as that goes; never again where it did not go far."""
        self.flush()
        moved = move(self)
        self.crowds = moved is not None and len(moved.ends) >= _FAR
        if moved:
            self.parts.append(moved)

    def flush(self) -> None:
        """Puts what was noted one by one before what is noted together."""
        self.parts.append(Moved(_rows(self.events, 7), _rows(self.samples, 3), _rows(self.ends, 4)))
        self.events = array("d")
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


@lru_cache(_KEPT)
def order_of(traffic: Traffic, rules: Scheduling, bounds: Bounds) -> Order:
    """The order of a closed loop, kept for other deployments under the same load [tokens, sequences].

    Definition: see :class:`Loop`.
    """
    return Loop(traffic, rules, bounds).order()


def _rows(values: "array[float] | list[float]", width: int) -> FloatArray:
    return np.array(values, dtype=np.float64).reshape(-1, width)
