"""Figures in another unit are told from those of a device; the devices are those of data sheets."""

from dataclasses import replace

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.hardware import Gpu
from llm_calc.core.plausible import implausible

H100 = load_catalogs().gpu("h100-80gb-sxm")  # 80 GiB, 3350 GB/s, 989 TFLOP/s in 16 bits


@pytest.mark.parametrize("gpu", load_catalogs().gpus, ids=lambda gpu: gpu.id)
def test_no_device_of_the_catalog_is_refused(gpu: Gpu) -> None:
    assert list(implausible(gpu)) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"memory_bandwidth_bytes_per_s": 3.35e9}, "memory_bandwidth_gb_per_s"),  # 3.35 TB/s written as GB/s
        ({"memory_bandwidth_bytes_per_s": 3.35e21}, "memory_bandwidth_gb_per_s"),  # bytes/s written as GB/s
        ({"memory_bytes": 80 * 2**40}, "memory_gib"),  # MiB written as GiB
        ({"boost_clock_hz": 1.83e6}, "boost_clock_mhz"),  # GHz written as MHz
        ({"tdp_w": 7e5}, "tdp_w"),  # mW written as W
        ({"link_bytes_per_s_per_gpu_each_way": 4.5e8}, "link.gb_per_s_each_way"),  # TB/s written as GB/s
        ({"peaks": (("fp16", 9.9e11), ("bf16", 9.9e11))}, "peak_tflops_per_s"),  # PFLOP/s written as TFLOP/s
        ({"peaks": (("fp16", 9.9e17),)}, "peak_tflops_per_s"),  # GFLOP/s written as TFLOP/s
        ({"peaks": (("fp16", 9.9e11), ("bf16", 9.9e14))}, "peak_tflops_per_s.fp16"),
        ({"peaks": (("fp16", 9.9e14), ("fp8", 1.98e14))}, "peak_tflops_per_s.fp8"),
    ],
)
def test_a_figure_in_another_unit_is_named(changed: dict[str, object], field: str) -> None:
    assert [name for name, _ in implausible(replace(H100, **changed))] == [field]  # type: ignore[arg-type]


def test_memory_on_the_chip_may_be_read_faster_than_any_other() -> None:
    groq = load_catalogs().gpu("groq-lpu")  # 0.22 GiB at 80 TB/s, read in 3 microseconds
    assert groq.memory_bytes / groq.memory_bandwidth_bytes_per_s < 1e-5
    assert list(implausible(groq)) == []
    assert list(implausible(replace(groq, memory_bytes=80 * 2**30)))
