"""Writes ``catalogs/calibration/runs.csv``: every published run with what the product predicts for it.

usage: python -m tools.calibrate.predicted_runs
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import get_context
from typing import Any

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.measured_runs import (
    FIGURES,
    RUNS_FILE,
    RunRow,
    active_parameters_of,
    kv_kind,
    weights_bits,
    weights_kind,
)
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.serving.estimate import Estimate
from tools.calibrate.cases import CACHE_NAMES
from tools.calibrate.measurements import ROOT, Measurement, read_config_of
from tools.calibrate.runs import Run, published_runs

DIGITS = 6
PROCESSES = 2
SAME_CELLS = (
    *("source", "engine", "engine_version", "gpu", "tensor", "pipeline", "data", "expert", "weights"),
    *("kv_cache", "input_tokens", "output_tokens", "load"),
)

GGUF_KINDS = {("llama.cpp", "int8"): "q8_0", ("llama.cpp", "int4-gptq"): "q4_0"}
"""Kinds of GGUF files that a table of several engines names by their bits alone."""
OLDER_BACKENDS = {("trtllm", "int8"): "0.21"}
"""Releases whose backend ran formats that the newest does not."""

Cells = Mapping[str, object]


def main() -> None:
    """Predicts every run and writes the file."""
    runs = published_runs()
    with get_context("fork").Pool(PROCESSES) as pool:
        lines = pool.map(cells_of, runs, chunksize=32)
    with (ROOT / RUNS_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, RunRow.model_fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    sys.stdout.write(f"{RUNS_FILE}: {len(lines)} runs\n")


def cells_of(run: Run) -> Cells:
    """The line of a run."""
    placed, found = predicted(run.row)
    model = placed.subject.setup.model
    measured = {name: _short(run.figures.get(name)) for name in FIGURES}
    estimates = {name: float(getattr(found, name)) for name in run.figures}
    return {
        **{name: run.row.cells[name] for name in SAME_CELLS},
        "requests": "" if run.row.load == "offline" else run.row.requests,
        "model": model_name(run.row.model),
        "shape": shape_of(model),
        "active_parameters": active_parameters_of(model),
        "weights_kind": weights_kind(placed.subject),
        "weights_bits": _short(weights_bits(placed.subject)),
        "kv_kind": kv_kind(placed.kv_cache),
        **measured,
        **{f"predicted_{name}": _short(estimates.get(name)) for name in FIGURES},
    }


def predicted(row: Measurement) -> tuple[Placed, Estimate]:
    """A run as a request, and the product's estimate of it."""
    request = ServingEstimateRequest.model_validate(request_of(row))
    placed = place_request(request, load_catalogs())
    return placed, time_load(placed, request.workload)


def request_of(row: Measurement) -> dict[str, Any]:
    """The body of a request for a run; a prompt or an answer that it did not have is one token long."""
    loads: dict[str, dict[str, object]] = {
        "offline": {"offline": True},
        "static_batch": {"batch": row.requests},
    }
    layout = {name: getattr(row, name) for name in ("tensor", "pipeline", "data", "expert")}
    kv_cache = next((name for text, name in CACHE_NAMES.items() if text in row.kv_cache.lower()), "auto")
    return {
        "model": {"hf_config": read_config_of(row.model)},
        "precision": {
            "weights": GGUF_KINDS.get((row.engine, row.weights), row.weights),
            "kv_cache": kv_cache,
        },
        "hardware": {"gpu": row.gpu, "count": row.tensor * row.pipeline * row.data},
        "parallelism": layout,
        "engine": {"name": row.engine, "version": OLDER_BACKENDS.get((row.engine, row.weights))},
        "workload": {
            "input_tokens": round(row.input_tokens),
            "output_tokens": round(row.output_tokens),
            **loads.get(row.load, {"concurrency": row.requests}),
        },
    }


@cache
def model_name(measured: str) -> str:
    """The catalog's name of a measured model, by its id or, where only one model has it, by its shape."""
    catalogs, name = load_catalogs(), measured.replace("--", "/", 1)
    if name in catalogs.model_names:
        return catalogs.model(name).name
    shape = shape_of(read_config(read_config_of(measured)).model)
    alike = _by_shape(catalogs).get(shape, ())
    return alike[0] if len(alike) == 1 else name


@cache
def _by_shape(catalogs: Catalogs) -> Mapping[str, Sequence[str]]:
    names: dict[str, list[str]] = {}
    for entry in catalogs.models:
        names.setdefault(shape_of(read_config(entry.config, name=entry.name).model), []).append(entry.name)
    return names


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.{DIGITS}g}"


if __name__ == "__main__":
    main()
