"""What is kept of conversations between their turns.

The least recently used contexts leave first, their ends before their beginnings.
"""

from math import ceil

from llm_calc.core.workloads.stream import Room, Tier

SHARED = -1
"""The key of the beginning that all sessions share."""


class Kept:
    """Contexts of idle sessions in one memory, the least recently used first, in whole blocks.

    Engines free the blocks of an answered request from its end, so that of two that were used at the same time the
    later part of a conversation leaves first. This is block by block what a least-recently-used list of blocks does.
    """

    __slots__ = ("block", "lengths", "total")

    def __init__(self, block_tokens: float) -> None:
        self.block = block_tokens
        self.lengths: dict[int, float] = {}
        self.total = 0.0

    def keep(self, key: int, tokens: float) -> None:
        """A context is the most recently used one."""
        self.take(key)
        if tokens > 0:
            self.lengths[key] = tokens
            self.total += tokens

    def take(self, key: int) -> float:
        """A context leaves the list, for a request that uses it; 0 where there is none [tokens].

        Definition: what was kept of it.
        """
        tokens = self.lengths.pop(key, 0.0)
        self.total -= tokens
        return tokens

    def trim(self, most_tokens: float) -> None:
        """Drops the least recently used until so many are left."""
        while self.total > most_tokens and self.lengths:
            key = next(iter(self.lengths))
            excess = self.total - max(most_tokens, 0.0)
            left = (self.lengths[key] - excess) // self.block * self.block
            if left > 0:
                self.total -= self.lengths[key] - left
                self.lengths[key] = left
            else:
                self.take(key)


class LowerTier:
    """One memory below the GPU's with the contexts that it has copies of."""

    def __init__(self, tier: Tier, block_tokens: float, group: float) -> None:
        self.capacity = tier.capacity_tokens / group
        self.seconds_per_token = group / tier.tokens_per_s
        self.kept = Kept(block_tokens)

    def store(self, key: int, tokens: float) -> None:
        """A context was written, or what there is of it used."""
        self.kept.keep(key, max(tokens, self.kept.lengths.get(key, 0.0)))
        self.kept.trim(self.capacity)


class Contexts:
    """The memory of a deployment: what running requests hold, what is kept of idle sessions, and the tiers below.

    All sizes are those of one of ``group`` sessions that move together.
    """

    def __init__(self, room: Room, shared_tokens: float, group: float) -> None:
        self.room, self.block, self.group = room, room.block_tokens, group
        self.capacity = room.capacity_tokens / group
        self.shared = shared_tokens // self.block * self.block if room.keeps else 0.0
        self.charge = self.shared / group
        self.idle = Kept(self.block)
        follows = room.keeps and room.stated_fraction is None
        self.tiers = [LowerTier(tier, self.block, group) for tier in room.tiers] if follows else []
        self.held = self.prompts = 0.0
        self.active = 0
        self.shared_ready = False

    def reserve(self, session: int, prompt: float, output: float) -> float:  # noqa: ARG002 - as NamedBlocks takes it
        """What must be free for a request, ``output`` of its answer with it [tokens].

        Definition: as :meth:`own`, of prompt and answer.
        """
        return self.own(prompt + output)

    def admits(self, reserve: float) -> bool:
        """Whether running requests leave room for one more; one always has."""
        return not self.active or self.held + reserve + self.charge <= self.capacity

    def enter(self, session: int, prompt: float, reserve: float, written: float) -> tuple[float, ...]:
        """A request enters: what of its prompt lies on the GPU and in each tier below [tokens].

        ``min(shared + own, prompt - 1)``: the last token has to be computed for its logits. ``written``: tokens of
        answers that running requests have so far.
        Definition: the beginning that is there without a gap; a lower tier gives what those above it have not.
        """
        self.make_room(written)
        stated = self.room.stated_fraction
        if stated is None and self.room.keeps:
            found = self._found(session, prompt - 1)
        else:
            found = (min(prompt * (stated or 0.0), prompt - 1), *(0.0,) * len(self.room.tiers))
        self.idle.take(SHARED)
        self.active += 1
        self.held += reserve
        self.prompts += self.own(prompt)
        self.make_room(written)
        return found

    def own(self, prompt: float) -> float:
        """What of a prompt a request has for itself, in whole blocks [tokens].

        ``ceil((prompt - shared) / block) x block``.
        Definition: the shared beginning is there once.
        """
        return ceil(max(0.0, prompt - self.shared) / self.block) * self.block

    def _found(self, session: int, most: float) -> tuple[float, ...]:
        own, start = self.idle.take(session), self.shared if self.shared_ready else 0.0
        reached = min(start + own, most)
        found = [reached]
        for tier in self.tiers:
            tier.store(session, 0.0)
            tier.store(SHARED, 0.0)
            shared = tier.kept.lengths.get(SHARED, 0.0) * self.group
            there = min(shared + tier.kept.lengths.get(session, 0.0), most)
            found.append(max(0.0, there - reached))
            reached = max(reached, there)
        return tuple(found)

    def computed(self) -> None:
        """A prompt was computed, and with it the beginning that all share."""
        self.shared_ready = self.shared > 0

    def leave(self, session: int, prompt: float, output: float, reserve: float, written: float) -> None:
        """A request is answered: its context is kept as the most recently used one, as far as there is room."""
        self.held -= reserve
        self.prompts -= self.own(prompt)
        self.active -= 1
        if self.room.keeps:
            self.remember(session, prompt + output - 1, written)

    def remember(self, session: int, context: float, written: float = 0.0) -> None:
        """A context that was computed, of a session that waits for its next turn."""
        own = (context - self.shared) // self.block * self.block
        self.idle.keep(session, own)
        for tier in self.tiers:
            tier.store(session, own)
            tier.store(SHARED, self.charge)
        if not self.active and self.shared_ready:
            self.idle.keep(SHARED, self.charge)
        self.make_room(written)

    def make_room(self, written: float) -> None:
        """Idle contexts leave for what running requests have of prompts and answers, half a block more each."""
        pinned = self.charge + self.active * (self.block - 1) / 2 if self.active else 0.0
        self.idle.trim(self.capacity - self.prompts - written - pinned)
        if not self.active and self.idle.lengths.get(SHARED, 0.0) < self.charge:
            self.idle.take(SHARED)
            self.shared_ready = False
