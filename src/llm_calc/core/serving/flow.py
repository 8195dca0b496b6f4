"""Equal requests that come at times of their own and enter at once: nothing waits but for its turn in a step."""

from math import cbrt, inf

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.run import DONE, Bounds
from llm_calc.core.serving.traffic import Draws, Scheduling, Served, Traffic


class Flow:
    """A run of such requests: an :class:`.open.OpenRun` without what never happens in it.

    Equal answers end in the order in which they began, so that a queue holds them. ``most``: sequences that memory and
    engine take at once, and that leave room for any prompt in a step. ``next``: requests whose prompts are computed;
    of the prompt of the one after them, ``done`` tokens are. ``own``: what one prompt adds to a step of so many;
    ``alone``: sequences beside which it fits whole.
    """

    def __init__(self, clock: StepClock, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> None:
        self.clock, self.traffic, self.floor_cubed = clock, traffic, clock.floor_cubed
        self.mixed, self.gained = rules.policy == "mixed", rules.tokens_per_step
        one = Draws(traffic, rules, 1.0, 1)
        self.prompt, self.output, self.steps = one.prompt[0], one.output[0], one.steps[0]
        self.whole, self.cached = one.whole[0], traffic.cached_tokens
        self.budget = rules.budget_tokens * rules.replicas
        held = float(min(bounds.limit_sequences, bounds.capacity_tokens // one.reserve[0]))
        self.most = min(held, self.budget - self.whole * rules.replicas)
        self.arrivals = [*traffic.arrivals_s, inf]
        self.asked = traffic.asked or len(traffic.arrivals_s)
        self.alone = self.budget - self.whole
        self.next, self.done = 0, 0.0
        self.own: dict[int, float] = {}

    def served(self) -> Served | None:
        """Runs until the last request that is asked for has its last token, or one has to wait [s, tokens, sequences].

        ``now <- now + steps x step_s``; None where one does.
        Definition: see the module.
        """
        arrivals, asked, mixed, gained = self.arrivals, self.asked, self.mixed, self.gained
        prompt, leaving, each, half = self.prompt, self.prompt + self.output - 1, self.steps, self.gained / 2
        (low, growth, origin), floor, top = self.clock.by_groups(), self.floor_cubed, self._top(0)
        ends, firsts, lasts, own, alone = list[float](), list[float](), list[float](), self.own, self.alone
        coming, ending, count, gone, place, now, tick, context = arrivals[0], inf, 0, 0, 0, 0.0, 0.0, 0.0
        while gone < asked:
            if coming <= now or not count:
                now, beside = max(now, coming), count if mixed else 0
                total = low[beside] + (context / beside - origin) * growth[beside] if beside else 0.0
                if self.done or beside > alone or arrivals[place + 1] <= now:
                    total += self.clock.kept_prompt_s(beside, *self._chunks(now, self.budget - beside))
                else:
                    total += own.get(beside) or self._own(beside)
                    self.next += 1
                now += cbrt(total * total * total + floor)
                tick += 1.0 if beside else 0.0
                context += beside * gained
                if place < self.next:
                    entered, ending, place = self.next - place, ending if count else tick + each, self.next
                    firsts += [now] * entered
                    ends += [tick + each] * entered
                    coming, count, context = arrivals[place], count + entered, context + entered * prompt
            else:
                steps = int(ending - tick + 1 - DONE) or 1
                step_s = low[count] + (context / count + steps * half - origin) * growth[count]
                if now + steps * step_s > coming and steps > (fewer := int((coming - now) / step_s) + 1):
                    steps = fewer
                now += steps * step_s
                tick += steps
                context += steps * count * gained
            if count > top and count > (top := self._top(2 * count)):
                return None
            while ending <= tick + DONE:
                lasts.append(now)
                gone, count, context = gone + 1, count - 1, context - leaving
                ending = ends[gone] if count else inf
        return self._seen(np.array(firsts), np.array(lasts), now)

    def _top(self, groups: int) -> float:
        """Sequences up to which there are step times and room."""
        return min(self.clock.reach(groups), self.most)

    def _own(self, beside: int) -> float:
        """What one prompt adds to a step of so many."""
        found = self.own[beside] = self.clock.prompt_s(beside, self.whole, 1.0, self.cached)
        return found

    def _chunks(self, now: float, room: float) -> tuple[float, float, float]:
        """What one step takes of several prompts, of which the last may go on in the next: tokens, prompts, start."""
        tokens = prompts = furthest = 0.0
        while self.arrivals[self.next] <= now and room > DONE:
            part = min(self.whole - self.done, room)
            tokens, prompts, furthest = tokens + part, prompts + 1.0, max(furthest, self.done)
            self.done += part
            room -= part
            if self.done < self.whole - DONE:
                break
            self.next, self.done = self.next + 1, 0.0
        return tokens, prompts, self.cached + furthest

    def _seen(self, firsts: FloatArray, lasts: FloatArray, now: float) -> Served:
        """What the requests saw; those behind the ones that are asked for run until now."""
        busy_s = lasts.sum() - firsts.sum() + (len(firsts) - len(lasts)) * now
        arrived, first, last = (
            self.traffic.arrivals_s[: self.asked],
            firsts[: self.asked],
            lasts[: self.asked],
        )
        return Served(
            ttft_s=first - arrived,
            tpot_s=(last - first) / (self.output - 1) if self.output > 1 else np.empty(0),
            latency_s=last - arrived,
            elapsed_s=now,
            output_tokens=self.output * self.asked,
            mean_running=float(busy_s) / now if now else 0.0,
        )
