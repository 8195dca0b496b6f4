"""Encoders of images as time of the GPUs: by hand, and what holds for any load."""

import pytest

from llm_calc.core.serving.encoder import NO_ENCODER, Encoder, in_batch, in_loop, in_queue
from llm_calc.core.serving.estimate import Estimate

TEXT = Estimate(
    ttft_s=1.0,
    tpot_s=0.02,
    request_latency_s=5.0,
    output_tokens_per_s=400.0,
    total_tokens_per_s=1200.0,
    requests_per_s=2.0,
    running=8.0,
    percentiles=(("ttft_s", (1.0, 2.0)), ("tpot_s", (0.02, 0.03)), ("request_latency_s", (5.0, 6.0))),
)


@pytest.mark.parametrize(
    "found",
    [
        in_queue(TEXT, NO_ENCODER),
        in_loop(TEXT, NO_ENCODER, 10.0, 1.0),
        in_batch(TEXT, NO_ENCODER, 10.0),
    ],
)
def test_without_images_nothing_changes(found: Estimate) -> None:
    assert found == TEXT


def test_a_queue_shares_the_gpus_between_encoders_and_text() -> None:
    """Text takes 0.5 s of a replica and images 0.5 s: one a second, and text half as fast."""
    found = in_queue(TEXT, Encoder(seconds=0.5))
    assert (found.requests_per_s, found.output_tokens_per_s, found.total_tokens_per_s) == (1.0, 200.0, 600.0)
    assert (found.ttft_s, found.tpot_s, found.request_latency_s) == (2.5, 0.04, 10.5)


def test_a_loop_of_ten_waits_for_ten_encoders() -> None:
    """5 s and 10 x 0.5 s are 10 s for each of ten: one a second; on two groups 7.5 s."""
    found = in_loop(TEXT, Encoder(seconds=0.5), 10.0, 5.0)
    assert (found.requests_per_s, found.request_latency_s) == (1.0, 10.0)
    assert dict(found.percentiles)["tpot_s"] == pytest.approx((0.038, 0.057))  # 9 x 0.5 s beside 5 s
    apart = in_loop(TEXT, Encoder(seconds=0.5, groups=2), 10.0, 5.0)
    assert apart.request_latency_s == pytest.approx(7.5)
    assert apart.requests_per_s == pytest.approx(10 / 7.5)
    assert in_loop(TEXT, Encoder(seconds=0.5), 10.0, 0.7).requests_per_s == 0.7


def test_a_batch_in_rounds_encodes_in_rounds() -> None:
    """Ten, eight at once: a first token waits for (10 + 8) / 2 encoders on average, the last answer for ten."""
    found = in_batch(TEXT, Encoder(seconds=0.5), 10.0)
    assert (found.ttft_s, found.tpot_s, found.request_latency_s) == (5.5, 0.02, 10.0)
    assert found.requests_per_s == 1.0


@pytest.mark.parametrize("seconds", [0.001, 0.1, 10.0])
def test_nothing_serves_more_than_its_groups_encode(seconds: float) -> None:
    encoder = Encoder(seconds=seconds, groups=2)
    for found in (
        in_queue(TEXT, encoder),
        in_loop(TEXT, encoder, 9.0, 1e9),
        in_batch(TEXT, encoder, 9.0),
    ):
        assert found.requests_per_s < 2.0 / seconds
        assert found.requests_per_s < TEXT.requests_per_s
