"""A serving engine under a stream of sessions, simulated from event to event.

As :mod:`llm_calc.core.serving.scheduler`, of which it keeps the rules (chunks, budgets, what a request reserves), with
what that leaves out: prompts that grow from turn to turn, pauses between turns, contexts that stay in memory until
others need the room, and memories below the GPU's from which they are read back. Of many sessions several
move together as one (``stream.slots_of``).

``stream.RequestClass`` says how one kind of requests is drawn, ``stream.Stream`` what comes (sessions always alive, or
arrivals), ``stream.Room`` where contexts lie. A request of a plain closed loop is a session of one turn.
"""

from collections import deque
from heapq import heappop, heappush
from math import inf, nan

from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.run import mean_start
from llm_calc.core.serving.traffic import Scheduling
from llm_calc.core.workloads.blocks import contexts_of
from llm_calc.core.workloads.patience import Watch
from llm_calc.core.workloads.stream import Room, Stream, slots_of
from llm_calc.core.workloads.turns import Seen, Turn, encoding_of, seen_of

_DONE = 1e-6
NEXT_SESSION = 3149
"""From the number of a slot's session to that of its next: levels of a slot's sessions are as even as those of all."""


class _Run:
    """State of one simulated run."""

    def __init__(
        self,
        clock: StepClock,
        stream: Stream,
        rules: Scheduling,
        room: Room,
        limit: float,
        watch: Watch | None,
    ) -> None:
        self.clock, self.stream, self.rules, self.watch = clock, stream, rules, watch
        self.slots = slots_of(stream, room, limit)
        self.group = stream.slots / self.slots if self.slots else 1.0
        self.limit = max(1.0, limit / self.group)
        self.contexts = contexts_of(room, stream, self.group)
        self.now = self.context = self.begun_prompts = self.busy = self.counted_s = self.kept_s = (
            self.idle_s
        ) = 0.0
        self.tick = self.entered = self.uncounted = 0
        self.link_free_s = [0.0] * len(self.contexts.tiers)
        self.arrivals = enumerate(stream.arrivals_s)
        self.coming: list[tuple[float, int, Turn]] = []
        self.waiting: deque[Turn] = deque()
        self.filling: deque[Turn] = deque()
        self.loading = 0
        self.running: list[tuple[float, int, Turn]] = []
        self.rows: list[tuple[float, ...]] = []

    def serve(self, requests: int, uncounted: int = 0) -> Seen:
        """Runs until so many requests have been answered after the first few, which are not counted."""
        self.start()
        wanted, self.uncounted = requests + uncounted, uncounted
        while len(self.rows) < wanted and (self.coming or self.waiting or self.filling or self.running):
            if len(self.rows) < uncounted:
                self.counted_s = self.busy = self.kept_s = self.idle_s = 0.0
            self.arrive()
            self.admit()
            if self.filling:
                self.fill()
            elif self.running:
                self.decode()
            elif self.coming:
                self.wait()
            self.finish()
        return self.seen(uncounted)

    def start(self) -> None:
        """Sessions that are alive stand at turns spread evenly over a session; arrivals come when they come."""
        self.next_arrival()
        for slot in range(self.slots):
            kind = self.stream.classes[self.stream.class_of(slot)]
            self.open(slot, 0.0, int(slot * kind.turns / self.slots) if kind.turns > 1 else 0)

    def next_arrival(self) -> None:
        """One arrival at a time waits among what comes, so that a run that ends early has drawn no more than it saw."""
        if (found := next(self.arrivals, None)) is not None:
            self.open(*found, 0)

    def open(self, session: int, at_s: float, turn: int) -> None:
        """A session begins, or is found at a later turn with its context in memory."""
        number, before = self.stream.class_of(session), self.stream.shared_tokens + 1
        kind = self.stream.classes[number]
        if turn:
            before = kind.prompt_tokens(session, turn - 1) + kind.output_tokens(session, turn - 1)
            if self.contexts.room.keeps:
                self.contexts.computed()
                self.contexts.remember(session, before - 1)
            at_s += kind.pause_s(session, turn)
        prompt, output = kind.prompt_tokens(session, turn), kind.output_tokens(session, turn)
        self.await_turn(Turn(session, number, turn, at_s, prompt, output, min(before, prompt) - 1), at_s)

    def await_turn(self, turn: Turn, at_s: float) -> None:
        """A request will be there at a time: it arrives, or what it reads back has come."""
        self.entered += 1
        heappush(self.coming, (at_s, self.entered, turn))

    def arrive(self) -> None:
        """Takes in what has come."""
        while self.coming and self.coming[0][0] <= self.now:
            turn = heappop(self.coming)[2]
            if turn.found:
                self.loading -= 1
                self.filling.append(turn)
            else:
                self.waiting.append(turn)
                if turn.turn == 0 and not self.slots:
                    self.next_arrival()

    def wait(self) -> None:
        """An idle engine waits for what comes next, and keeps what it has."""
        until_s = max(self.now, self.coming[0][0])
        self.account(until_s - self.now, 0)
        self.now = until_s

    def admit(self) -> None:
        """Requests enter in order while the cache and the engine's limit have room; one always does."""
        while self.waiting and len(self.running) + len(self.filling) + self.loading < self.limit:
            turn = self.waiting[0]
            answer = self.rules.reserved_fraction * turn.output_tokens
            turn.reserve_tokens = self.contexts.reserve(turn.session, turn.prompt_tokens, answer)
            if not self.contexts.admits(turn.reserve_tokens):
                return
            self.waiting.popleft()
            turn.found = self.contexts.enter(
                turn.session, turn.prompt_tokens, turn.reserve_tokens, self.context - self.begun_prompts
            )
            turn.left_tokens = turn.whole_tokens = max(1.0, turn.prompt_tokens - sum(turn.found)) * self.group
            ready_s = self.loaded_s(turn)
            if ready_s > self.now:
                self.loading += 1
                self.await_turn(turn, ready_s)
            else:
                self.filling.append(turn)

    def loaded_s(self, turn: Turn) -> float:
        """When what lies below the GPU's memory has come: each tier sends one context after another [s].

        ``max(now, link free) + tokens x seconds a token``.
        Definition: a link that is busy with one context at a time.
        """
        ready = self.now
        for number, tier in enumerate(self.contexts.tiers):
            if turn.found[number + 1] > 0:
                begins = max(self.now, self.link_free_s[number])
                self.link_free_s[number] = begins + turn.found[number + 1] * tier.seconds_per_token
                ready = max(ready, self.link_free_s[number])
        return ready

    def fill(self) -> None:
        """One step that carries prompt tokens, up to the budget; many alike for a very long prompt; images before."""
        decoding = len(self.running) if self.rules.policy == "mixed" else 0
        room = max(self.rules.budget_tokens - decoding * self.group / self.rules.replicas, 1.0)
        parts = self.chunks(room)
        prompts = sum(max(1.0, part * self.group / turn.whole_tokens) for turn, part in parts)
        taken, start = sum(part for _, part in parts), max(self.begun(turn) for turn, _ in parts)
        mean = self.context / len(self.running) if decoding else 0.0
        encoding_s = self.group * encoding_of(self.stream, (turn for turn, _ in parts))
        step_s = self.clock.mixed_s(decoding, mean, taken, prompts, start) + encoding_s
        steps = 1 if encoding_s else self.alike(parts, decoding, step_s)
        if steps > 1:
            turn, cached = parts[0][0], sum(parts[0][0].found)
            start = mean_start(start, cached, turn.whole_tokens / self.group, taken / prompts, steps)
            step_s = self.clock.mixed_s(decoding, mean, taken, prompts, start)
        self.account(steps * step_s, len(self.running))
        self.now += steps * step_s
        if decoding:
            self.tick += steps
            self.context += steps * decoding * self.rules.tokens_per_step
        for turn, part in parts:
            self.progress(turn, steps * part)

    def chunks(self, room: float) -> list[tuple[Turn, float]]:
        """What the next step takes of each prompt, in order, up to ``room`` tokens on each replica."""
        parts: list[tuple[Turn, float]] = []
        most, room = room * min(self.rules.replicas, self.group), room * self.rules.replicas
        for turn in self.filling:
            part = min(turn.left_tokens, most, room)
            if part <= 0:
                break
            if turn.left_tokens == turn.whole_tokens:
                turn.began_s = self.now
            parts.append((turn, part))
            room -= part
        return parts

    def alike(self, parts: list[tuple[Turn, float]], decoding: int, step_s: float) -> int:
        """Steps that take the same chunks before anything else happens."""
        whole = min(int(turn.left_tokens // part) for turn, part in parts)
        until = self.running[0][0] - self.tick if decoding else inf
        comes = (self.coming[0][0] - self.now) / step_s + 1 if self.coming else inf
        return max(1, int(min(whole, until, comes)))

    def begun(self, turn: Turn) -> float:
        """Tokens of a prompt that stand before its next chunk."""
        return sum(turn.found) + (turn.whole_tokens - turn.left_tokens) % (turn.whole_tokens / self.group)

    def progress(self, turn: Turn, part: float) -> None:
        """Books a chunk; a request whose prompt is complete has its first token."""
        turn.left_tokens -= part
        if turn.left_tokens > _DONE:
            return
        turn.ttft_s = turn.began_s + (self.now - turn.began_s) / self.group - turn.arrival_s
        self.filling.remove(turn)
        self.contexts.computed()
        turn.first_s = self.now
        self.context += turn.prompt_tokens
        self.begun_prompts += turn.prompt_tokens
        self.entered += 1
        ends = self.tick + (turn.output_tokens - 1) / self.rules.tokens_per_step
        heappush(self.running, (ends, self.entered, turn))

    def decode(self) -> None:
        """All steps until the next sequence ends or the next request arrives."""
        count, growth = len(self.running), self.rules.tokens_per_step
        steps = max(1, int(self.running[0][0] - self.tick + 1 - _DONE))
        step_s = self.clock.decode_s(count, self.context / count + steps * growth / 2)
        until = self.coming[0][0] - self.now if self.coming else inf
        if steps * step_s > until:
            steps = max(1, min(steps, int(until / step_s) + 1))
            step_s = self.clock.decode_s(count, self.context / count + steps * growth / 2)
        self.account(steps * step_s, count)
        self.now += steps * step_s
        self.tick += steps
        self.context += steps * count * growth

    def account(self, seconds: float, count: int) -> None:
        """What means over time are made of."""
        self.counted_s += seconds
        self.busy += seconds * count
        self.kept_s += seconds * self.contexts.idle.total
        self.idle_s += seconds * len(self.contexts.idle.lengths)

    def finish(self) -> None:
        """Sequences that have their last token leave; their sessions have their next turn after a pause."""
        while self.running and self.running[0][0] <= self.tick + _DONE:
            turn = heappop(self.running)[2]
            self.context = max(0.0, self.context - (turn.prompt_tokens + turn.output_tokens - 1))
            self.begun_prompts -= turn.prompt_tokens
            written = self.context - self.begun_prompts
            self.contexts.leave(
                turn.session, turn.prompt_tokens, turn.output_tokens, turn.reserve_tokens, written
            )
            later = turn.output_tokens - 1
            tpot = (self.now - turn.first_s) / later if later > 0 else nan
            row = (turn.ttft_s, tpot, self.now - turn.arrival_s, turn.prompt_tokens, turn.output_tokens)
            self.rows.append((turn.kind, turn.turn, *row, turn.arrival_s, turn.known_tokens, *turn.found))
            if self.watch is not None and len(self.rows) > self.uncounted:
                self.watch.see(turn.ttft_s, tpot)
            self.follow(turn)

    def follow(self, turn: Turn) -> None:
        """The next turn of the session, or the next session of the slot."""
        kind, number = self.stream.classes[turn.kind], turn.turn + 1
        if number >= kind.turns:
            if self.slots:
                self.open(turn.session + NEXT_SESSION, self.now, 0)
            return
        at_s, before = self.now + kind.pause_s(turn.session, number), turn.prompt_tokens + turn.output_tokens
        prompt = before + kind.new_tokens(turn.session, number)
        output = kind.output_tokens(turn.session, number)
        self.await_turn(Turn(turn.session, turn.kind, number, at_s, prompt, output, before - 1), at_s)

    def seen(self, uncounted: int) -> Seen:
        """All counted requests as arrays, and the means over time."""
        elapsed = max(self.counted_s, 1e-12)
        means = (each / elapsed * self.group for each in (self.kept_s, self.idle_s, self.busy))
        return seen_of(self.rows[uncounted:], elapsed, *means)


def simulate(
    clock: StepClock,
    stream: Stream,
    rules: Scheduling,
    room: Room,
    limit: float = inf,
    *,
    requests: int,
    uncounted: int = 0,
    watch: Watch | None = None,
) -> Seen:
    """One run until so many requests are answered after the first ``uncounted`` ones [s, tokens].

    ``now <- now + steps x step_s`` from event to event; ``read back: max(now, link free) + tokens x seconds a token``.
    Source: as :func:`llm_calc.core.serving.scheduler.simulate`; vLLM 0.33.0
    ``v1/core/single_type_kv_cache_manager.py`` for blocks; checked: 2026-11-30; tests hold it against a run of every
    token a step and every block.
    Leaves out: preemption, priorities, and beginnings that some sessions share and others do not.
    """
    return _Run(clock, stream, rules, room, limit, watch).serve(requests, uncounted)
