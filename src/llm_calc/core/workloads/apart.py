"""Requests that differ over prefill and decode apart: one line for the prompts, one for the answers, event by event."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from llm_calc.core.workloads.stream import Stream
from llm_calc.core.workloads.turns import Seen, seen_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stations:
    """Replicas of both kinds with their times [s].

    ``prefill_s``: of a prompt; ``transfer_s``: of its cache; ``token_s``: of a further token with so many answers on
    the replica; ``most``: answers at once on one decode replica; ``cached_fraction``: of each prompt, not computed.
    """

    prefills: int
    decodes: int
    most: int
    prefill_s: Callable[[float], float]
    transfer_s: Callable[[float], float]
    token_s: Callable[[int], float]
    cached_fraction: float = 0.0


@dataclass(slots=True, eq=False)
class _Job:
    session: int
    turn: int
    kind: int
    arrival_s: float
    prompt: float
    output: float
    ready_s: float = 0.0
    first_s: float = 0.0


@dataclass(slots=True)
class _Replica:
    """A decode replica; ``done``: tokens that each answer on it has had since the start of the run."""

    done: float = 0.0
    at_s: float = 0.0
    version: int = 0
    ends: list[tuple[float, int, _Job]] = field(default_factory=list)


class _Run:
    """The events of a run in their order."""

    def __init__(self, stream: Stream, stations: Stations, requests: int, uncounted: int) -> None:
        self.stream, self.stations = stream, stations
        self.requests, self.uncounted = requests, uncounted
        self.events: list[tuple[float, int, str, object]] = []
        self.number = 0
        self.free, self.waiting = stations.prefills, deque[_Job]()
        self.replicas = [_Replica() for _ in range(stations.decodes)]
        self.ready = deque[_Job]()
        self.rows: list[tuple[float, ...]] = []
        self.sent = self.sessions = self.finished = 0
        self.decoding_s = self.began_s = 0.0

    def push(self, at_s: float, what: str, about: object) -> None:
        """An event in its time."""
        self.number += 1
        heappush(self.events, (at_s, self.number, what, about))

    def begin_session(self, at_s: float) -> None:
        """The first turn of a new session."""
        self.sessions += 1
        self.send(self.sessions - 1, 0, at_s)

    def send(self, session: int, turn: int, at_s: float) -> None:
        """A turn, with its lengths."""
        kind = self.stream.class_of(session)
        each = self.stream.classes[kind]
        job = _Job(
            session=session,
            turn=turn,
            kind=kind,
            arrival_s=at_s,
            prompt=each.prompt_tokens(session, turn),
            output=each.output_tokens(session, turn),
        )
        self.sent += 1
        self.push(at_s, "arrive", job)

    def arrive(self, now: float, job: _Job) -> None:
        """A prompt joins the line."""
        self.waiting.append(job)
        self.start_prompts(now)

    def start_prompts(self, now: float) -> None:
        """Prompts on all replicas that are free."""
        while self.free and self.waiting:
            job = self.waiting.popleft()
            self.free -= 1
            seconds = self.stations.prefill_s(job.prompt)
            self.push(now + seconds, "computed", job)
            self.push(now + seconds + self.stations.transfer_s(job.prompt), "there", job)

    def computed(self, now: float, _job: _Job) -> None:
        """A prefill replica is free again."""
        self.free += 1
        self.start_prompts(now)

    def there(self, now: float, job: _Job) -> None:
        """A cache has arrived."""
        self.ready.append(job)
        self.admit(now)

    def admit(self, now: float) -> None:
        """The answer that waits longest goes to the replica with the fewest, while one has room."""
        while self.ready:
            replica = min(self.replicas, key=lambda each: len(each.ends))
            if len(replica.ends) >= self.stations.most:
                return
            job = self.ready.popleft()
            job.first_s = now
            self.catch_up(replica, now)
            self.number += 1
            heappush(replica.ends, (replica.done + job.output - 1, self.number, job))
            self.plan(replica)

    def catch_up(self, replica: _Replica, now: float) -> None:
        """What all answers of a replica had since its last event."""
        if replica.ends:
            count = len(replica.ends)
            replica.done += (now - replica.at_s) / self.stations.token_s(count)
            self.decoding_s += (now - replica.at_s) * count
        replica.at_s = now

    def plan(self, replica: _Replica) -> None:
        """When the next answer of a replica ends, if none comes or goes before."""
        replica.version += 1
        if replica.ends:
            left = max(0.0, replica.ends[0][0] - replica.done)
            seconds = left * self.stations.token_s(len(replica.ends))
            self.push(replica.at_s + seconds, "end", (replica, replica.version))

    def end(self, now: float, about: tuple[_Replica, int]) -> None:
        """An answer has its last token, if none came or went since."""
        replica, version = about
        if version != replica.version:
            return
        self.catch_up(replica, now)
        replica.done = max(replica.done, replica.ends[0][0])
        job = heappop(replica.ends)[2]
        self.plan(replica)
        self.note(now, job)
        self.follow(now, job)
        self.admit(now)

    def note(self, now: float, job: _Job) -> None:
        """What a request saw, once the first ones are over."""
        self.finished += 1
        if self.finished <= self.uncounted:
            self.began_s, self.decoding_s = now, 0.0
            return
        further = (now - job.first_s) / (job.output - 1) if job.output > 1 else np.nan
        first = job.first_s - job.arrival_s
        whole = now - job.arrival_s
        cached = job.prompt * self.stations.cached_fraction
        row = (job.kind, job.turn, first, further, whole, job.prompt, job.output, job.arrival_s, cached)
        self.rows.append(tuple(map(float, row)))

    def follow(self, now: float, job: _Job) -> None:
        """The next turn of the session, or in a closed loop the next session."""
        each = self.stream.classes[job.kind]
        if job.turn + 1 < each.turns:
            self.send(job.session, job.turn + 1, now + each.pause_s(job.session, job.turn))
        elif self.stream.slots and self.sent < self.requests + self.uncounted:
            self.begin_session(now)

    def run(self) -> Seen:
        """All events until so many requests are counted."""
        for _ in range(self.stream.slots):
            self.begin_session(0.0)
        for at_s in self.stream.arrivals_s:
            self.begin_session(at_s)
        now = 0.0
        while self.events and len(self.rows) < self.requests:
            now, _, what, about = heappop(self.events)
            getattr(self, what)(now, about)
        elapsed = max(now - self.began_s, 1e-12)
        return seen_of(self.rows, elapsed, 0.0, 0.0, self.decoding_s / elapsed)


def run_apart(stream: Stream, stations: Stations, requests: int, uncounted: int = 0) -> Seen:
    """What so many requests see [s, tokens].

    A prompt waits for one of the prefill replicas, in the order of arrival; its cache travels; its answer goes to the
    decode replica with the fewest, or waits for room, and every answer on a replica gets ``1 / token_s(answers)``
    tokens a second. The first token is there when the answer may begin.
    Choice: first come, first served on both sides, as engines do by default; events alone are followed, since nothing
    changes between them.
    Source: Zhong et al. 2024, DistServe (arXiv:2401.09670) for the division; checked: 2026-11-30, its abstract read.
    Leaves out: waiting in line for the link, prompts in chunks that share a step, contexts that stay from turn to turn.
    """
    return _Run(stream, stations, requests, uncounted).run()
