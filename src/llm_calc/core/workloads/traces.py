"""Requests as they were recorded: when each came, how long its prompt and its answer were, which blocks it has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.workloads.blocks import most_found_fraction
from llm_calc.core.workloads.draws import Draw
from llm_calc.core.workloads.estimate import Found, as_clients_see, as_found, simulated
from llm_calc.core.workloads.stream import RequestClass, Room, Stream
from llm_calc.core.workloads.turns import Seen

_ONE = Draw((0.0, 1.0), (1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Requests in the order of their arrival; ``blocks``: names of the blocks of each prompt, empty where none are.

    Times are in seconds, lengths and ``block_tokens`` in tokens.
    """

    arrivals_s: tuple[float, ...]
    prompts: tuple[float, ...]
    outputs: tuple[float, ...]
    blocks: tuple[tuple[int, ...], ...] = ()
    block_tokens: float = 512.0

    def share(self, number: int, of: int) -> "Trace":
        """What the ``number``-th of so many replicas gets [requests].

        ``requests number, number + of, number + 2 x of, ...``.
        Choice: requests are dealt in turn, as load balancers do by default.
        Leaves out: routers that send equal beginnings to one replica.
        """
        dealt = slice(number, None, of)
        return replace(
            self,
            arrivals_s=self.arrivals_s[dealt],
            prompts=self.prompts[dealt],
            outputs=self.outputs[dealt],
            blocks=self.blocks[dealt],
        )

    @property
    def stream(self) -> Stream:
        """The same as a simulated run takes it [s, tokens].

        Definition: every request is a session of one turn.
        """
        kind = Recorded(first=_ONE, output=_ONE, growth=_ONE, prompts=self.prompts, outputs=self.outputs)
        return Stream(
            classes=(kind,),
            arrivals_s=self.arrivals_s,
            blocks=self.blocks,
            block_tokens=self.block_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(RequestClass):
    """Requests whose lengths are those of a record, the session being the number of the request."""

    prompts: tuple[float, ...]
    outputs: tuple[float, ...]

    def new_tokens(self, session: int, turn: int) -> float:  # noqa: ARG002 - each has one
        """The prompt of a request [tokens].

        Definition: as recorded.
        """
        return self.prompts[session]

    def output_tokens(self, session: int, turn: int) -> float:  # noqa: ARG002
        """The answer to a request [tokens].

        Definition: as recorded.
        """
        return self.outputs[session]

    @property
    def mean_first_tokens(self) -> float:
        """Mean prompt [tokens].

        Definition: the mean over all requests.
        """
        return float(np.mean(self.prompts))

    @property
    def longest_tokens(self) -> float:
        """The longest prompt with its answer [tokens].

        Definition: the largest over all requests.
        """
        return float(np.max(np.add(self.prompts, self.outputs)))


def replayed(deployment: Deployment, trace: Trace, room: Room, replicas: int) -> Found:
    """A trace over so many replicas, each with every so-manieth request; figures are those of one of them [s, tokens].

    ``requests/s of one = requests / (time from the first request to the last token x replicas)``, the last token as
    clients see it: ``max(arrival + latency)``.
    Choice: every replica is simulated by itself, and all their requests are counted together, without the host times of
    closed loops, as of all arrivals.
    Leaves out: requests that move between replicas.
    """
    deployment = replace(deployment, host=NO_HOST)
    busy = min(replicas, len(trace.prompts))
    shares = [trace.share(number, busy) for number in range(busy)]
    seen = _joined([as_clients_see(deployment, simulated(deployment, each.stream, room)) for each in shares])
    seen = replace(seen, elapsed_s=float((seen.arrival_s + seen.latency_s).max()))
    rate = len(trace.prompts) / max(seen.elapsed_s, 1e-12) / replicas
    found = as_found(deployment, seen, rate, rate * float(seen.latency_s.mean()))
    return replace(found, most_hit_fraction=_most_found(shares, room))


def _most_found(shares: Sequence[Trace], room: Room) -> float:
    """What would be found if nothing were ever dropped [1].

    ``sum of found tokens / sum of prompts`` over all replicas.
    Definition: :func:`.blocks.most_found_fraction` of each, weighted by its prompts.
    """
    if not room.keeps or room.stated_fraction is not None:
        return room.stated_fraction or 0.0
    found = sum(most_found_fraction(each.stream, each.prompts) * sum(each.prompts) for each in shares)
    return found / sum(sum(each.prompts) for each in shares)


def _joined(runs: Sequence[Seen]) -> Seen:
    """All requests of several runs; means over time are those of one run, the mean of them."""
    columns = (
        *("kind", "turn", "prompt_tokens", "output_tokens"),
        *("arrival_s", "known_tokens", "ttft_s", "tpot_s", "latency_s"),
    )
    first, count = runs[0], len(runs)
    if count == 1:
        return first
    return replace(
        first,
        **{name: np.concatenate([getattr(run, name) for run in runs]) for name in columns},
        found_tokens=np.concatenate([run.found_tokens for run in runs], axis=1),
        kept_tokens=sum(run.kept_tokens for run in runs) / count,
        kept_sessions=sum(run.kept_sessions for run in runs) / count,
        mean_running=sum(run.mean_running for run in runs) / count,
        elapsed_s=max(run.elapsed_s for run in runs),
    )
