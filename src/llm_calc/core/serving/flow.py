"""Requests that come at times of their own and enter at once: nothing waits but for its turn in a step."""

from heapq import heappop, heappush
from math import inf

import numpy as np

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.run import DONE
from llm_calc.core.serving.traffic import Draws, Scheduling, Served, Traffic


class Flow:
    """A run of such requests: an :class:`.open.OpenRun` without what never happens in it.

    ``most``: sequences that memory and engine take at once, and that leave room for any prompt in a step.

    Of the prompt of the request that is ``next``, ``done`` tokens are computed; ``coming`` is when it comes.
    """

    def __init__(
        self, clock: StepClock, traffic: Traffic, rules: Scheduling, draws: Draws, held: float
    ) -> None:
        self.clock, self.traffic, self.draws = clock, traffic, draws
        self.low, self.growth, self.origin = clock.by_groups()
        self.mixed, self.gained = rules.policy == "mixed", rules.tokens_per_step
        self.budget, self.cached = rules.budget_tokens * rules.replicas, traffic.cached_tokens
        beside = (rules.budget_tokens - float(draws.wholes.max())) * rules.replicas
        self.most = min(held, beside) if traffic.slots == 0 else -1.0
        self.arrivals = [*traffic.arrivals_s, inf]
        self.coming, self.next, self.done = self.arrivals[0], 0, 0.0
        self.running: list[tuple[float, int]] = []
        self.now = self.busy = self.context = 0.0
        self.tick, self.asked = 0, traffic.asked or len(traffic.arrivals_s)
        self.there = self.asked
        self.firsts, self.lasts = list[float](), [0.0] * len(traffic.arrivals_s)

    def served(self) -> Served | None:
        """Runs until the last request that is asked for has its last token, or one has to wait [s, tokens, sequences].

        ``now <- now + steps x step_s``; None where one does.
        Definition: see the module.
        """
        running = self.running
        while self.there:
            if not running and self.coming > self.now:
                self.now = self.coming
            if self.coming <= self.now:
                self.fill(len(running) if self.mixed else 0)
                if len(running) > self.most:
                    return None
            else:
                self.decode(len(running))
            while running and running[0][0] <= self.tick + DONE:
                self.leave(heappop(running)[1])
        times = self.traffic.arrivals_s, self.firsts, self.lasts
        arrived, first, last = np.array([each[: self.asked] for each in times])
        outputs = self.draws.outputs[: self.asked]
        later = outputs > 1
        return Served(
            ttft_s=first - arrived,
            tpot_s=(last - first)[later] / (outputs[later] - 1),
            latency_s=last - arrived,
            elapsed_s=self.now,
            output_tokens=float(outputs.sum()),
            mean_running=self.busy / self.now if self.now else 0.0,
        )

    def fill(self, decoding: int) -> None:
        """One step with as many prompt tokens as it has room for."""
        entering, context = self.next, self.context
        chunk = self._chunk(self.budget - decoding)
        spent = self.clock.mixed_s(decoding, context / (decoding or 1), *chunk)
        self.now += spent
        self.busy += spent * len(self.running)
        if decoding:
            self.tick += 1
            context += decoding * self.gained
        for number in range(entering, self.next):
            self.firsts.append(self.now)
            context += self.draws.prompt[number]
            heappush(self.running, (self.tick + self.draws.steps[number], number))
        self.context = context

    def _chunk(self, room: float) -> tuple[float, float, float]:
        """What one step takes of the prompts that have come: tokens, prompts, and the furthest start of a chunk."""
        whole = self.draws.whole[self.next]
        following = self.arrivals[self.next + 1]
        if whole > room or self.done or following <= self.now:
            return self._chunks(room)
        self.next, self.coming = self.next + 1, following
        return whole, 1.0, self.cached

    def _chunks(self, room: float) -> tuple[float, float, float]:
        """The same of several, of which the last may have to go on in the next step."""
        tokens = prompts = furthest = 0.0
        while self.coming <= self.now and room > DONE:
            whole = self.draws.whole[self.next]
            part = min(whole - self.done, room)
            tokens, prompts, furthest = tokens + part, prompts + 1.0, max(furthest, self.done)
            self.done += part
            room -= part
            if self.done < whole - DONE:
                break
            self.next, self.done = self.next + 1, 0.0
            self.coming = self.arrivals[self.next]
        return tokens, prompts, self.cached + furthest

    def decode(self, count: int) -> None:
        """All steps until the next sequence ends or the next request comes."""
        steps = int(self.running[0][0] - self.tick + 1 - DONE) or 1
        context, until = self.context, self.coming - self.now
        mean = context / count + steps * self.gained / 2 - self.origin
        step_s = self.low[count] + mean * self.growth[count]
        if steps * step_s > until:
            steps = min(steps, int(until / step_s) + 1)
        spent = steps * step_s
        self.now += spent
        self.busy += spent * count
        self.tick += steps
        self.context = context + steps * count * self.gained

    def leave(self, number: int) -> None:
        """A sequence has its last token."""
        self.lasts[number] = self.now
        self.there -= number < self.asked
        self.context = max(0.0, self.context - self.draws.prompt[number] - self.draws.output[number] + 1)
