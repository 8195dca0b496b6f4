"""Sessions that begin at a rate: how many are alive follows from how long they take."""

from dataclasses import replace
from typing import Protocol

from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.workloads.estimate import Found, as_found, behind, sessions_alive
from llm_calc.core.workloads.stream import MOST_SLOTS, Room, Stream, most_told_apart

ROUNDS = 8
NEAR = 0.03
MORE = 1.02
"""More sessions that are served no faster than this many times as before only wait."""
FEW_REQUESTS = 320
"""Requests of a run while the number of sessions is still looked for."""


class Run(Protocol):
    """A run with so many sessions always alive; ``most_requests``: a shorter one."""

    def __call__(self, sessions: int, most_requests: int | None = None) -> Found:
        """What was found."""
        ...


def sessions_arriving(deployment: Deployment, stream: Stream, room: Room, rate_per_s: float) -> Found:
    """Sessions that begin at ``rate_per_s`` on GPUs that do both [s, tokens/s, requests/s].

    Definition: :func:`sessions_at_rate` of :func:`.estimate.sessions_alive`, without the host times of closed loops, as
    of all arrivals.
    """
    deployment = replace(deployment, host=NO_HOST)

    def run(sessions: int, most_requests: int | None = None) -> Found:
        return sessions_alive(deployment, replace(stream, slots=sessions), room, most_requests)

    most = most_told_apart(stream, room, float(deployment.limit))
    return sessions_at_rate(deployment, stream, run, rate_per_s, most)


def sessions_at_rate(
    deployment: Deployment,
    stream: Stream,
    run: Run,
    rate_per_s: float,
    most_sessions: int,
    *,
    growing_sessions: int | None = None,
) -> Found:
    """Sessions that begin at ``rate_per_s`` [s, tokens/s, requests/s].

    ``sessions alive = rate x time of a session`` (Little's law), looked for by secant steps on runs with so many alive;
    ``running = requests/s x time of an answer``.
    Choice: the mean number of sessions stands for one that varies; pauses of their own keep their requests apart. Where
    more sessions only take longer, the last run answers, or one of ``growing_sessions``: more come than the deployment
    can serve, and the k-th request waits ``k / turns x (1 / most - 1 / rate)`` besides, both in requests a second. So
    many that several move as one seem slower than they are; of those the run before answers.
    Leaves out: bursts of sessions.
    """
    sessions, kept = _alive(stream, run, rate_per_s, most_sessions)
    found = run(sessions)
    wanted, seen = rate_per_s * stream.mean_turns, float(found.estimate.requests_per_s)
    if not kept and seen < wanted:
        found = found if growing_sessions is None else run(growing_sessions)
        return _growing(deployment, stream, found, rate_per_s)
    scale = wanted / max(seen, 1e-300)
    estimate = replace(
        found.estimate,
        requests_per_s=wanted,
        output_tokens_per_s=found.estimate.output_tokens_per_s * scale,
        total_tokens_per_s=found.estimate.total_tokens_per_s * scale,
        running=wanted * float((found.seen.latency_s - found.seen.ttft_s).mean()),
    )
    return replace(found, estimate=estimate, sessions=found.sessions * scale)


def _growing(deployment: Deployment, stream: Stream, found: Found, rate_per_s: float) -> Found:
    """More than can be served: with every session that begins more are alive, and each turn waits for one of each."""
    turns, served = stream.mean_turns, float(found.estimate.requests_per_s)
    lag_s = max(0.0, 1 / served - 1 / (rate_per_s * turns)) / turns
    return as_found(deployment, behind(found.seen, lag_s), min(served, rate_per_s * turns), found.sessions)


def _alive(stream: Stream, run: Run, rate_per_s: float, most: int) -> tuple[int, bool]:
    """The nearest whole number of sessions, and whether so many begin as fast as asked."""
    low, sessions, before = 0, 1, 0.0
    high: int | None = None
    for _ in range(ROUNDS):
        served = _served(run(sessions, FEW_REQUESTS), stream)
        wanted = rate_per_s * sessions / served
        if wanted > sessions and served < before * MORE:
            slower = sessions > MOST_SLOTS and served < before
            return (low if slower else sessions), False
        before = served
        if abs(wanted - sessions) <= max(0.5, NEAR * sessions):
            return sessions, True
        if wanted > sessions:
            low = sessions
        else:
            high = sessions
        sessions = min(most, _next(low, high, round(wanted)))
    return sessions, False


def _served(found: Found, stream: Stream) -> float:
    """Sessions a second of a run."""
    return max(float(found.estimate.requests_per_s) / stream.mean_turns, 1e-300)


def _next(low: int, high: int | None, wanted: int) -> int:
    """The next number of sessions to try, between those that are too few and those that are too many."""
    if high is None:
        return min(max(wanted, low + 1), 64 * (low + 1))
    return min(max(wanted, low + 1), max(high - 1, low + 1))
