"""From a deployment and a load to what users wait for and what the deployment delivers."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from llm_calc.core.arrays import Quantity, larger, smaller, where
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving import batch, closed_loop, offline
from llm_calc.core.serving.batch import Lengths, stages_at_once
from llm_calc.core.serving.clock import StepClock, clock_of
from llm_calc.core.serving.host import NO_HOST, SLOT_REQUESTS, HostTimes, start_waits, with_host
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.scheduler import delayed, rules_of, simulate
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.traffic import MOST_SLOTS, NO_REQUESTS, Requests, Scheduling, Served, Traffic

SPREAD = 0.2
"""Lengths of a closed loop vary between 1 - SPREAD and 1 of the nominal ones, as benchmark clients draw them."""
DRAWN = 1 - SPREAD / 2
"""Their mean."""
MANY = 1e6
"""Sequences at once that share out every cost of a step."""
PLAIN = Scheduling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """What measured runs of this very engine, GPU, model and format took, over what the formulas say [1]."""

    ttft: Quantity = 1.0
    tpot: Quantity = 1.0
    output: Quantity = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A model on GPUs under an engine.

    ``capacity``: sequences of full length that the KV cache holds; ``limit``: sequences at once that the scheduler
    allows; ``scheduling`` how it forms steps; ``offsets``: see there. ``server``: the same engine as a server, which
    bounds what has no client; ``alone``: the same with one, whose tokens bound those of many; None: no bound.
    """

    work: StepWork
    rates: Rates
    capacity: Quantity
    limit: Quantity
    scheduling: Scheduling = PLAIN
    host: HostTimes = NO_HOST
    draft: Draft = NO_DRAFT
    offsets: Offsets = Offsets()
    server: "Deployment | None" = None
    alone: "Deployment | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Means [s; tokens and requests a second], sequences that decode at once, percentiles, and of which requests."""

    ttft_s: Quantity
    tpot_s: Quantity
    request_latency_s: Quantity
    output_tokens_per_s: Quantity
    total_tokens_per_s: Quantity
    requests_per_s: Quantity
    running: Quantity
    percentiles: tuple[tuple[str, tuple[float, ...]], ...] = ()
    each: Requests = field(default=NO_REQUESTS, compare=False, repr=False)


def static_batch(deployment: Deployment, lengths: Lengths, requests: Quantity) -> Estimate:
    """All requests are prefilled together, then decoded together to their end [s, tokens/s, requests/s].

    ``latency = prefill + (output - 1) x decode``; what cache or limit do not hold at once runs in further rounds.
    Definition: nothing enters or leaves a static batch.
    """
    fits = larger(smaller(requests, smaller(deployment.capacity, deployment.limit)), 1.0)
    rounds = larger(requests / fits, 1.0)
    ttft = batch.prefill_seconds(deployment.work, deployment.rates, fits, lengths) * deployment.offsets.ttft
    tpot = _decoding(deployment, lengths, fits)
    if deployment.server is not None:
        ttft, tpot = _as_served(deployment.server, lengths, fits, ttft, tpot)
    latency = ttft + (lengths.output_tokens - 1) * tpot
    waited = (rounds - 1) / 2 * latency
    return means_of(lengths, ttft + waited, tpot, latency * rounds, requests, fits)


def _as_served(
    server: Deployment, lengths: Lengths, fits: Quantity, ttft: Quantity, tpot: Quantity
) -> tuple[Quantity, Quantity]:
    """Times without a client within those of a server; a single request has none longer than beside another."""
    first = where(fits <= 1.0, smaller(ttft, closed_form(server, lengths, 2.0).ttft_s), ttft)
    two = smaller(larger(_room(server, lengths), 1.0), 2.0)
    beside = closed_loop.token_seconds(server.work, server.rates, lengths.scaled(DRAWN), two, server.draft)
    step = where(fits <= 1.0, beside * server.offsets.tpot, _decoding(server, lengths, fits))
    return first, batch.within(tpot, step)


def _decoding(deployment: Deployment, lengths: Lengths, sequences: Quantity) -> Quantity:
    """A token of sequences that nothing interrupts."""
    draft = deployment.draft
    step = batch.decode_seconds(deployment.work, deployment.rates, sequences, lengths, draft.checked_tokens)
    return draft.seconds_per_token(step) * deployment.offsets.tpot


def queue_of_many(deployment: Deployment, lengths: Lengths) -> Estimate:
    """Offline: the most output tokens a second [s, tokens/s, requests/s].

    ``requests/s = tokens/s / output``; the first token is that of a request when its turn has come, ``prefill +
    step``. As many run as in a closed loop: each enters when its prompt and the reserved part of its answer have room.
    Source: as :func:`.offline.steady_state`; checked: 2026-11-30.
    Leaves out: waiting in the queue, which has no end.
    """
    room = _room(deployment, lengths, drawn=1.0)
    steady = offline.steady_state(
        deployment.work, deployment.rates, lengths, room, deployment.limit, deployment.draft
    )
    tpot = steady.step_s / smaller(deployment.draft.tokens_per_step, lengths.output_tokens)
    ttft = batch.prefill_seconds(deployment.work, deployment.rates, 1.0, lengths) + steady.step_s
    rate = steady.output_tokens_per_s * deployment.offsets.output
    return Estimate(
        ttft_s=ttft,
        tpot_s=tpot,
        request_latency_s=ttft + (lengths.output_tokens - 1) * tpot,
        output_tokens_per_s=rate,
        total_tokens_per_s=rate * (1 + lengths.input_tokens / lengths.output_tokens),
        requests_per_s=rate / lengths.output_tokens,
        running=steady.running,
    )


def closed_form(
    deployment: Deployment,
    lengths: Lengths,
    concurrency: Quantity,
    requests_per_slot: float = SLOT_REQUESTS,
    most_per_s: Quantity | None = None,
) -> Estimate:
    """A closed loop in closed form, for arrays; no percentiles [s, tokens/s, requests/s].

    ``ttft = prefill + tpot / 2 + start + queue + host``: own prefill and half a step in progress; one of
    ``requests_per_slot``, that of the start, waits on average for half of all others' prefills; beyond the cache's
    capacity requests queue for whole answers. ``most_per_s``: of throughput, no more than which is told.
    Choice: means as in :func:`simulated_loop`, which tests hold it against.
    Leaves out: the end of a run, when slots fall idle.
    """
    steady, tpot, room = _steady(deployment, lengths, concurrency)
    latency = steady.prefill_s + lengths.scaled(DRAWN).output_tokens * tpot
    queued = larger(concurrency / larger(smaller(concurrency, room), 1.0) - 1, 0.0) * latency
    start = steady.next_s * larger(smaller(concurrency, room) - 1, 0.0) / 2 / requests_per_slot
    ttft = deployment.offsets.ttft * with_host(
        steady.prefill_s + tpot / 2 + start + queued, tpot, lengths, concurrency, deployment.host, concurrency
    )
    whole = ttft + (lengths.output_tokens - 1) * tpot
    most = most_requests_per_s(deployment, lengths) if most_per_s is None else most_per_s
    return means_of(lengths, ttft, tpot, whole, smaller(concurrency / whole, most) * whole, steady.running)


def _steady(
    deployment: Deployment, lengths: Lengths, concurrency: Quantity
) -> tuple[closed_loop.SteadyState, Quantity, Quantity]:
    """The steady state of a closed loop, its time a token as measured, and the sequences that enter at once."""
    drawn, budget = lengths.scaled(DRAWN), deployment.scheduling.budget_tokens
    work, rates = deployment.work, deployment.rates
    stages = stages_at_once(work, rates)
    room = smaller(_room(deployment, lengths), deployment.limit)
    room = smaller(room, closed_loop.most_running(work, drawn, budget, deployment.scheduling.policy, stages))
    steady = closed_loop.steady_state(work, rates, drawn, concurrency, room, deployment.draft, budget)
    tpot = steady.tpot_s * deployment.offsets.tpot
    if deployment.alone is not None:
        tpot = larger(tpot, static_batch(deployment.alone, lengths, 1.0).tpot_s)
    return steady, tpot, room


def most_requests_per_s(deployment: Deployment, lengths: Lengths) -> Quantity:
    """What an endless queue gets if memory holds any number of sequences: no load is faster [requests/s].

    ``tokens/s / output`` of :func:`.offline.steady_state` without bounds.
    Source: the asymptotic throughput of queueing networks (Denning and Buzen 1978, doi:10.1145/356733.356735);
    checked: 2026-11-30, its first page read.
    Leaves out: runs with drawn lengths and an empty start, which come above it where hardly anything but prompts is
    computed.
    """
    steady = offline.steady_state(deployment.work, deployment.rates, lengths, MANY, MANY, deployment.draft)
    return steady.output_tokens_per_s / lengths.output_tokens


def simulated_loop(
    deployment: Deployment, lengths: Lengths, concurrency: int, requests_per_slot: int = SLOT_REQUESTS
) -> Estimate:
    """A closed loop of ten requests a slot, all at once; a single slot sends equal ones [s, tokens/s, requests/s].

    ``requests/s = concurrency / latency`` (Little's law), at most :func:`most_requests_per_s`; first tokens from the
    scheduler, the mean time of the others from :func:`closed_form`, so that it is the same at any load and method.
    Of many more requests than run at once, twice those that do are simulated; ``k`` more wait ``k / (requests/s)``.
    Choice: the run that the measured benchmarks made, see ``docs/performance.md``.
    Leaves out: as :func:`.scheduler.simulate`.
    """
    most = max(MOST_SLOTS, 2 * math.ceil(min(_room(deployment, lengths), deployment.limit, MANY)))
    if concurrency > most:
        return _behind(simulated_loop(deployment, lengths, most, requests_per_slot), concurrency - most)
    served = serve(
        deployment,
        Traffic(
            input_tokens=float(lengths.input_tokens),
            output_tokens=float(lengths.output_tokens),
            slots=concurrency,
            requests_per_slot=requests_per_slot,
            spread_fraction=SPREAD if concurrency > 1 else 0.0,
            cached_tokens=float(lengths.cached_tokens),
        ),
    )
    tpot = float(_steady(deployment, lengths, float(concurrency))[1])
    return from_run(deployment, lengths, served, concurrency, tpot, None)


def _behind(loop: Estimate, more: int) -> Estimate:
    """The same loop with so many more requests in its queue: nothing runs faster, and all wait for them too."""
    wait_s = more / float(loop.requests_per_s)
    first, whole, each = loop.ttft_s + wait_s, loop.request_latency_s + wait_s, loop.each.later(1.0, wait_s)
    return replace(loop, ttft_s=first, request_latency_s=whole, percentiles=each.percentiles, each=each)


def serve(deployment: Deployment, traffic: Traffic, clock: StepClock | None = None) -> Served:
    """One run of the scheduler [s, tokens, sequences].

    Definition: :func:`.scheduler.simulate` with the step times of the deployment, ``capacity x (input + output)``
    tokens.
    """
    capacity = float(deployment.capacity) * (traffic.input_tokens + traffic.output_tokens)
    clock = clock or clock_of(deployment.work, deployment.rates, deployment.draft, traffic)
    rules = rules_of(deployment.scheduling, deployment.draft, clock)
    found = simulate(clock, traffic, rules, capacity, float(deployment.limit))
    return found if clock.stages == 1 else delayed(found, clock, traffic, deployment.scheduling.budget_tokens)


def from_run(
    deployment: Deployment,
    lengths: Lengths,
    served: Served,
    together: float,
    tpot_s: float | None,
    rate_per_s: float | None,
) -> Estimate:
    """Means and percentiles of a run, its times a token scaled to a mean of ``tpot_s`` [s, tokens/s, requests/s].

    ``requests/s = min(rate, most)``, the rate by Little's law where none is given; ``latency of a request = mean ttft +
    (its own in the run - mean ttft of the run) x scale``: what comes after first tokens takes so much longer.
    Definition: over all requests of the run.
    """
    tpots, stack = served.tpot_s, (deployment.work, deployment.rates)
    if not len(tpots):
        tpots = np.array([batch.following_step_s(*stack, lengths, deployment.draft)])
    tpot = float(tpots.mean() * deployment.offsets.tpot) if tpot_s is None else tpot_s
    longer = tpot / tpots.mean()
    first = np.asarray(with_host(served.ttft_s, tpot, lengths, 0.0, deployment.host, together))
    first = (first + start_waits(len(first), together, deployment.host)) * float(deployment.offsets.ttft)
    later = served.in_full(float(lengths.output_tokens)) - float(served.ttft_s.mean())
    ends = float(first.mean()) + (later * longer if len(served.tpot_s) else later)
    each = Requests(ttft_s=first, tpot_s=tpots * longer, latency_s=ends)
    latency = float(first.mean()) + (float(lengths.output_tokens) - 1) * tpot
    most = float(most_requests_per_s(deployment, lengths))
    rate_per_s = min(most, together / latency if rate_per_s is None else rate_per_s)
    in_flight = rate_per_s * latency
    found = means_of(lengths, float(first.mean()), tpot, latency, in_flight, served.mean_running)
    return replace(found, percentiles=each.percentiles, each=each)


def _room(deployment: Deployment, lengths: Lengths, drawn: float = DRAWN) -> Quantity:
    """Sequences that enter at once: each holds its prompt and the reserved part of its answer, of drawn lengths."""
    reserved = lengths.input_tokens + deployment.scheduling.reserved_fraction * lengths.output_tokens
    held = drawn * reserved / (lengths.input_tokens + lengths.output_tokens)
    return larger(deployment.capacity / held, 1.0)


def means_of(
    lengths: Lengths,
    ttft: Quantity,
    tpot: Quantity,
    latency: Quantity,
    in_flight: Quantity,
    running: Quantity,
) -> Estimate:
    """All means of requests of which so many are in flight at once [s, tokens/s, requests/s].

    ``requests a second = in flight / latency``.
    Definition: Little's law.
    """
    requests = in_flight / latency
    return Estimate(
        ttft_s=ttft,
        tpot_s=tpot,
        request_latency_s=latency,
        output_tokens_per_s=requests * lengths.output_tokens,
        total_tokens_per_s=requests * (lengths.input_tokens + lengths.output_tokens),
        requests_per_s=requests,
        running=running,
    )
