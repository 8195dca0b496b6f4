"""Equal requests that come at times of their own and enter at once: nothing waits but for its turn in a step."""

from collections import deque
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
    of the prompt of the one after them, ``done`` tokens are. ``own``: what one prompt adds to a step of so many.
    """

    def __init__(self, clock: StepClock, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> None:
        self.clock, self.traffic, self.rules = clock, traffic, rules
        one = Draws(traffic, rules, 1.0, 1)
        self.prompt, self.output, self.steps = one.prompt[0], one.output[0], one.steps[0]
        self.whole, self.cached = one.whole[0], traffic.cached_tokens
        self.budget = rules.budget_tokens * rules.replicas
        held = min(bounds.limit_sequences, bounds.capacity_tokens // one.reserve[0])
        self.most = min(held, self.budget - self.whole * rules.replicas)
        self.arrivals = [*traffic.arrivals_s, inf]
        self.asked = traffic.asked or len(traffic.arrivals_s)
        self.next, self.done = 0, 0.0
        self.own: dict[int, float] = {}

    def served(self) -> Served | None:
        """Runs until the last request that is asked for has its last token, or one has to wait [s, tokens, sequences].

        ``now <- now + steps x step_s``; None where one does.
        Definition: see the module.
        """
        arrivals, mixed, gained = self.arrivals, self.rules.policy == "mixed", self.rules.tokens_per_step
        (low, growth, origin), top = self.clock.by_groups(), min(self.clock.reach(0), self.most)
        ends, firsts, lasts = deque[float](), list[float](), list[float]()
        asked, coming, count, now, tick, context = self.asked, arrivals[0], 0, 0.0, 0.0, 0.0
        while len(lasts) < asked:
            if coming <= now or not count:
                now, decoding = max(now, coming), count if mixed else 0
                spent, entered = self._fill(now, decoding, context / (decoding or 1))
                now += spent
                if decoding:
                    tick += 1
                    context += decoding * gained
                if entered:
                    firsts += [now] * entered
                    ends.extend([tick + self.steps] * entered)
                    coming = arrivals[self.next]
                    context += entered * self.prompt
                    count += entered
            else:
                steps, until = int(ends[0] - tick + 1 - DONE) or 1, coming - now
                step_s = low[count] + (context / count + steps * gained / 2 - origin) * growth[count]
                if steps * step_s > until:
                    steps = min(steps, int(until / step_s) + 1)
                now += steps * step_s
                tick += steps
                context += steps * count * gained
            if count > top:
                top = min(self.clock.reach(2 * count), self.most)
                if count > top:
                    return None
            while count and ends[0] <= tick + DONE:
                ends.popleft()
                lasts.append(now)
                count -= 1
                context = max(0.0, context - self.prompt - self.output + 1)
        return self._seen(np.array(firsts), np.array(lasts), now)

    def _fill(self, now: float, decoding: int, context: float) -> tuple[float, int]:
        """One step with as many prompt tokens as it has room for: seconds, and prompts that it completes."""
        room, before = self.budget - decoding, self.next
        if self.done or self.whole > room or self.arrivals[before + 1] <= now:
            chunk = self._chunks(now, room)
            return self.clock.mixed_s(decoding, context, *chunk), self.next - before
        self.next += 1
        total = self.own.get(decoding)
        if total is None:
            total = self.own[decoding] = self.clock.prompt_s(decoding, self.whole, 1.0, self.cached)
        if decoding:
            total += self.clock.decode_s(decoding, context)
        return cbrt(total * total * total + self.clock.floor_cubed), 1

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
