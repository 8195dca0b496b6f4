"""What a closed form hardly forbids stays for a run to decide."""

import numpy as np
import pytest

from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.split import fewest


def test_a_replica_less_than_a_closed_form_needs_is_worth_a_run() -> None:
    assert np.asarray(fewest(np.array([1.0, 2.0, 5.0, np.inf]))).tolist() == [1.0, 1.0, 4.0, np.inf]


def test_looser_limits_are_longer_times_and_no_more_gpus() -> None:
    found = Limits(ttft_s=2.0, tpot_s=0.05, gpus=4.0).looser(1.1)
    assert (found.ttft_s, found.tpot_s) == pytest.approx((2.2, 0.055))
    assert (found.request_latency_s, found.gpus) == (np.inf, 4.0)
