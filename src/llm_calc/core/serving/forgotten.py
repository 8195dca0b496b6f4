"""How many requests an engine must have served under a load until it no longer matters that it was empty."""

from math import ceil, inf

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.traffic import OPEN_REQUESTS, ROUNDS_BEFORE, Traffic

MOST_BEFORE = ROUNDS_BEFORE * OPEN_REQUESTS
NEAR = 0.7
"""Part of what an engine serves or holds up to which queues for it are rare and short."""
_ROUNDS = 32


def requests_before(in_flight: float, slowing: float) -> int:
    """Requests that come before those that count, until an engine no longer knows that it was empty [requests].

    ``min(1800, 12 n / (1 - s))``, rounded up to 1800, 900, 450, 225 or 113. Of ``n`` requests in flight one more slows
    the answers of all by ``s`` of its part, so that after ``m`` further ones ``exp(-m (1 - s) / n)`` is left of it: a
    hundred thousandth of an engine's beginning.
    Source: Little 1961 (doi:10.1287/opre.9.3.383), ``L = lambda x W``; checked: 2026-11-30, its entry in MathSciNet
    and the law as quoted; that ``W`` grows evenly with ``L`` about where they meet is this module's.
    Leaves out: queues for room, which forget more slowly: where one may form, all 1800 come.
    """
    needed = 12.0 * in_flight / (1.0 - slowing) if slowing < 1.0 else inf
    return next((each for each in (113, 225, 450, 900) if each >= needed), MOST_BEFORE)


class EvenFlow:
    """Requests that come evenly, and what one prompt of them adds to a step.

    ``steps``: of an answer after its first token; ``chunks``: steps that one prompt takes.
    """

    def __init__(
        self, clock: StepClock, traffic: Traffic, steps: float, budget_tokens: float, rate_per_s: float
    ) -> None:
        self.clock, self.steps, self.rate_per_s = clock, steps, rate_per_s
        self.context = traffic.input_tokens + traffic.output_tokens / 2
        whole = max(1.0, traffic.input_tokens - traffic.cached_tokens)
        self.chunks = ceil(whole / budget_tokens)
        chunk = whole / self.chunks
        self.prompt = chunk, 1.0, traffic.cached_tokens + (whole - chunk) / 2

    def in_flight(self, held: float) -> tuple[float, float]:
        """Requests that decode at once, and how many more one more would bring [requests, 1].

        The least whole ``n >= f(n)`` and ``f'(n)``, see :meth:`brought`; one brings one where ``n`` and the requests
        whose prompts are computed come to ``NEAR`` of those ``held``, or prompts alone to ``NEAR`` of the time.
        Definition: where as many leave as come.
        """
        count = 1
        for _ in range(_ROUNDS):
            found, busy = self.brought(count)
            if busy > NEAR or found + busy > NEAR * held:
                break
            if found <= count:
                more = count // 4 + 1
                return float(count), (self.brought(count + more)[0] - found) / more
            count = ceil(found)
        return inf, 1.0

    def brought(self, count: int) -> tuple[float, float]:
        """Requests that come while one decodes beside so many, and the part of the time for prompts [requests, 1].

        ``rate x steps x step(n) / (1 - busy)``, ``busy = rate x what a prompt adds to steps of n``.
        Source: Little 1961 (doi:10.1287/opre.9.3.383), ``L = lambda x W``; checked: 2026-11-30, its entry in
        MathSciNet and the law as quoted.
        Leaves out: prompts that share a step.
        """
        self.clock.reach(count)
        step_s = self.clock.decode_s(count, self.context)
        added_s = self.chunks * (self.clock.mixed_s(count, self.context, *self.prompt) - step_s)
        busy = self.rate_per_s * added_s
        return self.rate_per_s * self.steps * step_s / (1.0 - min(busy, NEAR)), busy
