"""Replicas that compute prompts for others to answer: their lines, and what each keeps of prompts that it computed."""

from collections import deque
from dataclasses import dataclass

from llm_calc.core.workloads.blocks import contexts_of
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import Stream


@dataclass(slots=True, eq=False)
class Job:
    """One request; ``known_tokens``, ``found_tokens``: what some prompt before had of its own, and what is still there.

    ``home``: the prefill replica that computes it, of a later turn the one that computed those before; ``number``: its
    place among all that came.
    """

    session: int
    turn: int
    kind: int
    arrival_s: float
    prompt_tokens: float
    output_tokens: float
    known_tokens: float = 0.0
    found_tokens: float = 0.0
    home: int | None = None
    number: int = 0
    first_s: float = 0.0


class Prefills:
    """Prefill replicas with a line for prompts that any may compute, and one of each for those that it has known.

    Choice: prompts of a session go to the replica that computed those before, as routers that know of caches send
    them; others to the replica that is free for longest. Where nothing is kept any replica computes any prompt.
    """

    def __init__(self, stream: Stream, stations: Stations) -> None:
        self.stations = stations
        self.free = dict.fromkeys(range(stations.prefills))
        self.line = deque[Job]()
        self.own = [deque[Job]() for _ in range(stations.prefills)]
        room, group = stations.room, stations.sessions_together * stations.sessions_kept_for
        self.caches = [contexts_of(room, stream, group) for _ in self.own] if room else []
        self.came = 0
        self.at_s = self.tokens_s = self.sessions_s = 0.0
        self.tokens, self.sessions = 0.0, 0

    def home_of(self, session: int) -> int | None:
        """Where a session is that has begun before the run [1].

        ``session - prefills x floor(session / prefills)``; none where nothing is kept.
        Definition: replicas take sessions in turn.
        Leaves out: which had room for it.
        """
        return session % len(self.own) if self.caches else None

    def had(self, session: int, home: int | None, prompt: float) -> None:
        """A prompt was computed before the run."""
        if self.caches and home is not None:
            before = self._kept(home)
            self.caches[home].computed()
            self.caches[home].remember(session, prompt)
            self._count(home, *before)

    def come(self, job: Job) -> bool:
        """A prompt comes: whether a replica is free for it, else it joins a line."""
        self.came += 1
        job.number = self.came
        able = self.free if job.home is None else self.free.keys() & {job.home}
        if not able:
            line = self.line if job.home is None else self.own[job.home]
            line.append(job)
            return False
        self._take(job, next(iter(able)))
        return True

    def begin(self, now: float, job: Job) -> None:
        """A replica begins with a prompt, of which it finds what it has."""
        if job.home is None or not self.caches:
            job.known_tokens = job.found_tokens = job.prompt_tokens * self.stations.cached_fraction
            return
        cache, before = self.caches[job.home], self._kept(job.home)
        self._account(now)
        reserve = cache.reserve(job.session, job.prompt_tokens, 0.0)
        job.found_tokens = sum(cache.enter(job.session, job.prompt_tokens, reserve, 0.0))
        self._count(job.home, *before)

    def computed(self, job: Job) -> None:
        """A prompt was computed; others that come find the beginning that all share."""
        if self.caches and job.home is not None:
            self.caches[job.home].computed()

    def sent(self, now: float, job: Job) -> None:
        """A cache has arrived at the other side: what its prompt took is kept as far as there is room."""
        if not self.caches or job.home is None:
            return
        self._account(now)
        before = self._kept(job.home)
        self.caches[job.home].leave(job.session, job.prompt_tokens, 1.0, 0.0, 0.0)
        self._count(job.home, *before)

    def freed(self, replica: int) -> list[Job]:
        """A replica is free: the prompt that it takes next if any waits, the first of its own and the common line."""
        lines = [line for line in (self.own[replica], self.line) if line]
        if not lines:
            self.free[replica] = None
            return []
        job = min(lines, key=lambda line: line[0].number).popleft()
        self._take(job, replica)
        return [job]

    def _take(self, job: Job, replica: int) -> None:
        self.free.pop(replica, None)
        job.home = replica

    def restart(self, now: float) -> None:
        """Means are taken from here on."""
        self._account(now)
        self.tokens_s = self.sessions_s = 0.0

    def means(self, now: float, elapsed_s: float) -> tuple[float, float]:
        """What is kept of prompts of idle sessions, and of how many [tokens, 1].

        ``time integral / elapsed``.
        Definition: means over time.
        Leaves out: nothing.
        """
        self._account(now)
        return self.tokens_s / elapsed_s, self.sessions_s / elapsed_s

    def _kept(self, replica: int) -> tuple[float, int]:
        idle = self.caches[replica].idle
        return idle.total, len(idle.lengths)

    def _count(self, replica: int, tokens: float, sessions: int) -> None:
        now = self._kept(replica)
        self.tokens += now[0] - tokens
        self.sessions += now[1] - sessions

    def _account(self, now: float) -> None:
        self.tokens_s += (now - self.at_s) * self.tokens
        self.sessions_s += (now - self.at_s) * self.sessions
        self.at_s = now
