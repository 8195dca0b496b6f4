"""Requests that come at times of their own to one engine, and wait in line for room: prompts are computed in order."""

from heapq import heappop, heappush
from math import inf

import numpy as np

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.run import DONE, Bounds, mean_start
from llm_calc.core.serving.traffic import Draws, Scheduling, Served, Traffic


class Line:
    """A run of such requests: an :class:`.open.OpenRun` of one attention replica, where no prompt overtakes another.

    Requests before ``come`` have arrived, those before ``entered`` have room, those before ``done`` have their first
    token; ``left``: prompt tokens of the next one still to compute. ``ended``: those with their last, as they ended.
    """

    def __init__(self, clock: StepClock, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> None:
        self.clock, self.traffic = clock, traffic
        self.draws = draws = Draws(traffic, rules, 1.0, len(traffic.arrivals_s))
        self.mixed, self.gained = rules.policy == "mixed", rules.tokens_per_step
        self.budget, self.cached = rules.budget_tokens, traffic.cached_tokens
        self.capacity, self.limit = bounds.capacity_tokens, max(1.0, bounds.limit_sequences)
        self.arrivals = [*traffic.arrivals_s, inf]
        self.come = self.entered = self.done = self.tick = 0
        self.there = self.asked = traffic.asked or len(traffic.arrivals_s)
        self.left, self.top = draws.whole[0], clock.reach(0)
        self.running: list[tuple[float, int]] = []
        self.now = self.busy = self.held = self.context = 0.0
        self.firsts, self.ended, self.lasts = list[float](), list[int](), list[float]()

    def served(self) -> Served:
        """Runs until the last request that is asked for has its last token [s, tokens, sequences].

        ``now <- now + steps x step_s``.
        Definition: see the module.
        """
        running, arrivals, limit = self.running, self.arrivals, self.limit
        while self.there:
            if not running and self.done == self.come:
                self.now = max(self.now, arrivals[self.come])
            while arrivals[self.come] <= self.now:
                self.come += 1
            if self.entered < self.come and len(running) + self.entered - self.done < limit:
                self.admit()
            if self.done < self.entered:
                self.fill()
            else:
                self.decode()
            while running and running[0][0] <= self.tick + DONE:
                self.leave(heappop(running)[1])
        return self._seen()

    def admit(self) -> None:
        """Requests enter in order while the cache and the engine's limit have room; one always does."""
        reserve, free = self.draws.reserve, self.limit - len(self.running) + self.done
        while self.entered < min(self.come, free):
            held = self.held + reserve[self.entered]
            if held > self.capacity and (self.running or self.done < self.entered):
                return
            self.held = held
            self.entered += 1

    def fill(self) -> None:
        """One step that carries prompt tokens, as many as the budget allows; many alike for a very long prompt."""
        decoding, first, steps = len(self.running) if self.mixed else 0, self.done, 1
        whole, room = self.draws.whole[first], max(self.budget - decoding, 1.0)
        start = self.cached + (whole - self.left) % whole if self.left != whole else self.cached
        if self.left > room:
            taken, prompts = room, 1.0
            until = self.running[0][0] - self.tick if decoding else inf
            steps = max(1, int(min(until, self.left // room)))
            if steps > 1:
                start = mean_start(start, self.cached, whole, taken, steps)
            self._progress(steps * taken)
        else:
            taken, prompts = self._whole_ones(room)
        mean = self.context / decoding if decoding else 0.0
        self._spend(steps * self.clock.mixed_s(decoding, mean, taken, prompts, start))
        if decoding:
            self.tick += steps
            self.context += steps * decoding * self.gained
        for number in range(first, self.done):
            self.firsts.append(self.now)
            self.context += self.draws.prompt[number]
            heappush(self.running, (self.tick + self.draws.steps[number], number))
        if len(self.running) > self.top:
            self.top = self.clock.reach(2 * len(self.running))

    def _whole_ones(self, room: float) -> tuple[float, float]:
        """What is left of one prompt and those behind it, as far as there is room: tokens and prompts."""
        taken = prompts = 0.0
        while self.done < self.entered and room > 0:
            part = min(self.left, room)
            taken, prompts, room = taken + part, prompts + 1.0, room - part
            if not self._progress(part):
                break
        return taken, prompts

    def _progress(self, part: float) -> bool:
        """Whether so many tokens more complete the next prompt."""
        self.left -= part
        if self.left > DONE:
            return False
        self.done += 1
        self.left = self.draws.whole[self.done] if self.done < len(self.draws.whole) else 0.0
        return True

    def decode(self) -> None:
        """All steps until the next sequence ends or the next request comes."""
        count = len(self.running)
        steps = max(1, int(self.running[0][0] - self.tick + 1 - DONE))
        step_s = self.clock.decode_s(count, self.context / count + steps * self.gained / 2)
        until = self.arrivals[self.come] - self.now
        if steps * step_s > until:
            steps = max(1, min(steps, int(until / step_s) + 1))
        self._spend(steps * step_s)
        self.tick += steps
        self.context += steps * count * self.gained

    def _spend(self, seconds: float) -> None:
        """Time passes for all that run."""
        self.now += seconds
        self.busy += seconds * len(self.running)

    def leave(self, number: int) -> None:
        """A sequence has its last token."""
        if number < self.asked:
            self.there -= 1
            self.ended.append(number)
            self.lasts.append(self.now)
        self.held -= self.draws.reserve[number]
        self.context = max(0.0, self.context - self.draws.prompt[number] - self.draws.output[number] + 1)

    def _seen(self) -> Served:
        """What the requests saw."""
        arrived, first = (np.array(each[: self.asked]) for each in (self.traffic.arrivals_s, self.firsts))
        last = np.empty(self.asked)
        last[self.ended] = self.lasts
        output = self.draws.outputs[: self.asked]
        later = output > 1
        return Served(
            ttft_s=first - arrived,
            tpot_s=(last - first)[later] / (output[later] - 1),
            latency_s=last - arrived,
            elapsed_s=self.now,
            output_tokens=float(output.sum()),
            mean_running=self.busy / self.now if self.now else 0.0,
        )
