"""What single requests of a run saw beside the means of an estimate, and percentiles of that."""

from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray

PERCENTILES = (50, 90, 95, 99)
MANY = 1000
"""Values from which it is quicker to put only these places in order."""


def percentiles_of(values: FloatArray) -> tuple[float, ...]:
    """Percentiles of ``PERCENTILES`` [s].

    Definition: by linear interpolation between the two nearest of the ordered values.
    """
    last = len(values) - 1
    places = [each / 100 * last for each in PERCENTILES]
    lower = [int(place) for place in places]
    asked = [*lower, *(min(place + 1, last) for place in lower)]
    ordered = np.partition(values, sorted(set(asked))) if last > MANY else np.sort(values)
    pairs = ordered[asked].tolist()
    return tuple(
        low + (high - low) * (place - whole)
        for low, high, place, whole in zip(pairs[:4], pairs[4:], places, lower, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requests:
    """Times of requests [s], each figure in an order of its own; ``tpot_s``: of those that have more than one token."""

    ttft_s: FloatArray
    tpot_s: FloatArray
    latency_s: FloatArray

    @property
    def known(self) -> bool:
        """Whether there are any; in closed form all are alike and none is told apart."""
        return len(self.ttft_s) > 0

    @property
    def percentiles(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """Their spread by the names of answers [s].

        Definition: :func:`percentiles_of` each.
        """
        columns = (("ttft_s", self.ttft_s), ("tpot_s", self.tpot_s), ("request_latency_s", self.latency_s))
        return tuple((name, percentiles_of(values)) for name, values in columns)

    def later(self, longer: float, wait_s: float) -> "Requests":
        """The same requests with all times so much longer, first tokens and ends later besides [s].

        ``time x longer``, ``+ wait`` but for times a token.
        Definition: element by element.
        """
        return Requests(
            ttft_s=self.ttft_s * longer + wait_s,
            tpot_s=self.tpot_s * longer,
            latency_s=self.latency_s * longer + wait_s,
        )


NO_REQUESTS = Requests(ttft_s=np.empty(0), tpot_s=np.empty(0), latency_s=np.empty(0))
