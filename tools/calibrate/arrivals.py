"""Random arrivals: published runs beside what the product says of them; nothing is fitted to these.

usage: python -m tools.calibrate.arrivals

Writes ``catalogs/calibration/arrivals.json`` and a section of docs/accuracy.md, after the calibration that it rests on.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.serving.estimate import queue_of_many
from tools.calibrate.measurements import ROOT
from tools.calibrate.report import DOCS
from tools.calibrate.writing import error_row

LOAD = "random_arrivals"
METRICS = ("ttft_s", "tpot_s")
HEADING = "Random arrivals"
MOST_LOAD = 0.8
"""Of what a deployment can serve: beyond it times tell how long a run was."""


@dataclass(frozen=True)
class ArrivalRun:
    """A line of ``arrivals.csv``: its cells, and ln(predicted / measured) by metric."""

    cells: Mapping[str, str]
    residuals: Mapping[str, float]

    @property
    def stack(self) -> str:
        """What a range must hold for as a whole."""
        return "/".join(self.cells[name] for name in ("engine", "gpu", "published_model"))


@cache
def steady_runs() -> Sequence[ArrivalRun]:
    """Runs whose rate the deployment can serve, as it is predicted."""
    with (ROOT / "arrivals.csv").open(newline="", encoding="utf-8") as file:
        found = [_run(cells) for cells in csv.DictReader(file)]
    return [run for run in found if run is not None]


def _run(cells: Mapping[str, str]) -> ArrivalRun | None:
    request = ServingEstimateRequest.model_validate(request_of(cells))
    placed = place_request(request, load_catalogs())
    most = float(queue_of_many(placed.deployment, lengths_of(request.workload)).requests_per_s)
    if float(cells["requests_per_s"]) > MOST_LOAD * most:
        return None
    found = time_load(placed, request.workload)
    residuals = {name: log(float(getattr(found, name)) / float(cells[name])) for name in METRICS}
    return ArrivalRun(cells, residuals)


def request_of(cells: Mapping[str, str]) -> dict[str, object]:
    """The body of a request for a run."""
    return {
        "model": {"name": cells["model"]},
        "precision": {"weights": cells["weights"]},
        "hardware": {"gpu": cells["gpu"], "count": int(cells["tensor"])},
        "parallelism": {"tensor": int(cells["tensor"])},
        "engine": {"name": cells["engine"]},
        "workload": {
            "input_tokens": int(cells["input_tokens"]),
            "output_tokens": int(cells["output_tokens"]),
            "request_rate": float(cells["requests_per_s"]),
        },
    }


def errors() -> list[dict[str, object]]:
    """Errors and ranges of both times over all steady runs."""
    runs = steady_runs()
    stacks = [run.stack for run in runs]
    return [
        error_row(LOAD, name, "all", np.array([run.residuals[name] for run in runs]), stacks)
        for name in METRICS
    ]


def arrivals_section() -> Iterator[str]:
    """A section of docs/accuracy.md."""
    runs = steady_runs()
    yield f"## {HEADING}"
    yield ""
    yield (
        f"{len(runs)} published runs of `catalogs/calibration/arrivals.csv` at rates that the deployment can serve (at "
        f"most {MOST_LOAD:.0%} of the predicted most), none of which a fit takes: vLLM and TensorRT-LLM, twelve models "
        "on three GPUs, means of 200 and 500 requests. No published run of this kind tells percentiles."
    )
    yield ""
    yield "| metric | engine | GPU | n | mean | median | bias |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for name in METRICS:
        groups: dict[tuple[str, str], list[float]] = defaultdict(list)
        for run in runs:
            groups[run.cells["engine"], run.cells["gpu"]].append(run.residuals[name])
        for (engine, gpu), residuals in sorted(groups.items()):
            yield f"| {name} | {engine} | {gpu} | {_numbers(residuals)} |"
        yield f"| {name} | all | all | {_numbers([run.residuals[name] for run in runs])} |"
    yield ""


def _numbers(residuals: Sequence[float]) -> str:
    off = np.abs(np.expm1(residuals))
    return f"{len(residuals)} | {off.mean():.1%} | {np.median(off):.1%} | {np.exp(np.mean(residuals)):.2f}"


def with_section(page: str) -> str:
    """docs/accuracy.md with the section anew, before that of the runs of 2025-10 to 2026-06."""
    kept = [part for part in page.split("\n## ") if not part.startswith(HEADING)]
    place = next(at for at, part in enumerate(kept) if part.startswith("The runs of 2025-10"))
    return "\n## ".join([*kept[:place], "\n".join(arrivals_section()).removeprefix("## "), *kept[place:]])


def main() -> None:
    """Writes the errors, and the section."""
    runs = steady_runs()
    engines = sorted({run.cells["engine"] for run in runs})
    content = {"runs": len(runs), "engines": engines, "errors": errors()}
    (ROOT / "arrivals.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    page = DOCS / "accuracy.md"
    page.write_text(with_section(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
