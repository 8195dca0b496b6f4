"""How new held-out measurements were to their fits, and the ranges of questions as new."""

from collections import Counter

import numpy as np

from llm_calc.core.novelty import Newness
from tools.calibrate.cases import Case
from tools.calibrate.families import cases_by_family
from tools.calibrate.novelty import Blind, Samples, newness

ROW = Newness(place="row", pair="", maker="nvidia")


def served() -> list[Case]:
    return [
        case
        for case in cases_by_family()["served"]
        if case.row.aside is None and case.row.metric == "tpot_s" and case.row.load == "closed_loop"
    ]


def test_a_model_that_all_runs_of_a_vendor_were_of_takes_the_vendor_along() -> None:
    """AMD's servers ran DeepSeek alone: without it no engine was measured on AMD."""
    cases = served()
    new = newness(cases, np.ones(len(cases), dtype=bool), "model")
    amd = {each.place for case, each in zip(cases, new, strict=True) if case.vendor == "amd"}
    assert amd == {"vendor"}
    assert not any(each.known_model for each in new)
    nvidia = Counter(each.place for case, each in zip(cases, new, strict=True) if case.vendor == "nvidia")
    assert nvidia["model"] > 1500


def test_a_gpu_beside_others_of_its_class_is_less_new_than_the_only_one() -> None:
    cases = served()
    new = newness(cases, np.ones(len(cases), dtype=bool), "gpu")
    places = {case.row.gpu: each.place for case, each in zip(cases, new, strict=True)}
    assert places["h100-80gb-sxm"] == places["h200-141gb-sxm"] == "gpu"
    assert places["b200-180gb-sxm"] == places["mi355x"] == "generation"


def test_ranges_of_a_group_know_nothing_of_it() -> None:
    """H100's runs alone are 50 % too high: H200's scatter tells nothing of that, and all together do."""
    cases = [case for case in served() if case.row.gpu in ("h100-80gb-sxm", "h200-141gb-sxm")]
    new = newness(cases, np.ones(len(cases), dtype=bool), "gpu")
    first = np.array([case.row.gpu == "h100-80gb-sxm" for case in cases])
    scatter = np.random.default_rng(1).normal(0.0, 0.05, len(cases))
    found = Blind(
        "closed_loop",
        "tpot_s",
        cases,
        {"row": new, "gpu": new},
        {"row": np.full(len(cases), np.nan), "gpu": scatter + 0.5 * first},
    )
    held = found.held("gpu")
    assert held[first].mean() < 0.05
    (told,) = (error for error in found.samples.errors() if error.held_out == "gpu" and not error.maker)
    assert told.low_log < -0.45


def test_makers_have_ranges_of_their_own_and_one_group_alone_none_narrower_than_all() -> None:
    """Two engines on NVIDIA's chips and one on others: what a single group shows is no bound for the next."""
    cases = served()
    first = [next(case for case in cases if case.row.engine == name) for name in ("vllm", "trtllm")]
    other = next(case for case in cases if case.vendor == "amd")
    chosen = [other if at % 2 else first[at // 2 % 2] for at in range(80)]
    new = [Newness(place="vendor", pair="", maker="other" if at % 2 else "nvidia") for at in range(80)]
    residuals = np.array([-0.5 if at % 2 else 0.1 for at in range(80)]) + np.linspace(-0.01, 0.01, 80)
    told = {error.maker: error for error in Samples("closed_loop", "tpot_s", chosen, new, residuals).errors()}
    assert told["nvidia"].high_log == 0.0
    assert told["nvidia"].low_log < -0.09
    assert told["other"].high_log > 0.45
    assert told["other"].low_log == told[""].low_log < -0.09
    assert told[""].measurements == 80
