"""Tools that look names up, read a link, and answer with many rows."""

from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import from_json

from llm_calc.adapters import operations
from llm_calc.adapters.all_catalogs import chosen_catalogs
from llm_calc.adapters.links import read_link
from llm_calc.adapters.listings import LISTINGS
from llm_calc.adapters.searches import gpus_found, models_found
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.sweep.run import ready_sweep
from llm_calc.adapters.sweep.writers import ndjson
from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel, CalculateResponse
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.mcp_server.arguments import FurtherInput, Measurements
from llm_calc.mcp_server.asking import answer

MOST_MATCHES = 20
"""Entries of either kind that one search answers with."""


MOST_LISTED = 60
"""Rows of a list that one call answers with."""


class ListedRows(Answer):
    """Rows of a list."""

    rows: list[dict[str, Any]] = Field(description="The entries that match")
    rows_left_out: int = Field(description="Further entries that match [rows]")


class CatalogMatches(Answer):
    """Entries of the catalogs that hold the text in a name."""

    models: list[AvailableModel] = Field(description="Models, by name")
    gpus: list[AvailableGpu] = Field(description="GPUs, by id")
    models_left_out: int = Field(description="Further models that match [models]")
    gpus_left_out: int = Field(description="Further GPUs that match [GPUs]")


def search_catalog(
    text: Annotated[str, Field(description="Part of a name, in any case", min_length=1, max_length=100)],
) -> CatalogMatches:
    """Find models and GPUs whose name, family or vendor holds a text, with their dimensions and dense peaks.

    Ask it first where a name is not certain; every other tool takes the `name` of a model and the `id` of a GPU.
    """
    known = chosen_catalogs()
    models, gpus = models_found(known, text), gpus_found(known, text)
    return CatalogMatches(
        models=[AvailableModel.model_validate(row) for row in models[:MOST_MATCHES]],
        gpus=[AvailableGpu.model_validate(row) for row in gpus[:MOST_MATCHES]],
        models_left_out=max(0, len(models) - MOST_MATCHES),
        gpus_left_out=max(0, len(gpus) - MOST_MATCHES),
    )


def list_catalog(
    kind: Annotated[
        Literal["engines", "formats", "prices", "links"], Field(description="Which list to look into")
    ],
    text: Annotated[str, Field(description="Part of a name, in any case; all if empty", max_length=100)] = "",
) -> ListedRows:
    """List engines with their releases, number formats, rental prices of GPUs, or links between GPUs.

    Such as kind "engines", text "sglang": the releases whose rules are known, their options and what it runs on.
    """
    listing = next(each for each in LISTINGS if each.name == kind)
    found = listing.matching(listing.entries(chosen_catalogs()), text)
    rows = [each.model_dump(mode="json") for each in found[:MOST_LISTED]]
    return ListedRows(rows=rows, rows_left_out=max(0, len(found) - MOST_LISTED))


def estimate_from_link(
    link: Annotated[str, Field(description="The whole address, with what stands behind ? and #")],
    scenario: Annotated[str, Field(description="Which scenario of the link: A, B, C or D")] = "A",
) -> ServingEstimateAnswer:
    """Answer what a link of the calculator's page shows, as serving_estimate does.

    Such as http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&g=l40s&n=1. The page itself is not asked.
    """
    read = read_link(link)
    found = read.scenario(scenario)
    served = answer(operations.SERVING_ESTIMATE, **found.serving_estimate)
    idle = [f"link: {each}" for each in read.replaced]
    idle += [f"link: {each}: not known here, ignored" for each in read.unknown]
    idle += [f"link: {each}: plans alone read it; it changes nothing here" for each in found.for_plans]
    return served.model_copy(update={"warnings": [*served.warnings, *idle]}) if idle else served


MOST_ROWS = 500
"""Rows that one sweep answers with at most: they go into a conversation."""


class SweepRows(Answer):
    """The rows of a sweep."""

    rows: list[dict[str, Any]] = Field(description="For each combination its values and its figures")
    rows_left_out: int = Field(description="Further rows of the grid [rows]")


def sweep(
    target: Annotated[
        Literal["serving_estimate", "memory_plan", "calculate"], Field(description="The tool that is asked")
    ],
    base: Annotated[dict[str, Any], Field(description="Its arguments; what the grid names may be left out")],
    grid: Annotated[
        dict[str, Any],
        Field(
            description='Values by path of the argument, such as {"workload.concurrency": [1, 8, 64]}; or '
            '{"start": 1, "stop": 64, "count": 7, "spacing": "log"} in place of a list'
        ),
    ],
    method: Annotated[
        Literal["auto", "as_endpoint", "closed_form"],
        Field(description="closed_form: without simulation, fast, means within a few per cent"),
    ] = "auto",
    most_rows: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows to answer with [rows]")] = 100,
) -> SweepRows:
    """Ask another tool over a grid of values, one row for each combination: how figures change with load or length."""
    request = {"target": target, "base": base, "grid": grid, "method": method}
    wanted = operations.validated(SweepRequest, expanded(request))
    ready = ready_sweep(wanted, chosen_catalogs(), operations.MOST_ROWS)
    batches = ready.batches(chosen_catalogs())
    lines = (line for part in ndjson(ready, batches) for line in part.splitlines())
    rows = [from_json(line) for line in islice(lines, most_rows)]
    return SweepRows(rows=rows, rows_left_out=ready.grid.rows - len(rows))


def calibrate(measurements: Measurements) -> CalibrateAnswer:
    """Fit the efficiencies to your own measurements; `calibration` of the answer goes into serving_estimate.

    A measurement is such as {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": {"concurrency": 16},
    "measured": {"tpot_s": 0.0101}}. Nothing is stored.
    """
    return answer(operations.CALIBRATE, measurements=measurements)


def calculate(
    model_name: Annotated[str | None, Field(description="Name of a catalog model")] = None,
    hf_config: Annotated[dict[str, Any] | None, Field(description="A whole config.json instead")] = None,
    gpu: Annotated[str | None, Field(description="Id of a GPU")] = None,
    gpu_tflops: Annotated[float | None, Field(description="Dense peak in place of a GPU [TFLOP/s]")] = None,
    seq_length: Annotated[int | None, Field(description="Length of each sequence [tokens]; 2048")] = None,
    batch_size: Annotated[int | None, Field(description="Sequences at once [sequences]; 1")] = None,
    precision: Annotated[
        str | None, Field(description="fp32, fp16, bf16, fp8, int8 or int4, for everything; fp16")
    ] = None,
    efficiency_factor: Annotated[float | None, Field(description="Reachable share of the peak; 0.3")] = None,
    hidden_dim: Annotated[int | None, Field(description="Width, of a model by its dimensions")] = None,
    ff_dim: Annotated[int | None, Field(description="Width of its feed-forward layer")] = None,
    num_layers: Annotated[int | None, Field(description="Its layers")] = None,
    vocab_size: Annotated[int | None, Field(description="Its vocabulary [tokens]")] = None,
    parallelism: Annotated[
        dict[str, Any] | None, Field(description="strategy, tp_size, pp_size, num_gpus; absent: the fewest")
    ] = None,
    further: FurtherInput = None,
) -> CalculateResponse:
    """Calculate memory, FLOPs and timing on a flat roofline: a textbook figure without engine and load.

    memory_plan and serving_estimate answer what an engine really does; use this where the formula is wanted.
    """
    return answer(
        operations.CALCULATE,
        further,
        model_name=model_name,
        hf_config=hf_config,
        gpu=gpu,
        gpu_tflops=gpu_tflops,
        seq_length=seq_length,
        batch_size=batch_size,
        precision=precision,
        efficiency_factor=efficiency_factor,
        hidden_dim=hidden_dim,
        ff_dim=ff_dim,
        num_layers=num_layers,
        vocab_size=vocab_size,
        parallelism=parallelism,
    )
