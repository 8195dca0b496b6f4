"""What timings of single matrix products say before a fit."""

from math import exp

import pytest

from tools.calibrate.matrix_kernels import format_centres, shortest_centres


def test_quantizing_activations_takes_three_times_a_short_product() -> None:
    centres = shortest_centres()
    times = exp(centres["format:fp8"] - centres["format:16-bit"])
    assert times == pytest.approx(5.795 / 1.77, rel=1e-3)  # medians of fp8 and of 16 bits, µs


def test_sixteen_bits_reach_most_of_the_peak_and_four_least() -> None:
    centres = format_centres("compute_fraction")
    assert centres["format:16-bit"] > centres["format:fp8"] > centres["format:nvfp4"]


def test_centres_of_formats_are_beside_their_middle() -> None:
    assert sum(format_centres("bandwidth_fraction").values()) == pytest.approx(0.0, abs=1e-12)
