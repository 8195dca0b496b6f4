"""An engine with nothing left out for speed: every token a step, every block of the cache by itself.

Written apart from ``core.workloads``: it shares with it the draws of a load and the time of one step, nothing else. A
block is known by what it holds; those that no request uses stay in a list, the least recently used first, and are taken
from its front when a block is needed. An answered request frees its blocks from the last to the first.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.traffic import Scheduling
from llm_calc.core.workloads.run import NEXT_SESSION
from llm_calc.core.workloads.stream import Room, Stream

Block = tuple[int, int]
SHARED = -1


@dataclass
class Request:
    """One turn, and which of its tokens have been computed."""

    session: int
    kind: int
    turn: int
    arrival_s: float
    prompt: int
    output: int
    computed: int = 0
    found: tuple[int, ...] = ()
    begun_at: int = 0
    made: int = 0
    reserve: int = 0
    held: list[Block] = field(default_factory=list)
    first_s: float = 0.0
    ttft_s: float = 0.0


@dataclass
class Blocks:
    """The cache of the GPU, block by block."""

    capacity: int
    used: dict[Block, int] = field(default_factory=dict)
    free: "OrderedDict[Block, None]" = field(default_factory=OrderedDict)
    computed: set[Block] = field(default_factory=set)

    def has(self, block: Block) -> bool:
        return block in self.free or (block in self.used and block in self.computed)

    def hold(self, block: Block) -> None:
        """A request uses a block, which may be new."""
        self.free.pop(block, None)
        self.used[block] = self.used.get(block, 0) + 1
        self.squeeze()

    def squeeze(self) -> None:
        while self.free and len(self.used) + len(self.free) > self.capacity:
            self.free.popitem(last=False)

    def release(self, block: Block, *, whole: bool) -> None:
        """A request needs a block no more; one that is filled may serve others."""
        self.used[block] -= 1
        if not self.used[block]:
            del self.used[block]
            self.computed.discard(block)
            if whole:
                self.free[block] = None


class Reference:
    """One run."""

    def __init__(self, clock: StepClock, stream: Stream, rules: Scheduling, room: Room, limit: float) -> None:
        self.clock, self.stream, self.rules, self.room, self.limit = clock, stream, rules, room, limit
        self.size = int(room.block_tokens)
        self.cache = Blocks(int(room.capacity_tokens // self.size))
        self.shared = int(stream.shared_tokens) // self.size if room.keeps else 0
        self.tiers: list[OrderedDict[Block, None]] = [OrderedDict() for _ in room.tiers]
        self.link_free_s = [0.0 for _ in room.tiers]
        self.now = 0.0
        self.coming: list[Request] = []
        self.loading: list[tuple[float, Request]] = []
        self.waiting: list[Request] = []
        self.filling: list[Request] = []
        self.running: list[Request] = []
        self.rows: list[dict[str, float]] = []

    # What comes.

    def request(self, session: int, turn: int, at_s: float) -> Request:
        number = self.stream.class_of(session)
        kind = self.stream.classes[number]
        prompt, output = kind.prompt_tokens(session, turn), kind.output_tokens(session, turn)
        return Request(session, number, turn, at_s, int(prompt), int(output))

    def start(self) -> None:
        for session, at_s in enumerate(self.stream.arrivals_s):
            self.coming.append(self.request(session, 0, at_s))
        for slot in range(self.stream.slots):
            kind = self.stream.classes[self.stream.class_of(slot)]
            turn = int(slot * kind.turns / self.stream.slots) if kind.turns > 1 else 0
            if turn and self.room.keeps:
                before = self.request(slot, turn - 1, 0.0)
                for block in reversed(list(self.blocks(slot, before.prompt + before.output - 1))):
                    self.cache.free.pop(block, None)
                    self.cache.free[block] = None
                    self.write(block)
                self.cache.squeeze()
            self.coming.append(self.request(slot, turn, kind.pause_s(slot, turn) if turn else 0.0))

    def blocks(self, session: int, tokens: int) -> Iterator[Block]:
        """The whole blocks of a context."""
        for number in range(tokens // self.size):
            yield (SHARED if number < self.shared else session, number)

    def write(self, block: Block) -> None:
        for tier, kept in zip(self.room.tiers, self.tiers, strict=True):
            kept.pop(block, None)
            kept[block] = None
            while len(kept) > tier.capacity_tokens // self.size:
                kept.popitem(last=False)

    # One step.

    def run(self, requests: int, uncounted: int) -> list[dict[str, float]]:
        self.start()
        while len(self.rows) < requests + uncounted:
            if not (self.coming or self.loading or self.waiting or self.filling or self.running):
                break
            self.arrive()
            self.admit()
            if self.filling or self.running:
                self.step()
            else:
                times = [each.arrival_s for each in self.coming] + [at for at, _ in self.loading]
                self.now = max(self.now, min(times))
        return self.rows[uncounted:]

    def arrive(self) -> None:
        here = sorted((each for each in self.coming if each.arrival_s <= self.now), key=lambda r: r.arrival_s)
        self.coming = [each for each in self.coming if each.arrival_s > self.now]
        self.waiting += here
        self.filling += [each for at, each in sorted(self.loading, key=lambda p: p[0]) if at <= self.now]
        self.loading = [(at, each) for at, each in self.loading if at > self.now]

    def admit(self) -> None:
        while self.waiting:
            one = self.waiting[0]
            active = [*self.running, *self.filling, *(each for _, each in self.loading)]
            if len(active) >= self.limit:
                return
            tokens = one.prompt + self.rules.reserved_fraction * one.output
            one.reserve = ceil((tokens - min(self.shared * self.size, one.prompt)) / self.size)
            reserved = sum(each.reserve for each in active) + self.shared
            if active and reserved + one.reserve > self.cache.capacity:
                return
            self.enter(self.waiting.pop(0))

    def enter(self, one: Request) -> None:
        present = list(self.blocks(one.session, one.prompt - 1)) if self.room.keeps else []
        here = 0
        while here < len(present) and self.cache.has(present[here]):
            here += 1
        found, ready_s = [here], self.now
        for number, kept in enumerate(self.tiers):
            reached = sum(found)
            more = reached
            while more < len(present) and present[more] in kept:
                more += 1
            found.append(more - reached)
            if more > reached:
                seconds = (more - reached) * self.size / self.room.tiers[number].tokens_per_s
                self.link_free_s[number] = max(self.now, self.link_free_s[number]) + seconds
                ready_s = max(ready_s, self.link_free_s[number])
        one.found = tuple(each * self.size for each in found)
        one.computed = one.begun_at = sum(one.found)
        for block in present[: sum(found)]:
            self.cache.hold(block)
            self.cache.computed.add(block)
            one.held.append(block)
        for kept in self.tiers:  # what is read is used
            for block in reversed(present[: sum(found)]):
                if block in kept:
                    kept.move_to_end(block)
        self.grow(one, one.prompt)
        if ready_s > self.now:
            self.loading.append((ready_s, one))
        else:
            self.filling.append(one)

    def grow(self, one: Request, tokens: int) -> None:
        """Blocks for so many tokens of a request."""
        for number in range(len(one.held), ceil(tokens / self.size)):
            block = (SHARED if number < self.shared else one.session, number)
            self.cache.hold(block)
            one.held.append(block)

    def step(self) -> None:
        decoding = self.running if self.rules.policy == "mixed" or not self.filling else []
        room = max(self.rules.budget_tokens - len(decoding), 1)
        parts = []
        for one in self.filling:
            part = int(min(one.prompt - one.computed, room))
            if part <= 0:
                break
            parts.append((one, part))
            room -= part
        contexts = [each.prompt + each.made for each in decoding]
        mean = sum(contexts) / len(contexts) if contexts else 0.0
        if parts:
            start = max(each.computed for each, _ in parts)
            taken = float(sum(part for _, part in parts))
            seconds = self.clock.mixed_s(len(decoding), mean, taken, float(len(parts)), float(start))
        else:
            seconds = self.clock.decode_s(len(decoding), mean)
        self.now += seconds
        for one in list(decoding):
            self.token(one)
        for one, part in parts:
            self.advance(one, part)

    def advance(self, one: Request, part: int) -> None:
        one.computed += part
        self.cache.computed.update(one.held[: one.computed // self.size])
        if one.computed < one.prompt:
            return
        self.filling.remove(one)
        self.running.append(one)
        one.first_s, one.ttft_s, one.made = self.now, self.now - one.arrival_s, 1
        self.finish(one)

    def token(self, one: Request) -> None:
        one.made += 1
        self.grow(one, one.prompt + one.made - 1)
        self.finish(one)

    def finish(self, one: Request) -> None:
        if one.made < one.output:
            return
        self.running.remove(one)
        context = one.prompt + one.output - 1
        for number in reversed(range(len(one.held))):
            whole = (number + 1) * self.size <= context and self.room.keeps
            self.cache.release(one.held[number], whole=whole)
            if whole:
                self.write(one.held[number])
        self.cache.squeeze()
        tpot = (self.now - one.first_s) / (one.output - 1) if one.output > 1 else float("nan")
        self.rows.append(
            {"ttft": one.ttft_s, "tpot": tpot, "prompt": one.prompt, "turn": one.turn, "kind": one.kind}
            | {f"found{number}": tokens for number, tokens in enumerate(one.found)}
        )
        kind = self.stream.classes[one.kind]
        if one.turn + 1 < kind.turns:
            at_s = self.now + kind.pause_s(one.session, one.turn + 1)
            self.coming.append(self.request(one.session, one.turn + 1, at_s))
        elif self.stream.slots:
            self.coming.append(self.request(one.session + NEXT_SESSION, 0, self.now))
