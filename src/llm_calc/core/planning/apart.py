"""What pairs of layouts would serve with prefill and decode apart, for many pairs and numbers of replicas at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.planning.bounds import STEADY_LOAD
from llm_calc.core.planning.split import Load, at_rate
from llm_calc.core.planning.stacking import Places, rows_at
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.disaggregated import Pools, estimate, queue
from llm_calc.core.serving.estimate import Deployment, Estimate

Flags = npt.NDArray[np.bool_]
COUNTS = (1, 2, 3, 4, 6, 8)
"""Replicas of a side that are tried."""
ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Pairs of rows with so many replicas of each: ``first`` prefills, ``second`` decodes; all as long, as columns."""

    first: Places
    second: Places
    prefills: FloatArray
    decodes: FloatArray
    gpus: FloatArray


def pairs_of(gpus: FloatArray, most_gpus: float, prefill: Places, decode: Places) -> Pairs:
    """Every pair of such rows with every number of replicas on at most so many GPUs [GPUs].

    ``prefills x gpus of the first + decodes x gpus of the second <= most``.
    Choice: 1, 2, 3, 4, 6 or 8 replicas of a side.
    Leaves out: other numbers.
    """
    counts = np.array(COUNTS, dtype=np.float64)
    grid = np.meshgrid(prefill, decode, counts, counts, indexing="ij")
    first, second, prefills, decodes = (each.ravel().astype(np.float64) for each in grid)
    ones, others = first.astype(np.intp), second.astype(np.intp)
    taken = prefills * gpus[ones, 0] + decodes * gpus[others, 0]
    kept = taken <= most_gpus
    return Pairs(
        first=ones[kept],
        second=others[kept],
        prefills=prefills[kept, np.newaxis],
        decodes=decodes[kept, np.newaxis],
        gpus=taken[kept, np.newaxis],
    )


def served_apart(
    deployment: Deployment,
    gpus: FloatArray,
    pairs: Pairs,
    lengths: Lengths,
    load: Load,
    cache: tuple[float, Quantity],
) -> tuple[Estimate, Flags]:
    """Each pair under a closed loop, or a rate, of so many requests; which serve it [s, tokens/s, requests/s, 1].

    Of a rate ``n = rate x latency(n)``, four rounds, and at most 95 % of what both sides serve; of sessions with pauses
    ``n = sessions x latency(n) / (latency(n) + pause)``, as many rounds. ``cache``: bytes of a token, and bytes a
    second that one GPU sends, of each pair.
    Definition: :func:`.disaggregated.estimate` of rows; Little's law of both loads.
    Leaves out: as there, and what the rounds have left.
    """
    prefill, decode = rows_at(deployment, pairs.first), rows_at(deployment, pairs.second)
    own, others = gpus[pairs.first], gpus[pairs.second]
    senders = np.minimum(own, others)
    pools = Pools(
        prefill_replicas=pairs.prefills,  # type: ignore[arg-type]
        decode_replicas=pairs.decodes,  # type: ignore[arg-type]
        cache_bytes_per_token=cache[0],
        link_bytes_per_s=cache[1] * senders,  # type: ignore[arg-type]
        links=np.minimum(pairs.prefills * own, pairs.decodes * others) / senders,  # type: ignore[arg-type]
    )
    holds, amount = np.asarray(decode.capacity) >= 1, load.amount
    if load.kind != "request_rate":
        found = estimate(prefill, pools, lengths, amount, decode)
        for _ in range(ROUNDS if load.think_s else 0):
            latency = np.asarray(found.request_latency_s)
            awake = np.maximum(amount * latency / (latency + load.think_s), 1.0)
            found = estimate(prefill, pools, lengths, awake, decode)
        return _with_pauses(found, lengths, load), holds
    full = queue(prefill, pools, lengths, decode)
    found, running = full, amount * np.asarray(full.request_latency_s)
    for _ in range(ROUNDS):
        found = estimate(prefill, pools, lengths, np.maximum(running, 1.0), decode)
        running = amount * np.asarray(found.request_latency_s)
    served = STEADY_LOAD * np.asarray(full.requests_per_s) >= amount
    return at_rate(found, lengths, amount), holds & served


def _with_pauses(found: Estimate, lengths: Lengths, load: Load) -> Estimate:
    """The same with no more requests than sessions send that pause."""
    if not load.think_s:
        return found
    sent = load.amount / (np.asarray(found.request_latency_s) + load.think_s)
    return at_rate(found, lengths, np.minimum(found.requests_per_s, sent))
