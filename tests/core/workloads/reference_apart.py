"""Prefill and decode apart with nothing left out for speed: a clock that goes from step to step of every replica.

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
    made: int = 1
    first_s: float = 0.0


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
        self.decoders = [Decoder() for _ in range(stations.decodes)]
        self.rows: list[dict[str, float]] = []

    def request(self, session: int, turn: int, at_s: float) -> None:
        kind = self.stream.class_of(session)
        each = self.stream.classes[kind]
        prompt, output = each.prompt_tokens(session, turn), each.output_tokens(session, turn)
        self.coming.append((at_s, Request(session, kind, turn, at_s, prompt, int(output))))

    def run(self, requests: int, uncounted: int = 0) -> list[dict[str, float]]:
        for number, at_s in enumerate(self.stream.arrivals_s):
            self.request(number, 0, at_s)
        for slot in range(self.stream.slots):
            kind = self.stream.classes[self.stream.class_of(slot)]
            turn = slot * kind.turns // self.stream.slots
            self.request(slot, turn, kind.pause_s(slot, turn) if turn else 0.0)
        while len(self.rows) < requests + uncounted:
            self.advance()
        return self.rows[uncounted : requests + uncounted]

    def advance(self) -> None:
        """To the next moment at which anything comes, is computed, arrives, or ends a step."""
        queues = (self.coming, self.computing, self.leaving, self.travelling)
        due = [at_s for queue in queues for at_s, _ in queue]
        now = min([*due, *(each.ends_s for each in self.decoders)])
        for decoder in self.decoders:
            if decoder.ends_s <= now:
                self.end_step(decoder, now)
        self.line += take(self.coming, now)
        take(self.computing, now)
        self.caches += take(self.leaving, now)
        self.ready += take(self.travelling, now)
        while self.line and len(self.computing) < self.stations.prefills:
            request = self.line.pop(0)
            seconds = self.stations.prefill_s(request.prompt)
            self.computing.append((now + seconds, request))
            self.leaving.append((now + seconds, request))
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
                self.ready.append(request)

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
            }
        )
        each = self.stream.classes[request.kind]
        if request.turn + 1 < each.turns:
            turn = request.turn + 1
            self.request(request.session, turn, now + each.pause_s(request.session, turn))
        elif self.stream.slots:
            self.request(request.session + NEXT_SESSION, 0, now)


def take(queue: list[tuple[float, Request]], now: float) -> list[Request]:
    """What is due, in the order of its time."""
    due = sorted((each for each in queue if each[0] <= now), key=lambda each: each[0])
    queue[:] = [each for each in queue if each[0] > now]
    return [request for _, request in due]
