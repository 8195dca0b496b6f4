"""What is kept of prompts whose blocks are named, as recorded traces name them: equal names are equal beginnings."""

from collections.abc import Sequence

from llm_calc.core.workloads.kept import Contexts, Kept, LowerTier
from llm_calc.core.workloads.stream import Room, Stream


class NamedBlocks:
    """The memory of a deployment block by block: those of running requests, those kept, and the tiers below.

    In place of :class:`.kept.Contexts`, whose sessions share one beginning and nothing else. A block counts as there
    once a request that has it has entered: prompts are computed in the order in which they enter.
    """

    def __init__(self, room: Room, stream: Stream) -> None:
        self.room, self.block, self.names = room, stream.block_tokens, stream.blocks
        self.capacity = room.capacity_tokens
        self.idle = Kept(self.block)
        self.tiers = [LowerTier(tier, self.block, 1.0) for tier in room.tiers]
        self.users: dict[int, int] = {}
        self.answers: dict[int, float] = {}
        self.answers_tokens = 0.0

    def reserve(self, session: int, prompt: float, output: float) -> float:
        """What must be free for a request: blocks that no running one has, and room for its answer [tokens].

        ``new blocks x block + output``.
        Definition: a block that several requests have is there once.
        """
        names, wanted = self.names[session], max(prompt, 0.0)
        new = sum(1 for name in names if name not in self.users)
        self.answers[session] = output + max(0.0, wanted - len(names) * self.block)
        return new * self.block + self.answers[session]

    def admits(self, reserve: float) -> bool:
        """Whether running requests leave room for one more; one always has."""
        return not self.users or self._held() + self.answers_tokens + reserve <= self.capacity

    def enter(
        self,
        session: int,
        prompt: float,
        reserve: float,  # noqa: ARG002 - as Contexts takes it
        written: float,
    ) -> tuple[float, ...]:
        """A request enters: what of its prompt lies on the GPU and in each tier below [tokens].

        ``min(blocks from the first on that are there x block, prompt - 1)``: the last token has to be computed for its
        logits. ``reserve`` is not needed; ``written``: tokens of answers that running requests have so far.
        Definition: the beginning that is there without a gap; a lower tier gives what those above it have not.
        """
        names = self.names[session]
        found = self._found(names, prompt - 1)
        for name in names:
            self.idle.take(name)
            self.users[name] = self.users.get(name, 0) + 1
        for tier in self.tiers:
            _store(tier, names)
        self.answers_tokens += self.answers[session]
        self._make_room(written)
        return found

    def computed(self) -> None:
        """Blocks are there since their request entered."""

    def leave(
        self,
        session: int,
        prompt: float,  # noqa: ARG002 - as Contexts takes it
        output: float,  # noqa: ARG002
        reserve: float,  # noqa: ARG002
        written: float,
    ) -> None:
        """A request is answered: its blocks are kept as the most recently used, the last of them the first to go."""
        self.answers_tokens -= self.answers.pop(session)
        for name in reversed(self.names[session]):
            self.users[name] -= 1
            if not self.users[name]:
                del self.users[name]
                self.idle.keep(name, self.block)
        self._make_room(written)

    def remember(self, session: int, context: float, written: float = 0.0) -> None:
        """Requests of a trace have no later turns of their own."""

    def _found(self, names: Sequence[int], most: float) -> tuple[float, ...]:
        reached, found = 0, list[float]()
        for place in range(1 + len(self.tiers)):
            before = reached
            while reached < len(names) and self._has(place, names[reached]):
                reached += 1
            found.append(min(reached * self.block, most) - min(before * self.block, most))
        return tuple(found)

    def _has(self, place: int, name: int) -> bool:
        if place:
            return name in self.tiers[place - 1].kept.lengths
        return name in self.users or name in self.idle.lengths

    def _held(self) -> float:
        return len(self.users) * self.block

    def _make_room(self, written: float) -> None:
        self.idle.trim(self.capacity - self._held() - written)


def _store(tier: LowerTier, names: Sequence[int]) -> None:
    for name in reversed(names):
        tier.store(name, tier.kept.block)


def most_found_fraction(stream: Stream, prompts: Sequence[float]) -> float:
    """Part of all prompt tokens that some request before had, in the order in which they come [1].

    ``sum of min(blocks from the first on that came before x block, prompt - 1) / sum of prompts``.
    Definition: what a cache that keeps everything gives.
    """
    before, found = set[int](), 0.0
    for names, prompt in zip(stream.blocks, prompts, strict=False):
        reached = next((at for at, name in enumerate(names) if name not in before), len(names))
        found += min(reached * stream.block_tokens, prompt - 1)
        before.update(names)
    return found / max(sum(prompts), 1.0)


def contexts_of(room: Room, stream: Stream, group: float) -> Contexts | NamedBlocks:
    """What is kept: by the names of blocks where they are known and looked at, else by sessions."""
    if stream.blocks and room.keeps and room.stated_fraction is None:
        return NamedBlocks(room, stream)
    return Contexts(room, stream.shared_tokens, group)
