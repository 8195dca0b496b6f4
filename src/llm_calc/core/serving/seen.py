"""What single requests of a run saw, beside the means of an estimate."""

from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.percentiles import percentiles_of


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

        Definition: :func:`.percentiles.percentiles_of` each.
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
