"""Names that say a memory size, and what the system leaves of it to the GPU."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.core.errors import InvalidInputError, UnknownNameError

GIB = 1 << 30


@pytest.mark.parametrize(
    ("name", "chip", "gib", "usable_gib"),
    [
        ("m4 max 64gb", "apple-m4-max", 64, 48),
        ("MacBook Pro M4 Max 64GB", "apple-m4-max", 64, 48),
        ("mac studio m3 ultra 256", "apple-m3-ultra", 256, 192),
        ("Mac mini M4 Pro (24 GB)", "apple-m4-pro", 24, 16),
        ("m2 ultra 192 GB unified memory", "apple-m2-ultra", 192, 144),
        ("macbook air m2 8gb", "apple-m2", 8, 16 / 3),
        ("Apple M5 Max 128GB", "apple-m5-max", 128, 96),
        ("strix halo 64gb", "ryzen-ai-max-395", 64, 48),
        ("rtx 4090 24gb", "rtx-4090", 24, None),
    ],
)
def test_a_name_with_its_size(name: str, chip: str, gib: int, usable_gib: float | None) -> None:
    gpu = load_catalogs().gpu(name)
    assert (gpu.id, gpu.memory_bytes) == (chip, gib * GIB)
    if usable_gib is not None:
        assert gpu.usable_memory_bytes == pytest.approx(usable_gib * GIB, rel=0.002)


@pytest.mark.parametrize(
    ("name", "cores", "bandwidth"),
    [("m4 max 36gb", 32, 410e9), ("m3 max 96gb", 30, 307.2e9), ("m5 max 36gb", 32, 460e9)],
)
def test_some_sizes_come_with_fewer_cores(name: str, cores: int, bandwidth: float) -> None:
    smaller, whole = load_catalogs().gpu(name), load_catalogs().gpu(name.rpartition(" ")[0])
    assert (smaller.sm_count, smaller.memory_bandwidth_bytes_per_s) == (cores, bandwidth)
    assert smaller.peak_flops_per_s("fp16") == pytest.approx(whole.peak_flops_per_s("fp16") * cores / 40)
    assert load_catalogs().gpu(smaller.id) == smaller
    assert load_catalogs().cluster(smaller).gpu == smaller


def test_a_size_that_is_not_sold_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInputError, match=r"hardware\.gpu: .* sold with 36, 48, 64, 128 GB"):
        load_catalogs().gpu("m4-max-100gb", "hardware.gpu")


@pytest.mark.parametrize("name", ["mac studio", "64gb", "m9 max 64gb", "rtx-9999-24gb"])
def test_a_name_without_a_known_chip_is_unknown(name: str) -> None:
    with pytest.raises(UnknownNameError):
        load_catalogs().gpu(name)


def test_a_chip_without_its_size_says_which_was_taken() -> None:
    asked = {"model": "gpt-oss-20b", "engine": {"name": "llama.cpp", "n_ctx": 8192}}
    notes = {
        name: " ".join(MEMORY_PLAN.answered({**asked, "hardware": name}, load_catalogs()).assumptions)
        for name in ("m4 max", "m4 max 64gb", "m4 max 36gb", "rtx-4090")
    }
    assert "sold with 36, 48, 64, 128 GB; taken with 128" in notes["m4 max"]
    assert "sold with" not in notes["m4 max 64gb"] + notes["rtx-4090"]
    assert "32 GPU cores and 410 GB/s" in notes["m4 max 36gb"]


def test_gpt_oss_120b_needs_more_than_64_gb_of_a_mac() -> None:
    asked = {"model": "gpt-oss-120b", "engine": {"name": "llama.cpp", "n_ctx": 8192}}
    found = [
        MEMORY_PLAN.answered({**asked, "hardware": f"m4 max {gib}gb"}, load_catalogs()).fits
        for gib in (64, 128)
    ]
    assert found == [False, True]
