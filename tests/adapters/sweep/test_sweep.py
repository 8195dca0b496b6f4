"""Sweeps: the same figures as the endpoints, in every format, checked and counted before the first row."""

import csv
import io
import itertools
import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.sweep.run import Sweep, ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.core.errors import InvalidInputError, UnknownNameError

Json = dict[str, Any]
MODEL: Json = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
MANY = 10_000_000


def ready(target: str, base: Json, grid: Json, **more: Any) -> Sweep:
    body = {"target": target, "base": base, "grid": grid, **more}
    return ready_sweep(SweepRequest.model_validate(body), load_catalogs(), MANY)


def stream(sweep: Sweep) -> bytes:
    return b"".join(written(sweep, sweep.batches(load_catalogs())))


def rows_of(sweep: Sweep) -> list[Json]:
    return [json.loads(line) for line in stream(sweep).decode().splitlines()]


def with_values(base: Json, values: Json) -> Json:
    body: Json = json.loads(json.dumps(base))
    for path, value in values.items():
        inner = body
        *outer, last = path.split(".")
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return body


LENGTHS: Json = {"workload.input_tokens": [100, 200]}
HOST: Json = {"tier": "host"}


def test_tiers_are_no_axis_of_memory_plans() -> None:
    with pytest.raises(InvalidInputError, match=r"grid.kv_tiers: changes no column"):
        ready("memory_plan", MODEL, {"kv_tiers": [[{**HOST, "memory_bytes": 1e11}], [HOST]]})


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ({**MODEL, "kv_tiers": [HOST, HOST]}, "named once"),
        ({**MODEL, "kv_tiers": [HOST], "engine": {"name": "llama.cpp"}}, "not modelled"),
        ({**MODEL, "kv_tiers": [{"tier": "disk"}]}, "must be given"),
    ],
)
def test_tiers_that_a_memory_plan_refuses_no_row_has(base: Json, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        ready("memory_plan", base, LENGTHS)


def test_rows_beside_tiers_are_not_called_exact() -> None:
    found = rows_of(ready("memory_plan", {**MODEL, "kv_tiers": [HOST]}, LENGTHS))
    assert {row["confidence"] for row in found} == {"approximate"}
    assert "kv_tiers" in found[0]["notes"]
    assert {row["confidence"] for row in rows_of(ready("memory_plan", MODEL, LENGTHS))} == {"exact"}


MEMORY_GRID: Json = {
    "precision.weights": ["bf16", "fp8"],
    "hardware.gpu": ["h100-80gb-sxm", "l40s"],
    "workload.input_tokens": [100, 30_000],
    "workload.concurrency": [1, 7, 500],
}


def test_memory_rows_are_the_endpoints(client: TestClient) -> None:
    found = rows_of(ready("memory_plan", MODEL, MEMORY_GRID))
    combinations = list(itertools.product(*MEMORY_GRID.values()))
    assert [tuple(row[path] for path in MEMORY_GRID) for row in found] == combinations
    for row in found:
        body = with_values(MODEL, {path: row[path] for path in MEMORY_GRID})
        answer = client.post("/api/memory_plan", json=body).json()
        for name in ("fits", "headroom_bytes", "kv_cache_tokens", "max_concurrency"):
            assert row[name] == answer[name], (name, body)
        assert row["weights_bytes"] == answer["per_gpu"]["weights_bytes"]
        assert row["error"] is None


def test_memory_rows_of_a_hybrid_with_replicas(client: TestClient) -> None:
    base = {
        "model": {"name": "gemma-3-27b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {"tensor": 2, "data": 2},
        "engine": {"name": "sglang"},
    }
    for row in rows_of(
        ready("memory_plan", base, {"workload.concurrency": [1, 33], "workload.input_tokens": [9000]})
    ):
        answer = client.post(
            "/api/memory_plan",
            json=with_values(
                base, {name: row[name] for name in ("workload.concurrency", "workload.input_tokens")}
            ),
        ).json()
        assert (row["fits"], row["headroom_bytes"]) == (answer["fits"], answer["headroom_bytes"])


LOADS: list[Json] = [
    {"workload.batch": [1, 3, 64], "workload.input_tokens": [64, 5000]},
    {"workload.concurrency": [1, 2, 40], "workload.output_tokens": [64, 500]},
    {"workload.request_rate": [0.5, 3.0], "workload.prefix_cache_hit_fraction": [0.0, 0.5]},
    {"workload.offline": [True], "workload.input_tokens": [64, 5000]},
    {"engine.name": ["vllm", "sglang"], "workload.batch": [4]},
]


@pytest.mark.parametrize("grid", LOADS, ids=lambda grid: next(iter(grid)))
def test_serving_rows_are_the_endpoints(client: TestClient, grid: Json) -> None:
    sweep = ready("serving_estimate", MODEL, grid)
    assert sweep.method in ("simulated", "as_endpoint")
    for row in rows_of(sweep):
        answer = client.post(
            "/api/serving_estimate", json=with_values(MODEL, {path: row[path] for path in grid})
        ).json()
        for name in ("ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s", "requests_per_s"):
            assert row[name] == pytest.approx(answer[name], rel=1e-9), name


@pytest.mark.parametrize("method", ["as_endpoint", "closed_form"])
def test_rows_say_whether_memory_holds_a_request(method: str) -> None:
    base = {
        **MODEL,
        "hardware": {"gpu": "rtx-4090"},
        "precision": {"kv_cache": "bf16"},
        "engine": {"name": "sglang"},
    }
    grid = {"workload.concurrency": [2, 300], "workload.input_tokens": [1000, 20_000, 100_000]}
    rows = rows_of(ready("serving_estimate", base, grid, method=method))
    kept = rows_of(ready("memory_plan", base, grid))
    said = [row["holds_a_request"] for row in rows]
    assert said == [row["sequences_that_fit"] >= 1 for row in kept]
    assert set(said) == {True, False}


BASES: Json = {
    "engine.name": ["vllm", "trtllm", "llama.cpp", "generic"],
    "hardware.gpu": ["h100-80gb-sxm", "h200-141gb-sxm", "l4", "mi300x"],
}
BASIS_LOADS: list[Json] = [
    {"workload.concurrency": [1, 2, 40], "workload.input_tokens": [500, 100_000]},
    {"workload.batch": [1, 16], "workload.input_tokens": [500, 100_000]},
    {"workload.request_rate": [0.5]},
    {"workload.offline": [True]},
]


@pytest.mark.parametrize("load", BASIS_LOADS, ids=lambda grid: next(iter(grid)))
def test_rows_rest_on_what_the_endpoint_says(client: TestClient, load: Json) -> None:
    base, grid = {**MODEL, "precision": {"kv_cache": "bf16"}}, {**BASES, **load}
    rows = rows_of(ready("serving_estimate", base, grid, method="closed_form"))
    for row in rows:
        body = with_values(base, {path: row[path] for path in grid})
        response = client.post("/api/serving_estimate", json=body)
        assert (row["error"] is None) == (response.status_code == 200), body
        assert row["basis"] == (response.json()["basis"]["kind"] if row["error"] is None else None), body
    assert {row["basis"] for row in rows} > {"calibrated", "formula_only"}


@pytest.mark.parametrize("load", BASIS_LOADS, ids=lambda grid: next(iter(grid)))
def test_every_format_and_method_says_the_same_basis(load: Json) -> None:
    grid = {**BASES, **load}

    def asked(name: str, method: str) -> Sweep:
        return ready("serving_estimate", MODEL, grid, format=name, method=method)

    lines = [row["basis"] for row in rows_of(asked("ndjson", "closed_form"))]
    assert [row["basis"] for row in rows_of(asked("ndjson", "as_endpoint"))] == lines
    text = stream(asked("csv", "closed_form")).decode()
    assert [row["basis"] or None for row in csv.DictReader(io.StringIO(text))] == lines
    assert '"calibrated"' not in text
    table = pq.read_table(io.BytesIO(stream(asked("parquet", "closed_form"))))
    assert table.column("basis").to_pylist() == lines
    assert str(table.schema.field("basis").type) == "string"


def test_rows_of_one_set_up_may_rest_on_different_things() -> None:
    base = {
        **MODEL,
        "hardware": {"gpu": "h100-80gb-sxm"},
        "precision": {"weights": "fp8", "kv_cache": "bf16"},
    }
    grid = {"workload.concurrency": [1, 8], "workload.input_tokens": [1000, 900_000]}
    rows = rows_of(ready("serving_estimate", base, grid, method="closed_form"))
    assert {row["basis"] for row in rows if not row["holds_a_request"]} == {"formula_only"}
    assert len({row["basis"] for row in rows}) > 1


def test_closed_form_is_near_the_simulation() -> None:
    grid = {"workload.concurrency": [1, 8, 32, 128], "workload.input_tokens": [256, 2048]}
    simulated = rows_of(ready("serving_estimate", MODEL, grid, method="as_endpoint"))
    closed = rows_of(ready("serving_estimate", MODEL, grid, method="closed_form"))
    assert {row["method"] for row in closed} == {"closed_form"}
    for one, other in zip(simulated, closed, strict=True):
        assert other["tpot_s"] == pytest.approx(one["tpot_s"], rel=0.1)
        assert other["output_tokens_per_s"] == pytest.approx(one["output_tokens_per_s"], rel=0.1)


@pytest.mark.parametrize("layout", [{"tensor": 4}, {"tensor": 2, "data": 2}])
def test_arrivals_in_closed_form_are_served_no_faster_than_they_come(layout: Json) -> None:
    """As many leave as come, until no more can; then the queue of the endpoint's 900 requests shows.

    The closed form leaves out that arrivals come in bursts, in which steps are longer: a sixth of the time a token
    below what is served at most, as docs/performance.md says.
    """
    base = {
        "model": {"name": "llama-3.3-70b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": layout,
        "workload": {"input_tokens": 2000, "output_tokens": 200},
    }
    rates = [0.1, 1.0, 3.0, 4.1, 8.0, 20.0]
    sweep = ready("serving_estimate", base, {"workload.request_rate": rates}, method="closed_form")
    rows = rows_of(sweep)
    runs = rows_of(ready("serving_estimate", base, {"workload.request_rate": rates}, method="as_endpoint"))
    for row, run in zip(rows, runs, strict=True):
        rate = row["workload.request_rate"]
        assert row["requests_per_s"] == pytest.approx(run["requests_per_s"], rel=1e-9)
        assert row["requests_per_s"] <= rate * (1 + 1e-9)
        assert row["tpot_s"] == pytest.approx(run["tpot_s"], rel=1 / 6)
        if row["requests_per_s"] < 0.999 * rate:
            waits_s = 901 / 2 * (1 / row["requests_per_s"] - 1 / rate)
            assert waits_s < row["ttft_s"] < run["ttft_s"]
    assert rows[-1]["ttft_s"] > rows[-2]["ttft_s"] > 100 * rows[0]["ttft_s"]


def test_arrivals_in_closed_form_are_not_called_exact_nor_a_run() -> None:
    base = {**MODEL, "workload": {"input_tokens": 500, "output_tokens": 100}}
    grid = {"workload.request_rate": [0.5, 3.0]}
    closed = rows_of(ready("serving_estimate", base, grid, method="closed_form"))
    runs = rows_of(ready("serving_estimate", base, grid, method="as_endpoint"))
    assert {row["confidence"] for row in closed} == {"approximate"}
    assert {row["confidence"] for row in runs} == {"exact"}
    assert "simulated run" not in closed[0]["notes"]
    assert "workload.request_rate: means in closed form" in closed[0]["notes"]
    assert "simulated run" in runs[0]["notes"]


def test_replicas_share_a_load(client: TestClient) -> None:
    base = {**MODEL, "hardware": {"gpu": "l40s", "count": 4}, "parallelism": {"data": 4}}
    for row in rows_of(ready("serving_estimate", base, {"workload.concurrency": [1, 3, 4, 30]})):
        body = with_values(base, {"workload.concurrency": row["workload.concurrency"]})
        answer = client.post("/api/serving_estimate", json=body).json()
        assert row["output_tokens_per_s"] == pytest.approx(answer["output_tokens_per_s"])


def test_closed_form_rows_of_single_requests_beside_others() -> None:
    base = {**MODEL, "hardware": {"gpu": "l40s", "count": 4}, "parallelism": {"data": 4}}
    grid = {"workload.concurrency": [1, 3, 4, 30]}
    exact = rows_of(ready("serving_estimate", base, grid, method="as_endpoint"))
    closed = rows_of(ready("serving_estimate", base, grid, method="closed_form"))
    for one, other in zip(exact[:3], closed[:3], strict=True):
        assert other["tpot_s"] == pytest.approx(one["tpot_s"])
        assert other["output_tokens_per_s"] == pytest.approx(one["output_tokens_per_s"], rel=0.02)


CALCULATIONS: list[tuple[Json, Json]] = [
    (
        {"model_name": "llama2-7b", "gpu": "a100-40gb-sxm"},
        {"batch_size": [1, 16, 300], "seq_length": [128, 8192], "efficiency_factor": [0.3, 1.0]},
    ),
    ({"model_name": "llama2-70b", "gpu": "v100-16gb-pcie"}, {"batch_size": [1, 64], "seq_length": [4096]}),
    ({"model_name": "mixtral-8x7b"}, {"gpu_tflops": [100.0, 312.5], "precision": ["fp16", "int8"]}),
    (
        {"model_name": "llama2-13b", "gpu": "l40s", "parallelism": {"tp_size": 2, "pp_size": 2}},
        {"batch_size": [1, 9], "seq_length": [77, 4000]},
    ),
]


@pytest.mark.parametrize(("base", "grid"), CALCULATIONS)
def test_calculations_are_the_endpoints(client: TestClient, base: Json, grid: Json) -> None:
    for row in rows_of(ready("calculate", base, grid)):
        answer = client.post("/api/calculate", json={**base, **{path: row[path] for path in grid}}).json()
        performance, vram = answer["performance"], answer["vram"]
        expected = {
            "token_latency_s": performance["token_latency"],
            "prefill_latency_s": performance["prefill_latency"],
            "tokens_per_s": performance["tokens_per_second"],
            "num_gpus": answer["parallelism"]["num_gpus"],
            "kv_cache_bytes": vram["kv_cache_base"] * 2**30,
            "total_bytes": vram["total_system_wide"] * 2**30,
            "prefill_flops": answer["flops"]["prefill_total"],
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_rows_that_cannot_be_calculated_say_why() -> None:
    grid = {"parallelism.tensor": [1, 3], "workload.batch": [1, 2]}
    base = {**MODEL, "hardware": {"gpu": "h100-80gb-sxm", "count": 3}}
    rows = rows_of(ready("serving_estimate", base, grid))
    assert "must be tensor x pipeline x data = 1 x 1 x 1 = 1; it is 3" in rows[0]["error"]
    assert "3 does not divide" in rows[2]["error"]
    assert rows[0]["tpot_s"] is None


def test_formats_hold_the_same_rows() -> None:
    grid = {**MEMORY_GRID, "engine": [{"name": "vllm"}, {"name": "trtllm", "max_batch_size": 8}]}
    lines = rows_of(ready("memory_plan", MODEL, grid))
    table = list(
        csv.DictReader(io.StringIO(stream(ready("memory_plan", MODEL, grid, format="csv")).decode()))
    )
    file = pq.read_table(io.BytesIO(stream(ready("memory_plan", MODEL, grid, format="parquet")))).to_pylist()
    assert len(lines) == len(table) == len(file) == 48
    for line, cells, record in zip(lines, table, file, strict=True):
        assert list(line) == list(cells) == list(record)
        assert json.loads(cells["engine"]) == json.loads(record["engine"]) == line["engine"]
        assert {name: value for name, value in record.items() if name != "engine"} == {
            name: value for name, value in line.items() if name != "engine"
        }
        assert float(cells["headroom_bytes"]) == line["headroom_bytes"]
        assert cells["fits"] == json.dumps(line["fits"])


def test_unknown_figures_are_null_or_empty() -> None:
    grid = {"hardware.gpu": ["l4", "cerebras-wse3"], "workload.batch": [1]}
    text = stream(ready("serving_estimate", {"model": {"name": "gpt2"}}, grid, format="csv")).decode()
    last = list(csv.DictReader(io.StringIO(text)))[-1]
    assert last["error"]
    assert last["tpot_s"] == ""
    file = pq.read_table(
        io.BytesIO(stream(ready("serving_estimate", {"model": {"name": "gpt2"}}, grid, format="parquet")))
    )
    assert file.column("tpot_s").null_count == 1
    refused = {"hardware.gpu": ["h101", "l4"]}
    rows = pq.read_table(
        io.BytesIO(stream(ready("memory_plan", {"model": {"name": "gpt2"}}, refused, format="parquet")))
    )
    assert rows.column("fits").to_pylist()[0] is None


def test_ranges() -> None:
    def values(part: Json) -> list[float]:
        return [
            row["workload.concurrency"]
            for row in rows_of(ready("memory_plan", MODEL, {"workload.concurrency": part}))
        ]

    assert values({"start": 1, "stop": 4}) == [1, 2, 3, 4]
    assert values({"start": 1, "stop": 10, "step": 4}) == [1, 5, 9]
    assert values({"start": 10, "stop": 40, "count": 3}) == [10, 25, 40]
    assert values({"start": 1, "stop": 1000, "count": 4, "spacing": "log"}) == [1, 10, 100, 1000]
    assert values({"start": 1, "stop": 3, "count": 9}) == [1, 2, 3]


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ({"start": 4, "stop": 1}, "stop must not be below start"),
        ({"start": 1, "stop": 9, "count": 3, "step": 2}, "exclude each other"),
        ({"start": 0, "stop": 9, "count": 3, "spacing": "log"}, "start must be above 0"),
        ({"start": 1, "stop": 9, "step": -1}, "step must be above 0"),
        ({"start": 0.0, "stop": 1e9}, "at most 1000000 values"),
    ],
)
def test_ranges_that_cannot_be_right(part: Json, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        ready("memory_plan", MODEL, {"workload.concurrency": part})


@pytest.mark.parametrize(
    ("base", "grid", "fault"),
    [
        (MODEL, {"workload.concurrency": [1, "a"]}, r"grid.workload.concurrency: 'a' is not accepted"),
        (MODEL, {"workload.concurrency": [1, 0]}, r"grid.workload.concurrency: 0 is not accepted"),
        (MODEL, {"workload.concurrency": [1, 2.5]}, r"grid.workload.concurrency: 2.5 is not accepted"),
        (MODEL, {"workload.people": [1]}, r"grid.workload.people: is not a known field"),
        (MODEL, {"model.name.first": [1]}, r"grid.model.name.first: name is no object in base"),
        ({"hardware": {"gpu": "l4"}}, {"workload.concurrency": [1]}, r"base.model: is required"),
        ({**MODEL, "workload": {"batch": 2}}, {"workload.concurrency": [1]}, r"one kind of load"),
    ],
)
def test_grids_that_cannot_be_right_are_refused_before_the_first_row(
    base: Json, grid: Json, fault: str
) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        ready("memory_plan", base, grid)


@pytest.mark.parametrize("target", ["serving_estimate", "memory_plan"])
@pytest.mark.parametrize(
    ("lengths", "fault"),
    [
        ({"distribution": "zz"}, r"\.distribution: must be 'fixed', 'uniform'"),
        ({}, r"\.distribution: is required"),
        ({"a": 1}, r"\.distribution: is required"),
        ([1], r": must be a whole number or a JSON object"),
    ],
)
def test_distributions_that_cannot_be_right_are_named(target: str, lengths: Any, fault: str) -> None:
    """Validation finds several faults in each, one of each kind of value that the field takes."""
    for field in ("input_tokens", "output_tokens"):
        base, path = {**MODEL, "workload": {field: lengths}}, f"workload.{field}"
        with pytest.raises(InvalidInputError, match=rf"^base\.{path}{fault}"):
            ready(target, base, {"workload.concurrency": [1]})
        with pytest.raises(InvalidInputError, match=rf"^grid\.{path}{fault}"):
            ready(target, MODEL, {path: [lengths]})


def test_what_all_rows_share_is_refused_at_once() -> None:
    with pytest.raises(UnknownNameError, match="llama-9"):
        ready("memory_plan", {**MODEL, "model": {"name": "llama-9"}}, {"workload.concurrency": [1]})
    with pytest.raises(UnknownNameError, match="llama-9"):
        ready("memory_plan", {**MODEL, "model": {"name": "llama-9"}}, {"precision.weights": ["fp8"]})
    with pytest.raises(InvalidInputError, match="seq_len: unknown field; did you mean seq_length"):
        ready("calculate", {"model_name": "llama2-7b"}, {"seq_len": [1]})


def test_batches_cover_every_row_once() -> None:
    grid = {"hardware.gpu": ["l4", "l40s", "h200"], "workload.input_tokens": {"start": 1, "stop": 30_000}}
    sweep = ready("memory_plan", MODEL, grid)
    assert sweep.grid.rows == 90_000
    sizes = [sum(rows.count for rows in batch) for batch in sweep.batches(load_catalogs())]
    assert sum(sizes) == 90_000
    assert len(sizes) == sweep.grid.batches == 6
    assert max(sizes) == sweep.grid.rows_a_batch
