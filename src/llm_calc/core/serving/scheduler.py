"""A serving engine under a load: runs of its scheduler from an empty engine to the last answer."""

from math import inf

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.flow import Flow
from llm_calc.core.serving.line import Line
from llm_calc.core.serving.loop import order_of
from llm_calc.core.serving.open import OpenRun
from llm_calc.core.serving.run import Bounds
from llm_calc.core.serving.traffic import MOST_SLOTS, Scheduling, Served, Traffic


def simulate(
    clock: StepClock, traffic: Traffic, rules: Scheduling, capacity_tokens: float, limit: float = inf
) -> Served:
    """One run from an empty engine to its last answer [s, tokens, sequences].

    ``now <- now + steps x step_s`` from event to event. ``capacity_tokens``: context of all sequences that the cache
    holds; ``limit``: most sequences at once.
    Source: Yu et al. 2022, Orca (OSDI 2022); Agrawal et al. 2024, Sarathi-Serve (arXiv:2403.02310) for the mixed
    policy; checked: 2026-11-30, their abstracts read; the rules of each engine are in ``docs/performance.md``.
    Leaves out: preemption, priorities, and prefix caches that fill during the run.
    """
    if traffic.arrivals_s:
        return _open(clock, traffic, rules, Bounds(capacity_tokens, limit, MOST_SLOTS))
    most_tokens = traffic.slots * (traffic.input_tokens + rules.reserved_fraction * traffic.output_tokens)
    room = inf if capacity_tokens >= most_tokens else capacity_tokens
    bounds = Bounds(room, inf if limit >= traffic.slots else limit, MOST_SLOTS)
    return order_of(traffic, rules, bounds).served(clock)


def _open(clock: StepClock, traffic: Traffic, rules: Scheduling, bounds: Bounds) -> Served:
    """Arrivals by the plainest run that does what happens: nothing waits, or all in one line, or anything."""
    if traffic.slots == 0 and traffic.spread_fraction == 0.0:
        found = Flow(clock, traffic, rules, bounds).served()
        if found is not None:
            return found
    if rules.replicas == 1 and traffic.slots == 0:
        return Line(clock, traffic, rules, bounds).served()
    return OpenRun(clock, traffic, rules, bounds).served()
