"""From a deployment and a stream of sessions to what users wait for, what the deployment delivers, and what is kept."""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.batch import Lengths, following_step_s
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.estimate import (
    Deployment,
    Estimate,
    most_requests_per_s,
    queue_of_many,
)
from llm_calc.core.serving.host import NO_HOST, SLOT_REQUESTS, start_waits, with_host
from llm_calc.core.serving.scheduler import rules_of
from llm_calc.core.serving.traffic import OPEN_REQUESTS, ROUNDS_BEFORE, percentiles_of, rounds_of_arrivals
from llm_calc.core.workloads.patience import Patience, Watch
from llm_calc.core.workloads.run import simulate
from llm_calc.core.workloads.stream import MOST_SLOTS, Room, Stream, most_told_apart, slots_of
from llm_calc.core.workloads.turns import Seen, behind_stages

MOST_REQUESTS = 1300
"""Requests of a simulated run: so many that a run takes a tenth of a second."""
LEAST_OF_SESSIONS = 300
"""Requests of a run of few sessions: so many that three of them lie beyond the 99th percentile."""
NEAR_FULL = 0.5
"""Above this part of the rate of an endless queue of mean lengths, what differs between requests may decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An estimate with the requests that it is the mean of, as clients saw them, and sessions at once.

    ``most_hit_fraction``: of a trace, what would be found if everything were kept.
    """

    estimate: Estimate
    seen: Seen
    sessions: float
    most_hit_fraction: float | None = None

    def of_turns(self, values: FloatArray, *, first: bool) -> float | None:
        """Mean over first turns, or over later ones; None where there are none [s, tokens].

        Definition: the mean.
        """
        chosen = values[(self.seen.turn == 0) == first]
        return float(chosen.mean()) if len(chosen) else None

    @property
    def hit_fractions(self) -> tuple[float, ...]:
        """Part of all prompt tokens that was found on the GPU, and in each tier below [1].

        ``found tokens / prompt tokens``.
        Definition: of all requests together.
        """
        return tuple((self.seen.found_tokens.sum(axis=1) / self.seen.prompt_tokens.sum()).tolist())


def sessions_alive(
    deployment: Deployment, stream: Stream, room: Room, most_requests: int | None = None
) -> Found:
    """So many sessions always alive, each followed by a new one [s, tokens/s, requests/s].

    ``requests/s = sessions x turns / (turns x latency + (turns - 1) x pause)`` (Little's law).
    Choice: a run that starts with sessions at all ages and their contexts in memory, whose first request of each is not
    counted: what lasts, not how it begins. Of more than can be told apart, where these wait longer than they run
    already, each further one makes every request wait ``1 / (requests/s)`` longer.
    Leaves out: as :func:`simulated`.
    """
    apart = most_told_apart(stream, room, float(deployment.limit))
    if stream.slots > apart:
        fewer = sessions_alive(deployment, replace(stream, slots=apart), room, most_requests)
        if _queues(fewer.estimate):
            return _waiting(deployment, fewer, stream.slots)
    together = stream.slots if stream.mean_turns == 1 and stream.slots > 1 else 0
    found = as_clients_see(deployment, simulated(deployment, stream, room, most_requests), together)
    session_s = session_seconds(stream, found)
    rate = stream.slots * stream.mean_turns / max(session_s, 1e-12)
    most = float(most_requests_per_s(deployment, lengths_seen(found)))
    return as_found(deployment, found, min(rate, most), float(stream.slots))


def _queues(found: Estimate) -> bool:
    """Whether requests wait longer than they run, so that more of them only wait."""
    return float(found.request_latency_s) < 2 * float(found.ttft_s)


def _waiting(deployment: Deployment, fewer: Found, sessions: int) -> Found:
    """The same with so many alive: all but those of the run stand in the queue besides."""
    rate, seen = float(fewer.estimate.requests_per_s), fewer.seen
    wait_s = (sessions - fewer.sessions) / rate
    seen = replace(seen, ttft_s=seen.ttft_s + wait_s, latency_s=seen.latency_s + wait_s)
    return as_found(deployment, seen, rate, float(sessions))


def simulated(
    deployment: Deployment,
    stream: Stream,
    room: Room,
    most_requests: int | None = None,
    patience: Patience | None = None,
) -> Seen:
    """One run of the scheduler [s, tokens, sequences]; of arrivals only as long as they keep a patience.

    Definition: :func:`.run.simulate` with the step times of the deployment; all arrivals count, or ``most_requests``
    after the rounds that fill the engine.
    Leaves out: preemption, priorities, and contexts that move between replicas.
    """
    slots = slots_of(stream, room, float(deployment.limit)) or _at_once(deployment, len(stream.arrivals_s))
    means = [each.mean_first_tokens for each in stream.classes]
    clock = StepClock(
        deployment.work,
        deployment.rates,
        contexts=(min(means), stream.longest_tokens),
        groups=slots,
        group=max(stream.slots, slots) / slots,
        draft=deployment.draft,
    )
    rules = rules_of(deployment.scheduling, deployment.draft, clock)
    limit = float(deployment.limit)
    if not stream.slots:
        arriving = most_requests or round(len(stream.arrivals_s) * stream.mean_turns)
        first = ROUNDS_BEFORE * OPEN_REQUESTS if most_requests else 0
        watch = Watch(patience, arriving) if patience else None
        found = simulate(clock, stream, rules, room, limit, requests=arriving, uncounted=first, watch=watch)
        return behind_stages(found, clock, deployment.scheduling.budget_tokens)
    counted, first = counted_requests(stream, slots), slots if stream.mean_turns > 1 else 0
    wanted = counted if most_requests is None else min(counted, max(most_requests, slots))
    found = simulate(clock, stream, rules, room, limit, requests=wanted, uncounted=first)
    return behind_stages(found, clock, deployment.scheduling.budget_tokens)


def _at_once(deployment: Deployment, arrivals: int) -> int:
    """The most sequences that decode at once of so many arrivals."""
    return ceil(min(arrivals, max(1.0, float(deployment.limit))))


def counted_requests(stream: Stream, slots: int) -> int:
    """Requests of a run: whole sessions of every slot, ten requests at least, while that is not too many [requests].

    ``slots x turns x ceil(10 slots / (slots x turns))``, of sessions of several turns with 300 in place of ``10 slots``
    where that is more, at most 1300 but ten a slot; the latter of 64 sessions of several turns at most, whose first
    requests do not count.
    Choice: as benchmark clients do, ten requests a slot; a session is seen to its end where time allows.
    Leaves out: nothing but rarer events.
    """
    turns = max(each.turns for each in stream.classes)
    together = slots * turns
    least = SLOT_REQUESTS * slots if turns == 1 else max(SLOT_REQUESTS * slots, LEAST_OF_SESSIONS)
    whole = together * -(-least // together)
    told_apart = slots if turns == 1 else min(slots, MOST_SLOTS)
    return min(whole, max(MOST_REQUESTS, told_apart * SLOT_REQUESTS))


def arriving(
    deployment: Deployment, stream: Stream, room: Room, rate_per_s: float, patience: Patience | None = None
) -> Found:
    """Requests that arrive at random at a rate, whatever is in flight [s, tokens/s, requests/s].

    ``requests/s = min(rate, most)``, ``most`` what the deployment can serve; beyond it the engine is as busy as at it,
    and the k-th request waits ``k x (1 / most - 1 / rate)`` besides.
    Choice: :func:`simulated` with the arrivals, and without the host times of closed loops, of
    :func:`llm_calc.core.serving.arrivals.simulated_arrivals` of equal requests.
    Leaves out: as :func:`simulated`.
    """
    deployment = replace(deployment, host=NO_HOST)
    found = _arrived(deployment, stream, room, rate_per_s, patience)
    hits, most = float(found.found_tokens.sum() / found.prompt_tokens.sum()), stream.most_hit_fraction
    again = replace(stream, lost_fraction=max(0.0, 1 - hits / most) if most > 0 else 0.0)
    served = _served(deployment, again, room, lengths_seen(found), rate_per_s)
    if served < rate_per_s:
        found = behind(_arrived(deployment, stream, room, served), 1 / served - 1 / rate_per_s)
    return as_found(deployment, found, served, served * float(found.latency_s.mean()))


def _arrived(
    deployment: Deployment, stream: Stream, room: Room, rate_per_s: float, patience: Patience | None = None
) -> Seen:
    """What the requests that count see of arrivals at a rate."""
    comes = replace(stream, slots=0, arrivals_s=rounds_of_arrivals(rate_per_s))
    return as_clients_see(deployment, simulated(deployment, comes, room, OPEN_REQUESTS, patience))


def behind(seen: Seen, lag_s: float) -> Seen:
    """The same run, each request so much further behind its arrival than the one that came before it [s].

    ``wait of the k-th = k x lag``.
    Definition: a queue that grows evenly.
    """
    waits = lag_s * (1.0 + seen.arrival_s.argsort().argsort())
    return replace(seen, ttft_s=seen.ttft_s + waits, latency_s=seen.latency_s + waits)


def _served(deployment: Deployment, stream: Stream, room: Room, lengths: Lengths, rate_per_s: float) -> float:
    """What is served of so many arrivals [requests/s].

    The least of the rate, an endless queue of mean lengths (each request the time of its images longer) and, near that,
    a closed loop of as many as memory holds.
    Choice: the loop is run above half of the queue's rate only, since its run takes as long as that of the arrivals.
    Leaves out: nothing but the start of the loop.
    """
    held, text = held_at_once(room, lengths), most_served_per_s(deployment, room, lengths)
    most = 1 / (1 / text + stream.mean_encoding_s)
    if rate_per_s < most * NEAR_FULL:
        return rate_per_s
    slots = max(1, int(min(held, float(deployment.limit))))
    full = sessions_alive(deployment, replace(stream, slots=slots, arrivals_s=()), room)
    return min(rate_per_s, most, float(full.estimate.requests_per_s))


def held_at_once(room: Room, lengths: Lengths) -> float:
    """Requests of these lengths that memory holds, one at least [requests].

    ``capacity / (prompt + answer)``.
    Definition: each has its own.
    """
    return max(1.0, room.capacity_tokens / float(lengths.input_tokens + lengths.output_tokens))


def most_served_per_s(deployment: Deployment, room: Room, lengths: Lengths) -> float:
    """What an endless queue of requests of these lengths gives [requests/s].

    Definition: :func:`llm_calc.core.serving.estimate.queue_of_many` with as many at once as memory holds.
    """
    held = replace(deployment, capacity=held_at_once(room, lengths))
    return float(queue_of_many(held, lengths).requests_per_s)


def lengths_seen(seen: Seen) -> Lengths:
    """Mean lengths of the requests of a run [tokens].

    ``cached fraction = found / prompt tokens``.
    Definition: means.
    """
    prompt = float(seen.prompt_tokens.mean())
    fraction = float(seen.found_tokens.sum(axis=0).mean()) / prompt
    return Lengths(
        input_tokens=prompt, output_tokens=float(seen.output_tokens.mean()), cached_fraction=fraction
    )


def as_clients_see(deployment: Deployment, seen: Seen, together: int = 0) -> Seen:
    """With what a server adds to first tokens, and what measured runs of this stack took over the formulas [s].

    ``ttft x offset + host times``, ``tpot x offset``; ``together``: requests that come at once at the start, as in a
    closed loop of single requests.
    Definition: as :func:`llm_calc.core.serving.estimate.simulated_loop` takes both.
    Leaves out: offsets of loads that nobody measured.
    """
    tpots = seen.tpot_s * float(deployment.offsets.tpot)
    tpot = float(np.nanmean(tpots)) if not np.all(np.isnan(tpots)) else 0.0
    each = Lengths(input_tokens=seen.prompt_tokens, output_tokens=seen.output_tokens)
    first = np.asarray(with_host(seen.ttft_s, tpot, each, 0.0, deployment.host, float(together)))
    first = first + start_waits(len(first), float(together), deployment.host)
    first = first * float(deployment.offsets.ttft)
    later = np.where(np.isnan(tpots), 0.0, (seen.output_tokens - 1) * tpots)
    return replace(seen, ttft_s=first, tpot_s=tpots, latency_s=first + later)


def session_seconds(stream: Stream, seen: Seen) -> float:
    """Mean length of a session in time [s].

    ``turns x latency + (turns - 1) x pause``, the mean over classes.
    Definition: a pause follows every turn but the last.
    """
    total = 0.0
    for number, kind in enumerate(stream.classes):
        own = seen.latency_s[seen.kind == number]
        latency = float((own if len(own) else seen.latency_s).mean())
        total += kind.share_fraction * (kind.turns * latency + (kind.turns - 1) * kind.think_s)
    return total


def as_found(deployment: Deployment, seen: Seen, rate_per_s: float, sessions: float) -> Found:
    """The estimate of a run at a rate, with its requests [s, tokens/s, requests/s].

    ``tokens/s = requests/s x mean tokens``.
    Definition: means and percentiles over the requests of the run.
    """
    output, prompt = float(seen.output_tokens.mean()), float(seen.prompt_tokens.mean())
    tpots = seen.tpot_s[~np.isnan(seen.tpot_s)]
    if not len(tpots):
        step_s = following_step_s(deployment.work, deployment.rates, lengths_seen(seen), deployment.draft)
        tpots = np.array([step_s * float(deployment.offsets.tpot)])
    columns = (("ttft_s", seen.ttft_s), ("tpot_s", tpots), ("request_latency_s", seen.latency_s))
    estimate = Estimate(
        ttft_s=float(seen.ttft_s.mean()),
        tpot_s=float(tpots.mean()),
        request_latency_s=float(seen.latency_s.mean()),
        output_tokens_per_s=rate_per_s * output,
        total_tokens_per_s=rate_per_s * (prompt + output),
        requests_per_s=rate_per_s,
        running=seen.mean_running,
        percentiles=tuple((name, percentiles_of(values)) for name, values in columns),
    )
    return Found(estimate=estimate, seen=seen, sessions=sessions)
