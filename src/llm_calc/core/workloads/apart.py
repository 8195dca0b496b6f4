"""Requests that differ over prefill and decode apart: lines for prompts, caches and answers, event by event."""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil

import numpy as np

from llm_calc.core.workloads.prefills import Job, Prefills
from llm_calc.core.workloads.run import NEXT_SESSION
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import Stream
from llm_calc.core.workloads.turns import Seen, seen_of

_NEARLY = 1e-9


@dataclass(slots=True)
class _Replica:
    """A decode replica.

    ``done``: tokens that each answer on it has had since the start of the run; ``joining``: answers that begin with its
    next step.
    """

    number: int
    done: float = 0.0
    at_s: float = 0.0
    version: int = 0
    ends: list[tuple[float, int, Job]] = field(default_factory=list)
    joining: list[Job] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """Answers that it has, those that join with them."""
        return len(self.ends) + len(self.joining)


class _Run:
    """The events of a run in their order."""

    def __init__(self, stream: Stream, stations: Stations, requests: int, uncounted: int) -> None:
        self.stream, self.stations = stream, stations
        self.requests, self.uncounted = requests, uncounted
        self.events: list[tuple[float, int, str, object]] = []
        self.number = 0
        self.prefills = Prefills(stream, stations)
        self.free_ways, self.caches = stations.ways, deque[Job]()
        self.replicas = [_Replica(number) for number in range(stations.decodes)]
        self.emptiest = [(0, each.number) for each in self.replicas]
        self.ready = deque[Job]()
        self.rows: list[tuple[float, ...]] = []
        self.arrivals = enumerate(stream.arrivals_s)
        self.finished = 0
        self.decoding_s = self.began_s = 0.0

    def push(self, at_s: float, what: str, about: object) -> None:
        """An event in its time."""
        self.number += 1
        heappush(self.events, (at_s, self.number, what, about))

    def begin(self) -> None:
        """Sessions that are alive stand at turns spread evenly over a session; arrivals come when they come."""
        self.next_arrival()
        for slot in range(self.stream.slots):
            kind = self.stream.classes[self.stream.class_of(slot)]
            turn = slot * kind.turns // self.stream.slots
            self.open(slot, kind.pause_s(slot, turn) if turn else 0.0, turn)

    def next_arrival(self) -> None:
        """One arrival at a time waits among the events."""
        if (found := next(self.arrivals, None)) is not None:
            self.open(*found, 0)

    def open(self, session: int, at_s: float, turn: int) -> None:
        """A session begins, or is found at a later turn."""
        kind = self.stream.class_of(session)
        each = self.stream.classes[kind]
        prompt, output = each.prompt_tokens(session, turn), each.output_tokens(session, turn)
        known, home = self.stream.shared_tokens, None
        if turn:
            known, home = each.prompt_tokens(session, turn - 1), self.prefills.home_of(session)
            self.prefills.had(session, home, known)
        job = Job(session, turn, kind, at_s, prompt, output, min(known, prompt - 1), home=home)
        self.push(at_s, "arrive", job)

    def arrive(self, now: float, job: Job) -> None:
        """A prompt begins or joins a line."""
        if job.turn == 0 and not self.stream.slots:
            self.next_arrival()
        if self.prefills.come(job):
            self.start_prompt(now, job)

    def start_prompt(self, now: float, job: Job) -> None:
        """A replica computes what it has not of a prompt."""
        self.prefills.begin(now, job)
        seconds = self.stations.prefill_s(job.prompt_tokens, job.found_tokens) + self.encoding_s(job)
        self.push(now + seconds * self.stations.sessions_together, "computed", job)
        self.push(now + seconds, "leaves", job)

    def encoding_s(self, job: Job) -> float:
        """What images of a prompt take, and those before that are not found; none is in a block that is not full."""
        if not self.stream.encoder_s or (room := self.stations.room) is None:
            return self.stream.encoding_s(job.turn)
        found = job.found_tokens + room.block_tokens
        return self.stream.encoding_s(job.turn, self.stream.again_of(job.session, job.kind, job.turn, found))

    def computed(self, now: float, job: Job) -> None:
        """A prefill replica is free again."""
        for following in self.prefills.freed(job.home or 0):
            self.start_prompt(now, following)

    def leaves(self, now: float, job: Job) -> None:
        """A cache joins the line for the links."""
        self.prefills.computed(job)
        self.caches.append(job)
        self.start_caches(now)

    def start_caches(self, now: float) -> None:
        """Caches on all ways that are free."""
        stations = self.stations
        while self.free_ways and self.caches:
            job = self.caches.popleft()
            self.free_ways -= 1
            seconds = stations.transfer_s(job.prompt_tokens)
            self.push(now + seconds * stations.ways / stations.links, "carried", job)
            self.push(now + seconds, "there", job)

    def carried(self, now: float, _job: Job) -> None:
        """A way is free again."""
        self.free_ways += 1
        self.start_caches(now)

    def there(self, now: float, job: Job) -> None:
        """A cache has arrived."""
        self.prefills.sent(now, job)
        self.ready.append(job)
        self.admit(now)

    def admit(self, now: float) -> None:
        """The answer that waits longest goes to the replica with the fewest, while one has room."""
        while self.ready and (replica := self.least()) is not None:
            job = self.ready.popleft()
            job.first_s = now
            self.catch_up(replica, now)
            replica.joining.append(job)
            if not replica.ends:
                self.join(replica)
            self.plan(replica)

    def join(self, replica: _Replica) -> None:
        """What waits for the next step of a replica is part of it."""
        for job in replica.joining:
            self.number += 1
            heappush(replica.ends, (replica.done + job.output_tokens - 1, self.number, job))
        replica.joining.clear()

    def least(self) -> _Replica | None:
        """The replica with the fewest answers; None where all are full. Counts that are no more so are passed over."""
        while self.emptiest[0][0] != self.replicas[self.emptiest[0][1]].answers:
            heappop(self.emptiest)
        count, number = self.emptiest[0]
        return self.replicas[number] if count < self.stations.most else None

    def catch_up(self, replica: _Replica, now: float) -> None:
        """What all answers of a replica had since its last event."""
        if replica.ends:
            count = len(replica.ends)
            replica.done += (now - replica.at_s) / self.stations.token_s(count)
            self.decoding_s += (now - replica.at_s) * count
        replica.at_s = now

    def plan(self, replica: _Replica) -> None:
        """When the next answer of a replica ends, or its next step begins for those that join."""
        replica.version += 1
        heappush(self.emptiest, (replica.answers, replica.number))
        if replica.ends:
            until = replica.ends[0][0]
            if replica.joining:
                until = min(until, self.next_step(replica))
            seconds = max(0.0, until - replica.done) * self.stations.token_s(len(replica.ends))
            self.push(replica.at_s + seconds, "step", (replica, replica.version, until))

    def next_step(self, replica: _Replica) -> float:
        """Tokens that answers of a replica have had when its next step begins."""
        size = self.stations.step_tokens
        return ceil(replica.done / size - _NEARLY) * size

    def step(self, now: float, about: tuple[_Replica, int, float]) -> None:
        """A step of a replica is over, if nothing came or went since: answers end, others join."""
        replica, version, until = about
        if version != replica.version:
            return
        self.catch_up(replica, now)
        replica.done = until
        ended = []
        while replica.ends and replica.ends[0][0] <= until:
            ended.append(heappop(replica.ends)[2])
        if not replica.ends or until >= self.next_step(replica):
            self.join(replica)
        self.plan(replica)
        for job in ended:
            self.note(now, job)
            self.follow(now, job)
        self.admit(now)

    def note(self, now: float, job: Job) -> None:
        """What a request saw, once the first ones are over."""
        self.finished += 1
        if self.finished <= self.uncounted:
            self.began_s, self.decoding_s = now, 0.0
            self.prefills.restart(now)
            return
        further = (now - job.first_s) / (job.output_tokens - 1) if job.output_tokens > 1 else np.nan
        first = job.first_s - job.arrival_s
        whole = now - job.arrival_s
        row = (
            job.kind,
            job.turn,
            first,
            further,
            whole,
            job.prompt_tokens,
            job.output_tokens,
            job.arrival_s,
            job.known_tokens,
            job.found_tokens,
        )
        self.rows.append(tuple(map(float, row)))

    def follow(self, now: float, job: Job) -> None:
        """The next turn of the session, or in a closed loop the next session."""
        each, turn = self.stream.classes[job.kind], job.turn + 1
        if turn < each.turns:
            at_s = now + each.pause_s(job.session, turn)
            prompt = job.prompt_tokens + job.output_tokens + each.new_tokens(job.session, turn)
            output, home = each.output_tokens(job.session, turn), job.home if self.prefills.caches else None
            following = Job(job.session, turn, job.kind, at_s, prompt, output, job.prompt_tokens, home=home)
            self.push(at_s, "arrive", following)
        elif self.stream.slots:
            self.open(job.session + NEXT_SESSION, now, 0)

    def run(self) -> Seen:
        """All events until so many requests are counted."""
        self.begin()
        now = 0.0
        while self.events and len(self.rows) < self.requests:
            now, _, what, about = heappop(self.events)
            getattr(self, what)(now, about)
        elapsed = max(now - self.began_s, 1e-12)
        return seen_of(self.rows, elapsed, *self.prefills.means(now, elapsed), self.decoding_s / elapsed)


def run_apart(stream: Stream, stations: Stations, requests: int, uncounted: int = 0) -> Seen:
    """What so many requests see [s, tokens].

    A prompt waits for one of the prefill replicas, in the order of arrival, where ``stations.room`` says what they keep
    for the one that computed the prompts before it: there ``found = min(kept of the prompt before, prompt - 1)`` is not
    computed again. Its cache waits for one of the links, and travels whole; until it is there it takes memory of the
    prefill replica. Its answer goes to the decode replica with the fewest, or waits for room, joins its next step, and
    every answer on a replica gets ``1 / token_s(answers)`` tokens a second. The first token is there when the answer
    may begin.
    Choice: first come, first served everywhere, as engines do by default; events alone are followed, since nothing
    changes between them. Answers are computed again by the next turn: their cache lies on the decode side.
    Source: Zhong et al. 2024, DistServe (arXiv:2401.09670) for the division, its abstract read; vLLM
    ``kv_connector/v1/nixl/scheduler.py`` at 053da34 (``get_num_new_matched_tokens``), SGLang
    ``disaggregation/prefill.py`` at 000c2b9 (``maybe_cache_unfinished_req``), TensorRT-LLM pull request 6683 for what
    prefill servers keep; checked: 2026-11-30; tests hold it against a run of every token a step.
    Leaves out: which link of which replicas a cache takes, prompts in chunks that share a step, prompts that wait since
    caches that wait for a link fill the prefill side, and what decode replicas keep from turn to turn and need not
    fetch, or send back.
    """
    return _Run(stream, stations, requests, uncounted).run()
