"""What timings of single matrix products say before a fit."""

import csv
from math import exp

import pytest

from tools.calibrate.matrix_kernels import format_centres, shortest_centres
from tools.calibrate.measurements import ROOT


def _rows() -> list[dict[str, str]]:
    with (ROOT / "matrix_kernels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_line_has_its_source_and_day() -> None:
    with (ROOT / "sources.csv").open(newline="", encoding="utf-8") as file:
        known = {row["source"] for row in csv.DictReader(file)}
    assert {row["source"] for row in _rows()} <= known
    assert {row["read_on"] for row in _rows()} == {"2026-11-22"}


@pytest.mark.parametrize(
    ("kernel", "reached_tflops", "peak_tflops", "shortest_us"),
    [("bfloat16", 742.3, 989.4, 2.51), ("fp8", 1004.8, 1978.9, 4.53)],
)
def test_fractions_are_of_the_dense_peaks_of_the_datasheet(
    kernel: str, reached_tflops: float, peak_tflops: float, shortest_us: float
) -> None:
    """SGLang 0.5.10 on H100 SXM: medians of the source's timings over NVIDIA's dense peaks; three figures are kept."""
    (row,) = [
        row
        for row in _rows()
        if (row["engine"], row["release"], row["gpu"], row["kernel"])
        == ("sglang", "0.5.10", "h100_sxm", kernel)
    ]
    assert float(row["compute_fraction"]) == pytest.approx(reached_tflops / peak_tflops, abs=5e-4)
    assert float(row["shortest_s"]) == pytest.approx(shortest_us * 1e-6, rel=5e-3)


def test_quantizing_activations_makes_a_short_product_longer() -> None:
    """The source's shortest: 1.5 to 2.5 µs in 16 bits; in fp8 3.2 to 5, and 12 in TensorRT-LLM."""
    centres = shortest_centres()
    times = exp(centres["format:fp8"] - centres["format:16-bit"])
    assert 3.2 / 2.5 < times < 12.4 / 1.5


def test_sixteen_bits_reach_most_of_the_peak_and_four_least() -> None:
    centres = format_centres("compute_fraction")
    assert centres["format:16-bit"] > centres["format:fp8"] > centres["format:nvfp4"]


def test_centres_of_formats_are_beside_their_middle() -> None:
    assert sum(format_centres("bandwidth_fraction").values()) == pytest.approx(0.0, abs=1e-12)
