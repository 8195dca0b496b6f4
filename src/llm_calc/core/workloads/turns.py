"""A turn while it is simulated, and what all turns of a run saw."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.scheduler import on_the_way_s
from llm_calc.core.workloads.stream import Stream


@dataclass(slots=True, eq=False)
class Turn:
    """One request: a turn of a session, with grouped slots of every member of the group.

    ``known_tokens``: what some request before had of its prompt; ``whole_tokens``, ``left_tokens``: prompt tokens to
    compute of all members, and those still to do; ``found``: what of the prompt was there, on the GPU and in each tier
    below.
    """

    session: int
    kind: int
    turn: int
    arrival_s: float
    prompt_tokens: float
    output_tokens: float
    known_tokens: float = 0.0
    found: tuple[float, ...] = ()
    reserve_tokens: float = 0.0
    whole_tokens: float = 0.0
    left_tokens: float = 0.0
    began_s: float = 0.0
    first_s: float = 0.0
    ttft_s: float = 0.0


def encoding_of(stream: Stream, turns: Iterable[Turn]) -> float:
    """What the images of prompts that begin take, and those of turns before that are not found [s].

    ``sum of encoding_s(turn, again)``.
    Definition: of each prompt as its first token is computed.
    """
    if not stream.encoder_s:
        return 0.0
    begun = (turn for turn in turns if turn.left_tokens == turn.whole_tokens)
    again = (
        (each.turn, stream.again_of(each.session, each.kind, each.turn, sum(each.found))) for each in begun
    )
    return sum(stream.encoding_s(turn, count) for turn, count in again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the requests of a run saw, one entry a request; ``found``: a column for the GPU and one for each tier.

    ``arrival_s``: when each came; ``known_tokens``: what would be found of its prompt if every context were kept;
    ``mean_running``: sequences that decode at once; ``elapsed_s``: time of all counted requests.
    """

    kind: FloatArray
    turn: FloatArray
    prompt_tokens: FloatArray
    output_tokens: FloatArray
    arrival_s: FloatArray
    known_tokens: FloatArray
    found_tokens: FloatArray
    ttft_s: FloatArray
    tpot_s: FloatArray
    latency_s: FloatArray
    kept_tokens: float
    kept_sessions: float
    mean_running: float
    elapsed_s: float

    @property
    def known_fraction(self) -> float:
        """Part of the same prompt tokens that some request before had [1].

        ``known tokens / prompt tokens``.
        Definition: what would be found if every context were kept, of the requests that the run saw.
        """
        return float(self.known_tokens.sum() / self.prompt_tokens.sum())


def seen_of(
    rows: list[tuple[float, ...]],
    elapsed_s: float,
    kept_tokens: float,
    kept_sessions: float,
    mean_running: float,
) -> Seen:
    """Rows of a run as arrays [s, tokens].

    Definition: the columns, in the order in which a run writes them.
    """
    table = np.array(rows, dtype=np.float64).T
    return Seen(
        kind=table[0],
        turn=table[1],
        ttft_s=table[2],
        tpot_s=table[3],
        latency_s=table[4],
        prompt_tokens=table[5],
        output_tokens=table[6],
        arrival_s=table[7],
        known_tokens=table[8],
        found_tokens=table[9:],
        kept_tokens=kept_tokens,
        kept_sessions=kept_sessions,
        mean_running=mean_running,
        elapsed_s=elapsed_s,
    )


def behind_stages(seen: Seen, clock: StepClock, budget_tokens: float) -> Seen:
    """The same run with the way of the last chunks of prompts through stages that work at once [s].

    ``ttft + way``, ``latency + way``, see :func:`.scheduler.on_the_way_s`.
    Definition: of prompts, found tokens and answers of mean length.
    Leaves out: that a slot sends its next request as much later.
    """
    if clock.stages == 1 or not len(seen.prompt_tokens):
        return seen
    whole, found = float(seen.prompt_tokens.mean()), float(seen.found_tokens.sum()) / len(seen.prompt_tokens)
    chunk = min(max(whole - found, 1.0), budget_tokens)
    context = whole + float(seen.output_tokens.mean()) / 2
    way = on_the_way_s(clock, seen.mean_running, context, chunk, whole - chunk)
    return replace(seen, ttft_s=seen.ttft_s + way, latency_s=seen.latency_s + way)
