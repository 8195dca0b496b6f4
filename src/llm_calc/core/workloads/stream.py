"""What comes to a deployment: classes of requests, alone or as turns of sessions, and where their contexts are kept."""

from dataclasses import dataclass
from math import ceil

from llm_calc.core.workloads.draws import Draw, level_of, pause

ROUNDING = 1e-6
"""Part of a prompt by which sums of draws may differ."""
MOST_SLOTS = 64
"""Sessions that are simulated one by one, however many memory holds."""
LEAST_GROUPS = 32
"""Groups that must find room at once: of few large ones the last that does not fit leaves much of the memory empty."""
ALL_SLOTS = 1024
"""Above so many sessions groups are as large as they have to be, for the time that a run takes."""
_LENGTHS, _OUTPUTS, _PAUSES, _CLASSES = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClass:
    """One kind of requests, ``share_fraction`` of all sessions.

    A session has ``turns`` requests. The first prompt is ``first`` long; each later one is all that came before, the
    last answer included, and ``growth`` more. Between an answer and the next turn pass ``think_s`` on average.
    """

    first: Draw
    output: Draw
    growth: Draw
    share_fraction: float = 1.0
    turns: int = 1
    think_s: float = 0.0

    def new_tokens(self, session: int, turn: int) -> float:
        """What the user or a tool adds in a turn, at least one token [tokens].

        Definition: the quantile of the first prompt, or of the growth.
        """
        draw = self.first if turn == 0 else self.growth
        return max(1.0, float(round(draw.at(level_of(_LENGTHS, session, turn)))))

    def output_tokens(self, session: int, turn: int) -> float:
        """What the model answers, at least one token [tokens].

        Definition: the quantile of the answers.
        """
        return max(1.0, float(round(self.output.at(level_of(_OUTPUTS, session, turn)))))

    def pause_s(self, session: int, turn: int) -> float:
        """Time before the next turn [s].

        Definition: as :func:`.draws.pause`.
        """
        return pause(self.think_s, level_of(_PAUSES, session, turn)) if self.think_s else 0.0

    def prompt_tokens(self, session: int, turn: int) -> float:
        """The whole prompt of a turn [tokens].

        ``new tokens of all turns so far + answers of all turns before``.
        Definition: a conversation is sent whole each time.
        """
        before = sum(self.new_tokens(session, one) + self.output_tokens(session, one) for one in range(turn))
        return before + self.new_tokens(session, turn)

    @property
    def mean_first_tokens(self) -> float:
        """Mean first prompt [tokens].

        Definition: the mean of its distribution.
        """
        return self.first.mean

    @property
    def longest_tokens(self) -> float:
        """Prompt and answer of the last turn at the mean lengths [tokens].

        ``first + (turns - 1) x growth + turns x output``.
        Definition: the whole conversation.
        """
        return self.first.mean + (self.turns - 1) * self.growth.mean + self.turns * self.output.mean

    @property
    def mean_prompt_tokens(self) -> float:
        """Prompt of a turn, the mean over all turns [tokens].

        ``first + (turns - 1) / 2 x (growth + output)``.
        Definition: prompts grow by the same from turn to turn.
        """
        return self.first.mean + (self.turns - 1) / 2 * (self.growth.mean + self.output.mean)

    @property
    def mean_new_tokens(self) -> float:
        """Tokens of a turn's prompt that no turn before had, the mean over all turns [tokens].

        ``(first + (turns - 1) x (growth + 1)) / turns``: the last token of an answer was never computed.
        Definition: all else was computed before.
        """
        return (self.first.mean + (self.turns - 1) * (self.growth.mean + 1)) / self.turns

    @property
    def mean_new_prompt_tokens(self) -> float:
        """Tokens of a turn's prompt that the prompt before it had not, the mean over all turns [tokens].

        ``(longest - output) / turns``.
        Definition: what is added from prompt to prompt makes up the last one.
        """
        return (self.longest_tokens - self.output.mean) / self.turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """All requests of a run: ``slots`` sessions at once, each followed by a new one; or arrivals of sessions.

    ``shared_tokens``: the beginning that the first prompts of all sessions have in common. ``blocks``: names of the
    blocks of each arrival's prompt, ``block_tokens`` each, of which equal ones are equal beginnings; none: not known.
    ``encoder_s``: what the images of a request take of a replica before its prompt; of later turns only where
    ``images_later``. ``lost_fraction``: of images of turns before, whose contexts are computed again.
    """

    classes: tuple[RequestClass, ...]
    slots: int = 0
    arrivals_s: tuple[float, ...] = ()
    shared_tokens: float = 0.0
    blocks: tuple[tuple[int, ...], ...] = ()
    block_tokens: float = 512.0
    encoder_s: float = 0.0
    images_later: bool = True
    lost_fraction: float = 0.0

    def encoding_s(self, turn: int, again: float | None = None) -> float:
        """What the images of a turn take, and those of ``again`` turns before [s].

        ``encoder x (own + again)``; ``lost x before`` again where none are counted; before: one a turn, or the first's.
        Choice: images whose prompts are computed again are encoded again.
        Leaves out: the few outputs of an encoder that engines keep by themselves.
        """
        own, before = (1, turn) if self.images_later else (int(turn == 0), min(turn, 1))
        return self.encoder_s * (own + (self.lost_fraction * before if again is None else again))

    @property
    def mean_encoding_s(self) -> float:
        """What the images of a request take, the mean over turns [s].

        ``encoder x (1 + lost x (turns - 1) / 2)``; where first turns alone have images
        ``encoder x (1 + lost x (turns - 1)) / turns``.
        Definition: the mean of :meth:`encoding_s`.
        """
        again = self.lost_fraction * (self.mean_turns - 1)
        if self.images_later:
            return self.encoder_s * (1 + again / 2)
        return self.encoder_s * (1 + again) / self.mean_turns

    def again_of(self, session: int, kind: int, turn: int, found_tokens: float) -> int:
        """Turns before with images whose prompts were not wholly found [1].

        Those with ``prompt > found``, of all turns before or of the first.
        Definition: what is not found is computed again.
        """
        before = range(turn if self.images_later else min(turn, 1))
        prompts = (self.classes[kind].prompt_tokens(session, at) for at in before)
        return sum(each > found_tokens * (1 + ROUNDING) for each in prompts)

    def class_of(self, session: int) -> int:
        """Which class a session is of, so that any few have nearly the shares of all [1].

        ``first class whose summed share exceeds frac(session x irrational)``.
        Definition: as :func:`.draws.level_of`.
        """
        level, reached = level_of(_CLASSES, session, 0), 0.0
        for number, each in enumerate(self.classes):
            reached += each.share_fraction
            if level < reached:
                return number
        return len(self.classes) - 1

    @property
    def longest_tokens(self) -> float:
        """The longest conversation of any class at mean lengths [tokens].

        Definition: the largest of the classes.
        """
        return max(each.longest_tokens for each in self.classes)

    @property
    def most_hit_fraction(self) -> float:
        """The part of prompts that some request before had, if everything were kept [1].

        ``1 - sum of share x (new tokens - shared / turns) / sum of share x prompt tokens``.
        Definition: all but what is new, the shared beginning being new once.
        """
        kinds = [(kind.share_fraction, kind) for kind in self.classes]
        new = sum(share * (kind.mean_new_tokens - self.shared_tokens / kind.turns) for share, kind in kinds)
        return 1 - new / sum(share * kind.mean_prompt_tokens for share, kind in kinds)

    @property
    def most_prompt_hit_fraction(self) -> float:
        """The same where prompts are kept and answers are not, as on replicas that compute prompts alone [1].

        ``1 - sum of share x (last prompt - shared) / turns / sum of share x prompt tokens``.
        Definition: of each prompt all but the prompt before it is new; the sum of that over turns is the last prompt.
        """
        new = sum(kind.share_fraction * kind.mean_new_prompt_tokens for kind in self.classes)
        shared = sum(kind.share_fraction * self.shared_tokens / kind.turns for kind in self.classes)
        return 1 - (new - shared) / sum(
            kind.share_fraction * kind.mean_prompt_tokens for kind in self.classes
        )

    @property
    def mean_turns(self) -> float:
        """Turns of a session, the mean over classes [1].

        ``sum of share_fraction x turns``.
        Definition: the mean.
        """
        return sum(each.share_fraction * each.turns for each in self.classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Memory below the GPU's that keeps contexts: how many tokens, and how fast they come back.

    Contexts are written there as they are computed, so that it holds copies of what the GPU holds as well.
    """

    name: str
    capacity_tokens: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where contexts lie: ``capacity_tokens`` on the GPUs, in blocks, then the tiers in their order.

    ``keeps``: whether the engine looks for equal beginnings of prompts at all. ``stated_fraction``: part of every
    prompt that is found on the GPU whatever is kept; None: what is found follows from the room.
    """

    capacity_tokens: float
    block_tokens: float = 1.0
    tiers: tuple[Tier, ...] = ()
    keeps: bool = True
    stated_fraction: float | None = None


def most_told_apart(stream: Stream, room: Room, limit: float) -> int:
    """Sessions alive whose groups are small enough for the memory [1].

    ``1024 x max(1, held / 32)``, ``held = min(capacity / longest context, limit)``.
    Choice: a group enters whole or not at all, so that on average half of one finds no room; with 32 in memory that is
    less than 2 % of it.
    Leaves out: contexts that are shorter than the longest.
    """
    held = min(room.capacity_tokens / stream.longest_tokens, limit)
    return int(ALL_SLOTS * max(1.0, held / LEAST_GROUPS))


def slots_of(stream: Stream, room: Room, limit: float) -> int:
    """Sessions, or groups of them, that are simulated for those alive [1].

    ``min(alive, max(64, min(1024, ceil(alive x 1024 / most))))``.
    Definition: as few as :func:`most_told_apart` allows.
    Leaves out: groups that are too large above so many.
    """
    apart = ceil(stream.slots * ALL_SLOTS / most_told_apart(stream, room, limit))
    return min(stream.slots, max(MOST_SLOTS, min(ALL_SLOTS, apart)))
