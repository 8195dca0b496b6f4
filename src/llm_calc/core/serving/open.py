"""Requests that come at times of their own: what an engine does next depends on how long its steps take."""

from collections import deque
from math import inf

import numpy as np

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.run import Bounds, Chunk, Run
from llm_calc.core.serving.traffic import Scheduling, Served, Traffic


class OpenRun(Run):
    """A run whose readings are seconds."""

    def __init__(self, clock: StepClock, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> None:
        super().__init__(traffic, rules, bounds)
        self.clock = clock
        clock.reach(len(traffic.arrivals_s))
        self.coming = deque(traffic.arrivals_s)
        self.now = self.busy = 0.0

    def served(self) -> Served:
        """Runs until the last request has its last token [s, tokens, sequences].

        ``now <- now + steps x step_s``.
        Definition: see the module.
        """
        for slot in range(self.slots):
            self.send(slot)
        while self.arrive() or self.waiting or self.filling or self.running:
            self.admit()
            if self.filling:
                self.fill()
            else:
                self.decode_until()
            self.finish()
        arrived, began, ready = np.array(self.samples).reshape(-1, 3).T
        sent, first, last, output = np.array(self.ends).reshape(-1, 4).T
        later = output > 1
        return Served(
            ttft_s=began + (ready - began) / self.group - arrived,
            tpot_s=(last - first)[later] / (output[later] - 1),
            latency_s=last - sent,
            outputs=output,
            elapsed_s=self.now,
            output_tokens=float(output.sum()) * self.group,
            mean_running=self.busy / self.now * self.group if self.now else 0.0,
        )

    def arrive(self) -> bool:
        """Takes in what has come; an idle engine waits for the next arrival."""
        if self.coming and not (self.waiting or self.filling or self.running):
            self.now = max(self.now, self.coming[0])
        while self.coming and self.coming[0] <= self.now:
            self.enqueue(-1, self.coming.popleft())
        return bool(self.coming)

    def decode_until(self) -> None:
        """All steps until the next sequence ends or the next request arrives."""
        count, steps, growth = len(self.running), self._steps_left(), self.rules.tokens_per_step
        step_s = self.clock.decode_s(count, self.context / count + steps * growth / 2)
        until = self.coming[0] - self.now if self.coming else inf
        if steps * step_s > until:
            steps = max(1, min(steps, int(until / step_s) + 1))
        self.spend(steps * step_s)
        self.tick += steps
        self.context += steps * count * growth

    def advance(self, steps: int, decoding: int, context: float, chunk: Chunk) -> None:
        """Time passes."""
        self.spend(steps * self.clock.mixed_s(decoding, context, *chunk))

    def spend(self, seconds: float) -> None:
        """Time passes for all that run."""
        self.now += seconds
        self.busy += seconds * len(self.running)
