"""Output of closed loops that their runs imply: measured are first tokens and times a token, but no throughput."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity
from tools.calibrate.cases import Case
from tools.calibrate.evaluate import Fitted
from tools.calibrate.parameters import Rows
from tools.calibrate.runs import FIRST_TOKEN, joined

LOAD, METRIC = "closed_loop", "output_tokens_per_s"
EACH_TOKEN = "tpot_s"


@dataclass(frozen=True)
class Pairs:
    """Places, among a family's cases, of the first token and of the time a token of the same runs."""

    first: Rows
    each: Rows


def output_tokens_per_s(
    requests: Quantity, output_tokens: Quantity, ttft_s: Quantity, tpot_s: Quantity
) -> Quantity:
    """Output of a closed loop [tokens/s].

    ``requests x output / (ttft + (output - 1) x tpot)``: each of the requests in flight takes its latency.
    Source: Little's law (Little 1961, doi:10.1287/opre.9.3.383).
    Leaves out: gaps between a request and the next, slots that idle at the end of a run, and that lengths vary.
    """
    return requests * output_tokens / (ttft_s + (output_tokens - 1) * tpot_s)


def pairs_of(cases: Sequence[Case]) -> Pairs:
    """Closed loops of which both times were measured and no rule sets either aside."""
    runs = [run.places for run in joined(cases) if run.row.load == LOAD and not run.aside]
    whole = [places for places in runs if places.keys() >= {FIRST_TOKEN, EACH_TOKEN}]
    return Pairs(
        first=np.array([places[FIRST_TOKEN] for places in whole], dtype=int),
        each=np.array([places[EACH_TOKEN] for places in whole], dtype=int),
    )


def known_pairs(fitted: Fitted, pairs: Pairs, held_out: str) -> Pairs:
    """Those of which both times were predicted without the group."""
    known = np.isfinite(fitted.residuals[held_out][pairs.first])
    return Pairs(first=pairs.first[known], each=pairs.each[known])


def implied_residuals(fitted: Fitted, pairs: Pairs, held_out: str) -> FloatArray:
    """ln(predicted / measured) of the implied output, from the residuals of both times [-]."""
    first, each = ([fitted.cases[at].row for at in places] for places in (pairs.first, pairs.each))
    requests = np.array([float(row.requests) for row in first])
    tokens = np.array([row.output_tokens for row in first])
    ttft, tpot = np.array([row.value for row in first]), np.array([row.value for row in each])
    off = np.exp(fitted.residuals[held_out])
    predicted = output_tokens_per_s(requests, tokens, ttft * off[pairs.first], tpot * off[pairs.each])
    return np.asarray(np.log(predicted / output_tokens_per_s(requests, tokens, ttft, tpot)))
