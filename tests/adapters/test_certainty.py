"""Ranges of estimates: what rests on measurements, within what the hardware can do."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.certainty import _told
from llm_calc.core.calibration import Calibration, HeldOutError
from llm_calc.core.novelty import Newness
from llm_calc.library import estimate

WIDTH, LAYERS, VOCABULARY = 2880, 24, 201_088
EXPERTS = LAYERS * 4 * 3 * WIDTH * WIDTH * 4.25 / 8  # 4 of 32 a token, gate, up and down, mxfp4
ATTENTION = LAYERS * (2 * 4096 + 2 * 512) * WIDTH * 8.5 / 8  # 64 heads of 64 on 8, q8_0
HEAD = VOCABULARY * WIDTH * 8.5 / 8
ROUTER = LAYERS * 32 * WIDTH * 4


def test_no_range_begins_below_what_reading_the_weights_takes() -> None:
    answer = estimate(model="gpt-oss-20b", hardware="rtx-4090", engine={"name": "llama.cpp"})
    least = (EXPERTS + ATTENTION + HEAD + ROUTER) / 1008e9
    span = answer.interval.tpot_s
    assert span is not None
    assert span.low >= 0.99 * least  # norms and biases aside
    assert span.low <= answer.tpot_s <= span.high


@pytest.mark.parametrize("gpu", ["rtx-3060-12gb", "rtx-5090", "apple-m3-ultra", "mi300x", "h100-80gb-sxm"])
def test_every_weight_of_a_dense_model_is_read_for_a_token(gpu: str) -> None:
    """16 bits a parameter but those of 57 norms; the tied embedding is the head, and is read as such."""
    answer = estimate(
        model="llama-3.2-3b", hardware=gpu, engine={"name": "llama.cpp"}, precision={"weights": "f16"}
    )
    bandwidth = load_catalogs().gpu(gpu).memory_bandwidth_bytes_per_s
    span = answer.interval.tpot_s
    assert span is not None
    assert span.low >= 0.999999 * 2 * (3_212_749_824 - 57 * 3072) / bandwidth  # rounding


def test_a_model_on_a_gpu_of_another_vendor_with_one_measured_model_is_as_unsure_as_a_new_vendor() -> None:
    """SGLang ran DeepSeek alone on MI300X: its Llama is no surer than an engine's first run on a vendor's chips."""
    new, vendor = (
        estimate(
            model="llama-3.1-70b",
            hardware={"gpu": "mi300x", "count": 8},
            engine={"name": name},
            workload={"concurrency": 16},
        )
        for name in ("sglang", "vllm")
    )
    ends = []
    for answer in (new, vendor):
        span = answer.interval.tpot_s
        assert span is not None
        ends.append((span.low / answer.tpot_s, span.high / answer.tpot_s))
    assert (new.basis.unseen, vendor.basis.unseen) == ("model", "vendor")
    rounding = 1e-6
    assert ends[0][0] <= ends[1][0] + rounding
    assert ends[0][1] >= ends[1][1] - rounding


def error(load: str, measurements: int) -> HeldOutError:
    """An error of times a token on unseen rows."""
    return HeldOutError(
        load=load,
        metric="tpot_s",
        held_out="row",
        measurements=measurements,
        mean_fraction=0.1,
        median_fraction=0.1,
        low_log=-0.2,
        high_log=0.2,
    )


@pytest.mark.parametrize(("cases", "loads"), [(10, ["batch"]), (9, ["batch", "closed_loop"])])
def test_fewer_than_ten_cases_of_a_load_are_told_with_those_of_its_neighbours(
    cases: int, loads: list[str]
) -> None:
    """Ten, as the page of performance says: a range that holds eight of ten cannot be read off fewer."""
    known = Calibration(
        name="served",
        fitted_on="",
        measurements=0,
        efficiencies=(),
        errors=(error("batch", cases), error("closed_loop", 500)),
    )
    new = Newness(place="row", pair="vllm/hopper", maker="nvidia")
    assert [each.load for each in _told(known, new, "batch", None)] == loads
