"""Peaks of a made-up GPU: which units multiply which formats, by its list of types."""

import numpy as np
import pytest

from llm_calc.core.hardware import Cluster, Gpu, Link
from llm_calc.core.operators.work import LayerCounts, LinearWork, StepWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.machine import cube_root, machine_of, matrix_type, overlapped


def gpu(*peaks: tuple[str, float], tdp_w: float | None = None, vendor: str = "NVIDIA") -> Gpu:
    return Gpu(
        id="made-up",
        name="made up",
        vendor=vendor,
        family="test",
        generation="test",
        release_year=2026,
        form_factor="card",
        memory_bytes=10**10,
        usable_memory_bytes=10**10,
        memory_bandwidth_bytes_per_s=1e12,
        peaks=peaks,
        supported_precisions=tuple(name for name, _ in peaks),
        tdp_w=tdp_w,
    )


MANY = gpu(("fp8", 4e14), ("bf16", 2e14), ("fp16", 3e14), ("fp16_acc16", 6e14), ("fp32", 5e13), tdp_w=150.0)


@pytest.mark.parametrize(
    ("compute", "half_sums", "multiplied"),
    [
        ("fp8", False, "fp8"),
        ("fp4", False, "bf16"),  # has none: 16 bits, of which bf16 comes first
        ("bf16", False, "bf16"),
        ("fp16", False, "bf16"),  # one type of 16 bits for all
        ("fp32", False, "fp32"),  # whole numbers are multiplied whole
        (None, False, "bf16"),
        ("fp8", True, "fp16_acc16"),  # llama.cpp: one type for all formats
        ("fp32", True, "fp16_acc16"),
        (None, True, "fp16_acc16"),
    ],
)
def test_what_a_format_is_multiplied_in(compute: str | None, half_sums: bool, multiplied: str) -> None:
    assert matrix_type(MANY, compute, half_sums=half_sums) == multiplied


def test_the_ladder_ends_in_32_bits() -> None:
    assert matrix_type(gpu(("fp16", 1e14)), "bf16", half_sums=False) == "fp16"
    assert matrix_type(gpu(("int8", 1e14)), None, half_sums=False) == "fp32"


def peaks(card: Gpu, *computes: str | None, half_sums: bool = False) -> tuple[object, ...]:
    """FLOP/s of each matrix, of 16 bits, of vectors, and the part that power leaves."""
    linear = tuple(
        LinearWork(
            name="m",
            group="mlp",
            weight_bytes=1,
            flops_per_token=1,
            activation_bytes_per_token=1,
            calls=1,
            compute=each,
        )
        for each in computes
    )
    step = StepWork(linear=linear, context=(), collectives=(), counts=LayerCounts(layers=1))
    link = Link(kind="pcie", bytes_per_s_per_gpu_each_way=3e10, latency_s=0.0)
    cluster = Cluster(gpu=card, count=1, gpus_per_node=1, fast=None, host=link, network=link)
    found = machine_of(cluster, step, Layout(), half_sums=half_sums)
    return found.group_flops_per_s, found.wide_flops_per_s, found.vector_flops_per_s, found.power_fraction


def test_peaks_of_each_matrix() -> None:
    # 150 W over 200 TFLOP/s are 0.75 W a TFLOP/s, half of 1.5.
    computes = ("fp8", "fp4", "fp16", "fp32", None)
    assert peaks(MANY, *computes) == ((4e14, 2e14, 2e14, 5e13, 2e14), 2e14, 5e13, 0.5)
    # With sums of 16 bits one peak for all: 150 / 600 / 1.5.
    assert peaks(MANY, *computes, half_sums=True) == ((6e14,) * 5, 6e14, 5e13, pytest.approx(1 / 6))


@pytest.mark.parametrize(
    ("card", "part"),
    [
        (gpu(("bf16", 1e14), tdp_w=150.0), 1.0),
        (gpu(("bf16", 1e14), tdp_w=75.0), 0.5),
        (gpu(("bf16", 1e14), tdp_w=700.0), 1.0),
        (gpu(("bf16", 1e14)), 1.0),
        (gpu(("bf16", 1e14), tdp_w=75.0, vendor="AMD"), 1.0),
    ],
)
def test_a_part_with_few_watts_lowers_its_clock(card: Gpu, part: float) -> None:
    assert peaks(card)[3] == part


def test_without_32_bits_vectors_run_at_a_quarter() -> None:
    assert peaks(gpu(("bf16", 1e14)))[2] == 2.5e13
    # Where no type of the ladder is published the fastest of those that are stands for it.
    assert peaks(gpu(("int8", 2e14), ("fp8", 3e14)))[1] == 3e14


def test_equal_times_take_the_cube_root_of_two_of_one() -> None:
    """(1 + 1)^(1/3) = 1.26; (27 + 64 x 27)^(1/3) of 3 and 12 s: the longer hardly grows."""
    assert overlapped(1.0, 1.0) == pytest.approx(2 ** (1 / 3))
    assert overlapped(3.0, 12.0) == pytest.approx((27 + 1728) ** (1 / 3))
    assert overlapped(5.0, 0.0) == pytest.approx(5.0)


def test_other_exponents() -> None:
    """1 adds both (llama.cpp), 2 is Pythagoras' rule, a large one leaves the larger alone."""
    assert overlapped(3.0, 4.0, 1.0) == 7.0
    assert overlapped(3.0, 4.0, 2.0) == pytest.approx(5.0)
    assert overlapped(3.0, 4.0, 200.0) == pytest.approx(4.0)


def test_rows_are_as_single_ones() -> None:
    memory, compute = np.array([1.0, 3.0]), np.array([1.0, 12.0])
    for exponent in (1.0, 2.0, 3.0):
        rows = overlapped(memory, compute, exponent)
        assert rows == pytest.approx(
            [overlapped(*each, exponent) for each in zip(memory.tolist(), compute.tolist(), strict=True)]
        )
    assert cube_root(np.array([8.0, 27.0])) == pytest.approx([2.0, 3.0])
    assert cube_root(1e-9) == pytest.approx(1e-3)
