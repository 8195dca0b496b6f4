"""A GPU that is not in the catalog, by its own figures."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN, SERVING_ESTIMATE
from llm_calc.core.errors import CalcError

GIB = 1 << 30
LIKE_4090: dict[str, Any] = {
    "gpu": "custom",
    "memory_bytes": 48 * GIB,
    "memory_bandwidth_bytes_per_s": 1.008e12,
    "like": "rtx-4090",
}
NEVER_MEASURED = "qwen2-7b"
"""A stack that was measured has an offset of its own, which a GPU that only resembles it has not."""
ASKED: dict[str, Any] = {
    "model": "llama-3.1-8b",
    "precision": "q4_k_m",
    "engine": {"name": "llama.cpp", "n_ctx": 8192},
    "workload": {"input_tokens": 512, "output_tokens": 128},
}


def estimated(hardware: Any) -> Any:
    return SERVING_ESTIMATE.answered({**ASKED, "hardware": hardware}, load_catalogs())


def test_with_the_figures_of_a_known_one_it_is_as_fast() -> None:
    asked = {**ASKED, "model": NEVER_MEASURED}
    known, custom = (
        SERVING_ESTIMATE.answered({**asked, "hardware": each}, load_catalogs())
        for each in ("rtx-4090", LIKE_4090)
    )
    assert custom.tpot_s == pytest.approx(known.tpot_s)
    assert any("hardware.gpu: custom" in note for note in custom.assumptions)
    assert custom.basis.kind != "measured"


def test_more_bandwidth_is_faster_and_the_memory_is_its_own() -> None:
    fast = estimated({**LIKE_4090, "memory_bandwidth_bytes_per_s": 2.016e12})
    assert fast.tpot_s < 0.7 * estimated(LIKE_4090).tpot_s
    asked = {"model": "llama-3.1-8b", "precision": "q4_k_m", "hardware": LIKE_4090, "engine": "llama.cpp"}
    assert MEMORY_PLAN.answered(asked, load_catalogs()).per_gpu.memory_bytes == 48 * GIB


def test_peaks_of_its_own_bound_prompts() -> None:
    slow = estimated({**LIKE_4090, "peak_flops_per_s": {"fp16": 20e12, "fp32": 20e12}})
    assert slow.ttft_s > 2 * estimated(LIKE_4090).ttft_s


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"like": None}, "hardware.like"),
        ({"memory_bytes": None}, "hardware.memory_bytes"),
        ({"memory_bandwidth_bytes_per_s": None}, "hardware.memory_bandwidth_bytes_per_s"),
        ({"like": "rtx-4091"}, "rtx-4090"),
        ({"peak_flops_per_s": {"fp17": 1e12}}, "fp16"),
        ({"peak_flops_per_s": {"fp32": 1e12}}, "bf16"),
        ({"gpu_memory_bytes": GIB}, "hardware.memory_bytes"),
        ({"gpu": "rtx-4090"}, "for hardware.gpu custom"),
    ],
)
def test_what_is_missing_or_too_much_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(CalcError, match=said):
        estimated({**LIKE_4090, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"memory_bytes": 1},
        {"memory_bandwidth_bytes_per_s": 1e-300},
        {"peak_flops_per_s": {"bf16": 1e-300}},
    ],
)
def test_figures_of_no_gpu_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(CalcError, match=f"hardware.{next(iter(changed))}"):
        estimated({**LIKE_4090, **changed})


@pytest.mark.parametrize(
    "hardware",
    [
        LIKE_4090,
        [{"gpu": "rtx-4090"}, {"gpu": "rtx-3090"}],
        {"gpu": "rtx-4090", "gpu_memory_bytes": 48 * GIB},
    ],
)
def test_what_nobody_can_have_measured_is_never_calibrated(hardware: Any) -> None:
    found = estimated(hardware)
    assert (found.basis.kind, found.interval.status) == ("formula_only", "uncalibrated")
    assert found.basis.unseen == "gpu"


def test_more_memory_than_a_card_is_sold_with_is_said() -> None:
    more = estimated({"gpu": "rtx-4090", "gpu_memory_bytes": 48 * GIB})
    less = estimated({"gpu": "rtx-4090", "gpu_memory_bytes": 20 * GIB})
    assert any("hardware.gpu_memory_bytes: rtx-4090" in note for note in more.assumptions)
    assert not any("hardware.gpu_memory_bytes" in note for note in less.assumptions)
