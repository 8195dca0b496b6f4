"""Arrivals are told the same whether their requests are told apart or not."""

from dataclasses import replace

import pytest

from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.traffic import poisson_arrivals
from llm_calc.core.workloads.draws import around
from llm_calc.core.workloads.estimate import arriving
from llm_calc.core.workloads.stream import RequestClass, Stream
from tests.core.workloads.test_traces import DEPLOYMENT, ROOMY

SLOW = replace(DEPLOYMENT, host=HostTimes(request_s=5.0, stream_tokens=3.0))


@pytest.mark.parametrize("rate", [0.5, 4.0])
def test_equal_requests_have_the_first_token_of_the_plain_load(rate: float) -> None:
    kind = RequestClass(first=around(1000.0, 0.0), output=around(50.0, 0.0), growth=around(1.0, 0.0))
    stream = Stream(classes=(kind,), arrivals_s=poisson_arrivals(rate, 300))
    drawn = arriving(SLOW, stream, replace(ROOMY, keeps=False), rate).estimate
    plain = simulated_arrivals(SLOW, Lengths(input_tokens=1000.0, output_tokens=50.0), rate)
    # One clock interpolates contexts between the first and the last of a request, the other between means.
    assert float(drawn.ttft_s) == pytest.approx(float(plain.ttft_s), rel=0.03)
    assert float(drawn.tpot_s) == pytest.approx(float(plain.tpot_s), rel=0.03)
