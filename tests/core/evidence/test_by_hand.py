"""Columns of published runs: kinds of load, logarithms of what is stated, nothing where nothing is."""

import numpy as np
import pytest

from llm_calc.core.evidence.distance import Load, Near, Stack, columns_of, kind_of_run

STACK = Stack(
    model="asked",
    shape="own",
    active_parameters=8_000_000_000,
    gpu="here",
    bandwidth_bytes_per_s=2e12,
    weights="fp8",
    weights_bits=8.0,
    kv_cache="16-bit",
    layout=(1, 1, 1, 1),
    version="1.0",
)
LOAD = Load(kind="closed_loop", input_tokens=1024, output_tokens=256, requests=8.0)
RUN = {
    "model": "asked",
    "shape": "own",
    "gpu": "here",
    "weights_kind": "fp8",
    "kv_kind": "16-bit",
    "load": "closed_loop",
    "requests": 8,
    "engine_version": "1.0",
    "active_parameters": 8_000_000_000,
    "weights_bits": 8,
    "tensor": 1,
    "pipeline": 1,
    "data": 1,
    "expert": 1,
    "input_tokens": 1024,
    "output_tokens": 256,
}


@pytest.mark.parametrize(
    ("load", "requests", "kind"),
    [
        ("closed_loop", 1, "single_stream"),
        ("static_batch", 1, "single_stream"),
        ("closed_loop", 2, "closed_loop"),
        ("offline", None, "offline"),
    ],
)
def test_one_request_at_once_is_one_kind_of_load(load: str, requests: int | None, kind: str) -> None:
    assert kind_of_run(load, requests) == kind


@pytest.mark.parametrize(
    ("differs", "far"),
    [
        ({}, 0.0),
        # Another GPU: 4, and one for each doubling of its bandwidth; 1 where nobody knows it.
        ({"gpu": "twice"}, 4.0 + 1.0),
        ({"gpu": "unheard"}, 4.0 + 1.0),
        ({"gpu": "eightfold"}, 4.0 + 3.0),
        # Another model of a quarter of the parameters: 6 + 2.
        ({"model": "other", "shape": "another", "active_parameters": 2_000_000_000}, 6.0 + 2.0),
        # Other numbers of half their bits: 1 + 1; another kind of cache: 0.5.
        ({"weights_kind": "int4", "weights_bits": 4}, 1.0 + 1.0),
        ({"kv_kind": "fp8"}, 0.5),
        # Halves of doublings: four GPUs for one is 0.5 x 2, an eighth of the answer 0.5 x 3.
        ({"tensor": 4}, 1.0),
        ({"output_tokens": 32}, 1.5),
        ({"input_tokens": None}, 1.0),
        ({"requests": 32}, 1.0),
        # One at once is another kind of load, and three doublings from eight.
        ({"requests": 1}, 1.5 + 1.5),
        ({"load": "offline", "requests": None}, 1.5),
        ({"engine_version": "0.9"}, 0.25),
    ],
)
def test_a_run_is_as_far_as_the_page_of_evidence_adds_up(differs: dict[str, object], far: float) -> None:
    held = {name: [value] for name, value in {**RUN, **differs}.items()}
    runs = columns_of(held, {"here": 2e12, "twice": 4e12, "eightfold": 16e12})
    near = Near(STACK, runs)
    assert near.places.tolist() == [0]
    assert near.distances(LOAD).tolist() == pytest.approx([far])


def test_what_a_run_lacks_is_no_number() -> None:
    runs = columns_of({name: [value] for name, value in {**RUN, "requests": None}.items()}, {"here": 2e12})
    assert np.isnan(runs.log_requests).tolist() == [True]
    assert runs.log_input.tolist() == [10.0]
    assert runs.log_bandwidth.tolist() == pytest.approx([np.log2(2e12)])
