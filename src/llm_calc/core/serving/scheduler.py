"""A serving engine under a load: runs of its scheduler from an empty engine to the last answer."""

from dataclasses import replace
from math import cbrt, inf

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.flow import Flow
from llm_calc.core.serving.line import Line
from llm_calc.core.serving.loop import order_of
from llm_calc.core.serving.open import OpenRun
from llm_calc.core.serving.run import Bounds
from llm_calc.core.serving.speculation import Draft
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


def rules_of(scheduling: Scheduling, draft: Draft, clock: StepClock) -> Scheduling:
    """How steps of this clock are formed [tokens].

    ``budget x stages``: the batch of every stage has a budget of its own; tokens gained as the draft gains them.
    Definition: see :class:`.clock.StepClock`.
    """
    return replace(
        scheduling,
        budget_tokens=scheduling.budget_tokens * clock.stages,
        tokens_per_step=draft.tokens_per_step,
    )


def on_the_way_s(
    clock: StepClock, running: float, context_tokens: float, new_tokens: float, start_tokens: float
) -> float:
    """What a chunk of a prompt is longer on its way through the stages than the step that carries it [s].

    ``cbrt((decode + prompt)^3 + floor^3)`` less the step, in which prompt and floor are a ``part`` of that.
    Definition: a chunk passes all stages before its first token is there.
    Leaves out: that it finds more or fewer beside it than others do.
    """
    if clock.stages == 1:
        return 0.0
    groups, part = clock.groups_of(running), clock.part
    clock.reach(groups)
    beside = clock.decode_s(groups, context_tokens) if groups else 0.0
    prompt = clock.prompt_s(groups, new_tokens, 1.0, start_tokens)
    whole = cbrt((beside + prompt / part) ** 3 + clock.floor_cubed / part**3)
    return whole - cbrt((beside + prompt) ** 3 + clock.floor_cubed)


def delayed(served: Served, clock: StepClock, traffic: Traffic, budget_tokens: float) -> Served:
    """The same run with the way of each prompt's last chunk through the stages [s].

    ``ttft + way``, ``latency + way``, see :func:`on_the_way_s`.
    Definition: what a request waits beside the steps of a run.
    Leaves out: that a closed loop sends its next requests as much later.
    """
    new = traffic.input_tokens - traffic.cached_tokens
    chunk = min(new, budget_tokens)
    context = traffic.input_tokens + traffic.output_tokens / 2
    way = on_the_way_s(clock, served.mean_running, context, chunk, traffic.input_tokens - chunk)
    return replace(served, ttft_s=served.ttft_s + way, latency_s=served.latency_s + way)
