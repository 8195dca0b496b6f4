"""What plans are ranked by, worked out by hand."""

import pytest

from llm_calc.core.planning.bounded import score
from llm_calc.core.serving.estimate import Estimate

FOUND = Estimate(
    ttft_s=0.5,
    tpot_s=0.02,
    request_latency_s=4.5,
    output_tokens_per_s=1000.0,
    total_tokens_per_s=3000.0,
    requests_per_s=5.0,
    running=20.0,
)


@pytest.mark.parametrize(
    ("objective", "scored"),
    [
        ("cost", 2.5 * 4 / 1000),  # USD an hour of four GPUs, for each token a second
        ("budget", 2.5 * 4 * 3),  # all three replicas
        ("throughput", -1000 / 4),
        ("latency", 4.5),
        ("ttft", 0.5),
        ("tpot", 0.02),
        ("energy", 700 * 4 / 1000),  # joules a token
        ("gpus", 4 * 3),
    ],
)
def test_scores(objective: str, scored: float) -> None:
    assert score(objective, 4, 2.5, 700.0, 3, FOUND) == pytest.approx(scored)
