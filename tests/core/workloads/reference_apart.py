"""Prefill and decode apart with nothing left out for speed: a clock that goes from step to step of every replica.

What prefill replicas keep is followed token by token: a list of names of tokens, the least recently used first.
Written apart from ``core.workloads.apart``: it shares with it the draws of a load and the times of a prompt, a
transfer and a step, nothing else. Every replica that decodes makes one step after another; each gives every
answer in it a token.
"""

from dataclasses import dataclass, field
from math import inf

from llm_calc.core.workloads.run import NEXT_SESSION
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import Stream


@dataclass(eq=False)
class Request:
    """One turn, and how many tokens of its answer there are."""

    session: int
    kind: int
    turn: int
    arrival_s: float
    prompt: float
    output: int
    home: int | None = None
    found: int = 0
    made: int = 1
    first_s: float = 0.0

    def names(self, shared: int) -> list[tuple[str, int, int]]:
        """A name for every token: those at the beginning that all sessions share, then its own."""
        whose = (("all", 0) if at < shared else ("own", self.session) for at in range(int(self.prompt)))
        return [(*each, at) for at, each in enumerate(whose)]


@dataclass(eq=False)
class Prefiller:
    """A replica: what computes, and its tokens; those of prompts that are there still, and others by their age."""

    capacity: float
    busy: bool = False
    free_s: float = -1.0
    used: dict[tuple[str, int, int], int] = field(default_factory=dict)
    idle: dict[tuple[str, int, int], None] = field(default_factory=dict)
    computed: set[tuple[str, int, int]] = field(default_factory=set)

    def begin(self, names: list[tuple[str, int, int]]) -> int:
        """How many tokens are found; all of them are in use from now on."""
        there = 0
        while there < len(names) - 1 and names[there] in self.computed:
            there += 1
        for name in names:
            self.idle.pop(name, None)
            self.used[name] = self.used.get(name, 0) + 1
        self.drop()
        return there

    def end(self, names: list[tuple[str, int, int]]) -> None:
        """A prompt is at the other side: its tokens are the last used ones, the end of it the first to go."""
        for name in reversed(names):
            self.used[name] -= 1
            if not self.used[name]:
                del self.used[name]
                self.idle[name] = None
        self.drop()

    def drop(self) -> None:
        """The oldest leave."""
        while self.idle and len(self.idle) + len(self.used) > self.capacity:
            name = next(iter(self.idle))
            del self.idle[name]
            self.computed.discard(name)


@dataclass(eq=False)
class Decoder:
    """A replica: what is in its step, when that ends, and what waits for the next."""

    running: list[Request] = field(default_factory=list)
    joining: list[Request] = field(default_factory=list)
    ends_s: float = inf


class ReferenceApart:
    """One run."""

    def __init__(self, stream: Stream, stations: Stations) -> None:
        self.stream, self.stations = stream, stations
        self.coming: list[tuple[float, Request]] = []
        self.line: list[Request] = []
        self.computing: list[tuple[float, Request]] = []
        self.leaving: list[tuple[float, Request]] = []
        self.caches: list[Request] = []
        self.travelling: list[tuple[float, Request]] = []
        self.ready: list[Request] = []
        room = stations.room
        self.shared = int(stream.shared_tokens) if room else 0
        self.prefillers = [Prefiller(room.capacity_tokens if room else 0) for _ in range(stations.prefills)]
        self.decoders = [Decoder() for _ in range(stations.decodes)]
        self.rows: list[dict[str, float]] = []

    def request(self, session: int, turn: int, at_s: float, home: int | None = None) -> None:
        kind = self.stream.class_of(session)
        each = self.stream.classes[kind]
        prompt, output = each.prompt_tokens(session, turn), each.output_tokens(session, turn)
        self.coming.append((at_s, Request(session, kind, turn, at_s, prompt, int(output), home)))

    def run(self, requests: int, uncounted: int = 0) -> list[dict[str, float]]:
        for number, at_s in enumerate(self.stream.arrivals_s):
            self.request(number, 0, at_s)
        for slot in range(self.stream.slots):
            kind = self.stream.classes[self.stream.class_of(slot)]
            turn = slot * kind.turns // self.stream.slots
            home = self.had(slot, turn, kind.prompt_tokens(slot, turn - 1)) if turn else None
            self.request(slot, turn, kind.pause_s(slot, turn) if turn else 0.0, home)
        while len(self.rows) < requests + uncounted:
            self.advance()
        return self.rows[uncounted : requests + uncounted]

    def had(self, session: int, turn: int, prompt: float) -> int | None:
        """A prompt that was computed before the run, where anything is kept."""
        if self.stations.room is None:
            return None
        home = session % len(self.prefillers)
        before = Request(session, 0, turn, 0.0, prompt, 1)
        names, replica = before.names(self.shared), self.prefillers[home]
        replica.begin(names)
        replica.computed.update(names)
        replica.end(names)
        return home

    def start(self, now: float) -> None:
        """Prompts on the replicas that are free for longest: one that a replica has known before waits for that."""
        for request in list(self.line):
            free = [number for number, each in enumerate(self.prefillers) if not each.busy]
            free.sort(key=lambda number: self.prefillers[number].free_s)
            able = free if request.home is None else [each for each in free if each == request.home]
            if not able:
                continue
            self.line.remove(request)
            replica = self.prefillers[able[0]]
            replica.busy = True
            request.home = able[0]
            if self.stations.room:
                request.found = replica.begin(request.names(self.shared))
            seconds = self.stations.prefill_s(request.prompt, float(request.found))
            self.computing.append((now + seconds, request))
            self.leaving.append((now + seconds, request))

    def arrived(self, requests: list[Request]) -> None:
        """Caches are at the other side."""
        for request in requests if self.stations.room else ():
            self.prefillers[request.home or 0].end(request.names(self.shared))
        self.ready += requests

    def advance(self) -> None:
        """To the next moment at which anything comes, is computed, arrives, or ends a step."""
        queues = (self.coming, self.computing, self.leaving, self.travelling)
        due = [at_s for queue in queues for at_s, _ in queue]
        now = min([*due, *(each.ends_s for each in self.decoders)])
        for decoder in self.decoders:
            if decoder.ends_s <= now:
                self.end_step(decoder, now)
        self.line += take(self.coming, now)
        for request in take(self.computing, now):
            replica = self.prefillers[request.home or 0]
            replica.busy, replica.free_s = False, now
            replica.computed.update(request.names(self.shared))
        self.caches += take(self.leaving, now)
        self.arrived(take(self.travelling, now))
        self.start(now)
        self.send(now)
        self.place(now)

    def send(self, now: float) -> None:
        """Caches leave over links that are free; one that takes no time is there at once."""
        while self.caches and len(self.travelling) < self.stations.links:
            request = self.caches.pop(0)
            seconds = self.stations.transfer_s(request.prompt)
            if seconds > 0:
                self.travelling.append((now + seconds, request))
            else:
                self.arrived([request])

    def end_step(self, decoder: Decoder, now: float) -> None:
        for request in decoder.running:
            request.made += 1
        for request in [each for each in decoder.running if each.made >= each.output]:
            decoder.running.remove(request)
            self.answered(request, now)
        decoder.ends_s = inf

    def place(self, now: float) -> None:
        """Answers that wait go to the emptiest replicas; replicas between two steps begin the next one."""
        while self.ready:
            decoder = min(self.decoders, key=lambda each: len(each.running) + len(each.joining))
            if len(decoder.running) + len(decoder.joining) >= self.stations.most:
                break
            request = self.ready.pop(0)
            request.first_s = now
            if request.output == 1:
                self.answered(request, now)
            else:
                decoder.joining.append(request)
        for decoder in self.decoders:
            if decoder.ends_s == inf and (decoder.running or decoder.joining):
                decoder.running += decoder.joining
                decoder.joining = []
                decoder.ends_s = now + self.stations.token_s(len(decoder.running))

    def answered(self, request: Request, now: float) -> None:
        later = request.output - 1
        self.rows.append(
            {
                "ttft": request.first_s - request.arrival_s,
                "tpot": (now - request.first_s) / later if later else 0.0,
                "kind": request.kind,
                "prompt": request.prompt,
                "found": request.found,
            }
        )
        each = self.stream.classes[request.kind]
        if request.turn + 1 < each.turns:
            turn = request.turn + 1
            home = request.home if self.stations.room else None
            self.request(request.session, turn, now + each.pause_s(request.session, turn), home)
        elif self.stream.slots:
            self.request(request.session + NEXT_SESSION, 0, now)


def take(queue: list[tuple[float, Request]], now: float) -> list[Request]:
    """What is due, in the order of its time."""
    due = sorted((each for each in queue if each[0] <= now), key=lambda each: each[0])
    queue[:] = [each for each in queue if each[0] > now]
    return [request for _, request in due]
