"""The published runs nearest to a question: the exact one first, the formula as documented, honest where none is."""

import subprocess
import sys
from itertools import pairwise
from math import log2
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.measured_runs import FIGURES, RunRow
from llm_calc.adapters.nearest import MOST_SHOWN, index_of
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.measured import MeasuredPoint, NearestRun
from llm_calc.adapters.wire.serving import Basis, ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.core.engines import ENGINES
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.evidence.distance import FARTHEST
from llm_calc.core.memory import active_parameters
from tests.published import load_runs
from tools.calibrate.measurements import read_config_of

Json = dict[str, Any]
WHOLE_RUNS = [row for row in load_runs() if row.input_tokens and row.output_tokens]
# Stored estimates have six digits.
STORED = 1e-5
QUESTION: Json = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
    "parallelism": {"tensor": 4},
    "engine": {"name": "vllm"},
    "workload": {"input_tokens": 1024, "output_tokens": 1024, "concurrency": 64},
}


def answered(body: Json) -> ServingEstimateAnswer:
    return answer_serving_estimate(ServingEstimateRequest.model_validate(body), load_catalogs())


def asked(**change: Any) -> Basis:
    return answered({**QUESTION, **change}).basis


def model_of(row: RunRow) -> Json:
    if row.model in load_catalogs().model_names:
        return {"name": row.model}
    return {"hf_config": read_config_of(row.model.replace("/", "--"))}


def question_for(row: RunRow) -> Json:
    """The very deployment and load of a run."""
    loads: Json = {"offline": {"offline": True}, "static_batch": {"batch": row.requests}}
    lengths = {"input_tokens": row.input_tokens, "output_tokens": row.output_tokens}
    return {
        "model": model_of(row),
        "precision": {"weights": row.weights, "kv_cache": "fp8" if "fp8" in row.kv_cache else "auto"},
        "hardware": {"gpu": row.gpu, "count": row.tensor * row.pipeline * row.data},
        "parallelism": {name: getattr(row, name) for name in ("tensor", "pipeline", "data", "expert")},
        "engine": {"name": row.engine if row.engine in ENGINES else "generic"},
        "workload": {**lengths, **loads.get(row.load, {"concurrency": row.requests})},
    }


def figures(run: RunRow | NearestRun | MeasuredPoint) -> tuple[float | None, ...]:
    return tuple(getattr(run, name) for name in FIGURES)


@given(st.sampled_from(WHOLE_RUNS))
def test_the_question_of_a_run_finds_that_run_first_with_nothing_that_differs(row: RunRow) -> None:
    answer = answered(question_for(row))
    first = answer.basis.nearest[0]
    assert (first.differs, first.distance) == ([], 0.0)
    exact = [run for run in answer.basis.nearest if run.distance == 0]
    assert figures(row) in [figures(run) for run in exact] or len(exact) == MOST_SHOWN
    for name in FIGURES:
        predicted = getattr(first, f"predicted_{name}")
        assert (predicted is None) == (getattr(first, name) is None)
        if predicted is not None:
            assert predicted == pytest.approx(getattr(answer, name), rel=STORED)


@given(
    row=st.sampled_from(WHOLE_RUNS),
    gpu=st.sampled_from([gpu.id for gpu in load_catalogs().gpus if gpu.supports("bf16")]),
    lengths=st.tuples(st.integers(1, 100_000), st.integers(1, 8000)),
)
def test_runs_are_near_comparable_and_in_order(row: RunRow, gpu: str, lengths: tuple[int, int]) -> None:
    body = question_for(row)
    body["hardware"]["gpu"] = gpu
    body["workload"] = {"input_tokens": lengths[0], "output_tokens": lengths[1], "concurrency": 1}
    try:
        basis = answered(body).basis
    except UnsupportedError:
        assume(False)  # this engine runs no such thing there
    assert len(basis.nearest) <= MOST_SHOWN
    for run in basis.nearest:
        assert body["engine"]["name"] in (run.engine, "generic")
        assert not {"model", "gpu"} <= set(run.differs)
        assert 0 < run.distance <= FARTHEST or run.differs == []
        assert any(value is not None for value in figures(run))
    assert all(near.distance <= far.distance for near, far in pairwise(basis.nearest))
    assert basis.nearest_note.startswith("no published run") == (basis.nearest == [])


@pytest.mark.parametrize(
    ("change", "distance", "differs"),
    [
        ({}, 0.0, []),
        ({"workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": 64}}, 0.5, ["output_tokens 2x"]),
        ({"workload": {"input_tokens": 2048, "output_tokens": 1024, "concurrency": 64}}, 0.5, ["input_tokens 0.5x"]),
        ({"precision": {"weights": "fp8", "kv_cache": "bf16"}}, 0.5, ["kv_cache"]),
        ({"precision": {"weights": "nvfp4", "kv_cache": "fp8"}}, 1 + log2(8 / 4.5), ["weights"]),
        ({"engine": {"name": "vllm", "version": "0.99"}}, 0.25, ["engine_version"]),
        ({"model": {"name": "llama-3.3-70b"}}, 0.1, []),
        ({"workload": {"input_tokens": 1024, "output_tokens": 1024, "batch": 64}}, 1.5, ["load"]),
        ({"hardware": {"gpu": "h100-80gb-pcie", "count": 4}}, 4 + log2(3352 / 2039) + 0.0, ["gpu"]),
    ],
)  # fmt: skip
def test_the_distance_is_the_documented_one(change: Json, distance: float, differs: list[str]) -> None:
    run = next(run for run in asked(**change).nearest if run.tensor == 4 and run.requests == 64)
    assert (run.model, run.gpu, run.engine, run.input_tokens) == (
        *("llama-3.1-70b", "h100-80gb-sxm", "vllm", 1024),
    )
    # Distances are answered with two digits; the bandwidths of the catalog are those of data sheets.
    assert run.distance == pytest.approx(distance, abs=0.01)
    assert run.differs == differs


def test_another_model_on_the_same_gpu_is_further_by_its_active_parameters() -> None:
    rows = {row.model: row.active_parameters for row in load_runs()}
    found = asked(model={"name": "qwen2-72b"}).nearest[0]
    assert (found.model, found.differs) == ("llama-3.1-70b", ["model"])
    model = active_parameters(read_config(load_catalogs().model("qwen2-72b").config).model)
    assert found.distance == pytest.approx(6 + log2(model / rows[found.model]), abs=0.006)


def test_a_length_that_a_run_does_not_have_counts_one() -> None:
    body = {
        "model": {"name": "llama-3-8b"},
        "precision": {"weights": "q4_k_m"},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "llama.cpp"},
        "workload": {"input_tokens": 512, "output_tokens": 128},
    }
    first = answered(body).basis.nearest[0]
    assert (first.distance, first.differs) == (1.0, ["output_tokens none"])


def test_what_is_far_in_everything_is_left_out() -> None:
    """A model hundreds of times smaller than those measured on the GPU; one of 8 billion parameters compares."""
    body = {
        "model": {"name": "smollm-135m"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "workload": {"input_tokens": 1024, "output_tokens": 1024, "concurrency": 64},
    }
    assert answered(body).basis.nearest == []
    assert answered({**body, "model": {"name": "llama-3.1-8b"}}).basis.nearest


def test_a_model_is_known_by_its_architecture_whatever_describes_it() -> None:
    config = load_catalogs().model("meta-llama/Llama-3.1-70B").published_config
    by_name, by_config = asked(), asked(model={"hf_config": config})
    dims = {
        "hidden_dim": 8192,
        "ff_dim": 28672,
        "num_layers": 80,
        "vocab_size": 128256,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
    }
    by_size = asked(model={"custom": dims})
    for other in (by_config, by_size):
        assert [run.differs for run in other.nearest] == [run.differs for run in by_name.nearest]
        assert [figures(run) for run in other.nearest] == [figures(run) for run in by_name.nearest]
        assert other.measured_curve == by_name.measured_curve
    assert "model" in asked(model={"custom": {**dims, "num_key_value_heads": 16}}).nearest[0].differs


def test_what_no_run_has_is_named() -> None:
    workload = {**QUESTION["workload"], "prefix_cache_hit_fraction": 0.5}
    assert asked(workload=workload).nearest[0].differs == ["prefix_cache_hit_fraction"]
    assert asked(speculative={}).nearest[0].differs == ["speculative"]
    arrivals = {"input_tokens": 1024, "output_tokens": 1024, "request_rate": 1.0}
    assert asked(workload=arrivals).nearest[0].differs == ["load"]


def test_where_nothing_compares_the_answer_says_so() -> None:
    found = asked(model={"name": "smollm-135m"}, hardware={"gpu": "gaudi3"}, parallelism=None)
    assert (found.nearest, found.measured_curve) == ([], [])
    assert found.nearest_note == (
        "no published run of vllm with this model or on this GPU near enough to compare"
    )


def test_the_curve_is_one_deployment_at_all_of_its_loads() -> None:
    curve = asked().measured_curve
    rows = [
        row
        for row in load_runs()
        if (row.engine, row.model, row.gpu, row.tensor, row.data) == ("vllm", *("llama-3.1-70b", "h100-80gb-sxm", 4, 1))
        if (row.weights, row.input_tokens, row.output_tokens) == ("fp8", 1024, 1024)
    ]  # fmt: skip
    assert sorted(figures(point) for point in curve) == sorted(figures(row) for row in rows)
    loads = [point.requests for point in curve]
    assert loads == sorted(loads)
    assert len(set(loads)) > 3
    near = {"input_tokens": 1100, "output_tokens": 900, "concurrency": 7}
    assert asked(workload=near).measured_curve == curve
    assert asked(precision={"weights": "bf16"}).measured_curve == []
    assert asked(precision={"weights": "fp8", "kv_cache": "bf16"}).measured_curve == []
    far = {"input_tokens": 1500, "output_tokens": 1024, "concurrency": 64}
    assert asked(workload=far).measured_curve == []
    assert asked(workload={**near, "concurrency": None, "request_rate": 1.0}).measured_curve == curve
    assert asked(workload={"input_tokens": 1024, "output_tokens": 1024, "offline": True}).measured_curve == []


def test_grids_and_searches_do_not_look_for_runs() -> None:
    """Asked of no service, which empties caches, and what counts their questions, where memory becomes much."""

    def looks() -> int:
        known = index_of.cache_info()
        return known.hits + known.misses

    before = looks()
    grid = {"workload.concurrency": [1, 64], "hardware.gpu": ["h100-80gb-sxm", "h200-141gb-sxm"]}
    assert len(list(llm_calc.sweep(target="serving_estimate", base=QUESTION, grid=grid))) == 4
    plans: Json = {
        "model": QUESTION["model"],
        "workload": QUESTION["workload"],
        "gpus": ["h100-80gb-sxm"],
        "formats": ["fp8"],
        "engines": ["vllm"],
        "limits": {"max_gpus": 4},
    }
    assert llm_calc.plan(**plans).plans
    assert looks() == before
    assert llm_calc.estimate(**QUESTION).basis.nearest
    assert looks() == before + 1


FRESH = f"""
import gc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.measured_runs import RunRow
from llm_calc.adapters.operations import SERVING_ESTIMATE
answer = SERVING_ESTIMATE.answered({QUESTION!r}, load_catalogs())
assert answer.basis.nearest
print(sum(isinstance(each, RunRow) for each in gc.get_objects()))
"""


def test_an_answer_keeps_no_more_rows_than_it_shows() -> None:
    """4000 rows take 14 MB; columns and tuples of equal texts take one."""
    printed = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout
    assert int(printed) <= MOST_SHOWN
