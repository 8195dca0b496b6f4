"""Every GPU of the catalog: dense peaks, memory, sources."""

from datetime import date

import pytest

from llm_calc.adapters.catalog import CatalogGpu, load_catalogs

GPUS = load_catalogs().gpu_entries
IDS = [row.id for row in GPUS]
ROUNDING = 1.07
VECTOR_CLOCK = 1.15
"""fp32 and fp64 are quoted at the highest boost, matrix types at a lower clock."""

# Dense operations per clock and SM or compute unit, from the makers' architecture papers (the highest of each
# generation; parts for gamers run some types at half of it). A figure that counts sparsity is twice these.
RATES: dict[str, dict[str, int]] = {
    "7.0": {"fp64": 64, "fp32": 128, "fp16": 1024},
    "7.5": {"fp64": 64, "fp32": 128, "fp16": 1024, "int8": 2048, "int4": 4096},
    "8.0": {"fp64": 64, "fp32": 128, "tf32": 1024, "fp16": 2048, "int8": 4096, "int4": 8192},
    "8.6": {"fp64": 4, "fp32": 256, "tf32": 512, "fp16": 1024, "int8": 2048, "int4": 4096},
    "8.7": {"fp32": 256, "tf32": 1024, "fp16": 2048, "int8": 4096},
    "8.9": {"fp64": 4, "fp32": 256, "tf32": 512, "fp16": 1024, "fp8": 2048, "int8": 2048, "int4": 4096},
    "9.0": {"fp64": 128, "fp32": 256, "tf32": 2048, "fp16": 4096, "fp8": 8192, "int8": 8192},
    "11.0": {"fp32": 256, "tf32": 4096, "fp16": 8192, "fp8": 16384, "int8": 16384, "fp6": 16384, "fp4": 32768},
    "12.0": {"fp64": 4, "fp32": 256, "tf32": 512, "fp16": 1024, "fp8": 2048, "int8": 2048, "fp6": 2048, "fp4": 4096},
    "12.1": {"fp32": 256, "tf32": 512, "fp16": 1024, "fp8": 2048, "int8": 2048, "fp6": 2048, "fp4": 4096},
    "gfx90a": {"fp64": 128, "fp32": 128, "fp16": 1024, "int8": 1024, "int4": 1024},
    "gfx942": {"fp64": 128, "fp32": 256, "tf32": 1024, "fp16": 2048, "fp8": 4096, "int8": 4096},
    "gfx950": {"fp64": 128, "fp32": 256, "fp16": 4096, "fp8": 8192, "int8": 8192, "fp6": 16384, "fp4": 16384},
    "gfx1100": {"fp64": 16, "fp32": 256, "fp16": 512, "int8": 512, "int4": 1024},
    "gfx1151": {"fp32": 256, "fp16": 512, "int8": 512, "int4": 1024},
    "gfx1201": {"fp64": 8, "fp32": 256, "fp16": 1024, "fp8": 2048, "int8": 2048, "int4": 4096},
    "metal": {"fp32": 256, "fp16": 256},
}  # fmt: skip
RATES["10.0"] = RATES["11.0"] | {"fp64": 128}
RATES["10.3"] = RATES["10.0"] | {"fp4": 49152}


def rate_per_unit(row: CatalogGpu, number_type: str) -> int:
    rates = RATES[str(row.compute_capability)]
    key = number_type.removesuffix("_acc16")
    return rates["fp16" if key == "bf16" else key]


def test_all_accelerators_are_there() -> None:
    assert len(GPUS) == len(set(IDS)) >= 182
    assert {
        "a100-80gb-sxm",
        "h100-80gb-sxm",
        "rtx-4090",
        "mi300x",
        "apple-m5-max",
        "tpu-v7",
        "cerebras-wse3",
    } <= set(IDS)


@pytest.mark.parametrize("row", GPUS, ids=IDS)
def test_no_peak_exceeds_what_the_units_can_do_without_sparsity(row: CatalogGpu) -> None:
    if row.sm_count is None or row.boost_clock_mhz is None or str(row.compute_capability) not in RATES:
        assert row.vendor in {"Google", "AWS", "Intel", "Huawei", "Groq", "Cerebras", "NVIDIA", "AMD"}
        assert row.peak_over_arithmetic is None or row.peak_over_arithmetic == pytest.approx(1, abs=0.02)
        return
    for number_type, tflops_per_s in row.peak_tflops_per_s.items():
        clock_thz = row.boost_clock_mhz / 1e6
        margin = VECTOR_CLOCK if number_type in {"fp32", "fp64"} else ROUNDING
        bound = row.sm_count * rate_per_unit(row, number_type) * clock_thz * margin
        assert 0 < tflops_per_s <= bound, number_type


@pytest.mark.parametrize("row", GPUS, ids=IDS)
def test_core_gpu_is_the_file_in_si_units(row: CatalogGpu) -> None:
    gpu = row.gpu
    assert gpu.memory_bytes == round(row.memory_gib * 2**30)
    assert 0.65 * gpu.memory_bytes < gpu.usable_memory_bytes <= gpu.memory_bytes
    assert gpu.memory_bandwidth_bytes_per_s == row.memory_bandwidth_gb_per_s * 1e9
    assert [name for name, _ in gpu.peaks] == list(row.peak_tflops_per_s)
    assert all(gpu.peak_flops_per_s(name) == rate * 1e12 for name, rate in row.peak_tflops_per_s.items())
    assert gpu.usable_memory_estimated == (row.source_of("usable_memory_gib").kind == "estimate")
    assert (gpu.link_kind is None) == (row.link is None)


@pytest.mark.parametrize("row", GPUS, ids=IDS)
def test_every_number_has_a_dated_source(row: CatalogGpu) -> None:
    for key in row.written_numbers:
        source = row.source_of(key)
        assert source.source
        assert date(2026, 11, 1) <= source.checked


@pytest.mark.parametrize("row", GPUS, ids=IDS)
def test_driver_total_lies_between_usable_and_nominal(row: CatalogGpu) -> None:
    if row.driver_memory_mib is not None:
        assert row.usable_memory_gib <= row.driver_memory_mib / 1024 + 0.05
        assert row.driver_memory_mib / 1024 <= row.memory_gib * 1.02


@pytest.mark.parametrize(
    ("gpu_id", "number_type", "tflops_per_s"),
    [
        ("v100-32gb-sxm2", "fp16", 80 * 1024 * 1.530e-3),
        ("a100-80gb-sxm", "bf16", 108 * 2048 * 1.410e-3),
        ("h100-80gb-sxm", "fp8", 132 * 8192 * 1.830e-3),
        ("b200-180gb-sxm", "fp4", 148 * 32768 * 1.855e-3),
        ("rtx-4090", "fp16", 128 * 512 * 2.520e-3),
        ("rtx-4090", "fp16_acc16", 128 * 1024 * 2.520e-3),
        ("mi300x", "fp16", 304 * 2048 * 2.100e-3),
        ("mi355x", "fp4", 256 * 16384 * 2.400e-3),
        ("apple-m3-max", "fp16", 40 * 256 * 1.380e-3),
    ],
)
def test_peaks_by_their_arithmetic(gpu_id: str, number_type: str, tflops_per_s: float) -> None:
    peak = load_catalogs().gpu(gpu_id).peak_flops_per_s(number_type)
    assert peak == pytest.approx(tflops_per_s * 1e12, rel=0.01)


def test_half_of_the_generation_lacks_what_it_lacks() -> None:
    catalogs = load_catalogs()
    assert not catalogs.gpu("v100").supports("bf16")
    assert not catalogs.gpu("a100").supports("fp8")
    assert not catalogs.gpu("h100").supports("int4")
    assert not catalogs.gpu("tpu-v5e").supports("fp16")
    assert not catalogs.gpu("mi308x").peaks


def test_estimated_usable_memory_follows_its_rule() -> None:
    guessed = [row for row in GPUS if row.source_of("usable_memory_gib").source.startswith("97 %")]
    assert len(guessed) >= 10
    for row in guessed:
        assert row.usable_memory_gib == pytest.approx(0.97 * row.memory_gib, rel=1e-3)
        assert row.gpu.usable_memory_estimated
