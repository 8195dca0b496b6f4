"""What is kept of a deployment's runs is what each question would find by itself, and follows the formula."""

from dataclasses import replace
from math import log2

import numpy as np
import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.nearest import index_of
from llm_calc.core.evidence.distance import FARTHEST, Column, Load, Near, Stack, near
from tests.published import load_runs

STACK = Stack(
    model="llama-3.1-70b",
    shape="",
    active_parameters=70_553_706_496,
    gpu="h100-80gb-sxm",
    bandwidth_bytes_per_s=3.35e12,
    weights="fp8",
    weights_bits=8.0,
    kv_cache="16-bit",
    layout=(4, 1, 1, 1),
    version=None,
)
LOAD = Load(kind="closed_loop", input_tokens=1024, output_tokens=1024, requests=64.0)


def test_a_number_that_a_run_lacks_is_as_far_as_is_said() -> None:
    column = Column(np.array([10.0, np.nan, 8.0]), 1.0)
    assert column.far(1024.0).tolist() == [0.0, 1.0, 1.0]  # half of two doublings; none known


def test_two_loads_of_one_stack_do_not_touch_each_other() -> None:
    runs = index_of(load_catalogs())["vllm"].columns
    kept = near(STACK, runs)
    others = [replace(LOAD, kind="offline", requests=None), replace(LOAD, input_tokens=77, output_tokens=3)]
    first = kept.distances(LOAD)
    for load in others:
        assert kept.distances(load).tolist() == Near(STACK, runs).distances(load).tolist()
    assert kept.distances(LOAD).tolist() == first.tolist()
    assert near(replace(STACK), runs) is kept


def test_runs_on_the_same_gpu_are_as_far_as_the_formula_says() -> None:
    """By hand over the rows of the file: the stack's shape is nobody's, so that every run is of another model."""
    runs = index_of(load_catalogs())["vllm"].columns
    kept = near(replace(STACK, version="0.1"), runs)
    far = dict(zip(kept.places.tolist(), kept.distances(LOAD).tolist(), strict=True))
    rows = [row for row in load_runs() if row.engine == "vllm"]
    assert far
    for place, row in enumerate(rows):
        if row.gpu != STACK.gpu or row.requests is None or not (row.input_tokens and row.output_tokens):
            continue
        pairs = (
            (row.tensor, 4),
            (row.pipeline, 1),
            (row.data, 1),
            (row.expert, 1),
            (row.input_tokens, 1024),
            (row.output_tokens, 1024),
            (row.requests, 64),
        )
        wanted = 6 + abs(log2(row.active_parameters / STACK.active_parameters))
        wanted += 0.5 * sum(abs(log2(own / asked)) for own, asked in pairs)
        wanted += 0.0 if row.weights_kind == "fp8" else 1 + abs(log2(row.weights_bits / 8))
        wanted += 0.0 if row.kv_kind == "16-bit" else 0.5
        wanted += 0.0 if row.load == "closed_loop" and row.requests > 1 else 1.5
        wanted += 0.0 if row.engine_version == "0.1" else 0.25
        if place in far:
            assert far[place] == pytest.approx(wanted, rel=1e-12)
        else:
            assert wanted > FARTHEST
