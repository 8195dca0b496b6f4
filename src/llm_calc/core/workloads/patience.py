"""When a run need not go on: limits that it cannot keep any more, whatever the rest of its requests see."""

from dataclasses import dataclass
from math import inf

from llm_calc.core.errors import LimitsBrokenError

ROUNDING = 1e-9
"""Part of a request by which a product of floats may lie below a whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits on times as the scheduler sees them, for the mean and, above 0, for a quantile of all requests.

    ``kept_fraction``: the part of all requests that has to keep the limits, as in a percentile.
    ``target_ttft_s``, ``target_tpot_s``: what ``good_fraction`` of all requests keep, both at once.
    """

    ttft_s: float = inf
    tpot_s: float = inf
    kept_fraction: float = 0.0
    target_ttft_s: float = inf
    target_tpot_s: float = inf
    good_fraction: float = 0.0

    def most_late(self, requests: int) -> float:
        """Requests beyond a limit with which its quantile may still be within [requests].

        ``requests - floor(fraction x (requests - 1)) - 1``.
        Definition: of the ordered times the one below the quantile's place is beyond the limit with one more.
        """
        if not self.kept_fraction:
            return inf
        return requests - int(self.kept_fraction * (requests - 1)) - 1

    def most_bad(self, requests: int) -> int:
        """Requests that may miss a target [requests].

        ``floor((1 - fraction) x requests)``.
        Definition: the others are at least the fraction.
        """
        return int((1 - self.good_fraction) * requests + ROUNDING)


class Watch:
    """What a run has seen of times, against its patience."""

    def __init__(self, patience: Patience, requests: int) -> None:
        self.patience, self.most_late = patience, patience.most_late(requests)
        self.most_ttft_s, self.most_tpot_s = patience.ttft_s * requests, patience.tpot_s * requests
        self.ttft_s = self.tpot_s = 0.0
        self.late_first = self.late_later = self.bad = 0
        self.most_bad = patience.most_bad(requests)

    def see(self, ttft_s: float, tpot_s: float) -> None:
        """One more request is answered; NaN where it has one token alone.

        Raises:
            LimitsBrokenError: neither the mean nor the quantile can be within any more.
        """
        self.ttft_s += ttft_s
        self.late_first += ttft_s > self.patience.ttft_s
        if tpot_s == tpot_s:
            self.tpot_s += tpot_s
            self.late_later += tpot_s > self.patience.tpot_s
        self.bad += ttft_s > self.patience.target_ttft_s or tpot_s > self.patience.target_tpot_s
        late = max(self.late_first, self.late_later) > self.most_late or self.bad > self.most_bad
        if late or self.ttft_s > self.most_ttft_s or self.tpot_s > self.most_tpot_s:
            raise LimitsBrokenError("limits: a simulated run does not keep them")
