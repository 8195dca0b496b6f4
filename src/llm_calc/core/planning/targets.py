"""Targets of classes of requests: who keeps them, and what bounds take of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.planning.bounds import Limits

MOST = 0.5
"""From this part of requests on, targets say something of the means."""
LOOSER = {"ttft_s": 2.0, "tpot_s": 1.25, "request_latency_s": 2.0}
"""How far a mean may lie above what most requests keep: the few that do not may wait for long at the start of a closed
loop, or be far longer than the others; times a token differ little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the requests of a class are to keep, infinite where nothing is; ``share_fraction``: of all requests."""

    share_fraction: float = 1.0
    ttft_s: float = inf
    tpot_s: float = inf
    request_latency_s: float = inf

    @property
    def given(self) -> bool:
        """Whether there is anything to keep."""
        return min(self.ttft_s, self.tpot_s, self.request_latency_s) < inf

    def kept_fraction(self, ttft_s: FloatArray, tpot_s: FloatArray, latency_s: FloatArray) -> float | None:
        """The part of requests that keep all of it; None of none [1].

        ``requests within every target / requests``.
        Definition: one of a single token (NaN) has no further ones to be late. Times without a target may be
        of other requests.
        """
        if not len(ttft_s):
            return None
        pairs = (
            (self.ttft_s, ttft_s),
            (self.tpot_s, np.nan_to_num(tpot_s)),
            (self.request_latency_s, latency_s),
        )
        within = [values <= limit for limit, values in pairs if limit < inf]
        return float(np.all(within, axis=0).mean())


def aimed_at(limits: Limits, classes: Sequence[Targets], kept_fraction: float) -> Limits:
    """The limits with means that are worth a look under targets which so many requests have to keep [s].

    ``mean <= looser x sum over classes of share x target``; none below a half, or where a class has no such target.
    Choice: the mean over all requests is that over the means of classes; how much looser is :data:`LOOSER`.
    Leaves out: how times spread; a run in full decides.
    """
    if kept_fraction < MOST:
        return limits
    means = {name: sum(each.share_fraction * getattr(each, name) for each in classes) for name in LOOSER}
    return limits.within(**{name: LOOSER[name] * mean for name, mean in means.items()})


def loosest(classes: Sequence[Targets], name: str) -> float:
    """The longest target of a time, beyond which no request is good [s].

    Definition: infinite where a class has none.
    """
    return max(float(getattr(each, name)) for each in classes)
