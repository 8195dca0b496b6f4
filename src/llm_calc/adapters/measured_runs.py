"""Published runs of ``catalogs/calibration``: what was measured in each, and what the product predicts for it.

``runs.csv`` is written by ``make runs`` from ``measurements.csv``: the lines of one run joined, lines that a rule
sets aside left out, and the estimate of each run beside its figures. The estimates are stored because five of them
would more than double the time of an answer; a test holds them to what the code predicts now.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.adapters.setup import Subject
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.calibration import format_class
from llm_calc.core.memory import active_parameters
from llm_calc.core.model import Model

RUNS_FILE = "runs.csv"
FIGURES = ("ttft_s", "tpot_s", "output_tokens_per_s")
GGUF = "gguf"

RunLoad = Literal["single_stream", "closed_loop", "static_batch", "offline"]
Size = Annotated[int, Field(ge=1)]
Tokens = Annotated[int, Field(ge=0)]
Figure = Annotated[float, Field(gt=0)]


class RunRow(BaseModel):
    """One published run, a line of ``runs.csv``.

    ``model`` is the catalog's name where the catalog has the model, else that of its file; ``shape``,
    ``active_parameters``, ``weights_kind``, ``weights_bits`` and ``kv_kind`` are what the product makes of it.
    Lengths are None where the source does not say them, and 0 where the run had no prompt or no answer.
    """

    model_config = TEXT

    source: str
    engine: str
    engine_version: str | None = None
    model: str
    shape: str
    active_parameters: Size
    gpu: str
    tensor: Size
    pipeline: Size
    data: Size
    expert: Size
    weights: str
    weights_kind: str
    weights_bits: Figure
    kv_cache: str
    kv_kind: str
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    load: RunLoad
    requests: Size | None = None
    ttft_s: Figure | None = None
    tpot_s: Figure | None = None
    output_tokens_per_s: Figure | None = None
    predicted_ttft_s: Figure | None = None
    predicted_tpot_s: Figure | None = None
    predicted_output_tokens_per_s: Figure | None = None


class SourceRow(BaseModel):
    """A line of ``sources.csv``: where measurements were published."""

    model_config = TEXT

    source: str
    published_in: str


def runs_of(path: Path | None = None) -> Iterator[RunRow]:
    """All published runs, in the order of ``measurements.csv``; kept as rows, they would take 14 MB.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    return read_csv(RunRow, catalog_folder("calibration", path) / RUNS_FILE)


@cache
def load_sources(path: Path | None = None) -> dict[str, str]:
    """Where the runs of each source were published.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    rows = read_csv(SourceRow, catalog_folder("calibration", path) / "sources.csv")
    return {row.source: row.published_in for row in rows}


@lru_cache(maxsize=512)
def active_parameters_of(model: Model) -> int:
    """Parameters that one token meets."""
    return active_parameters(model)


def weights_kind(subject: Subject) -> str:
    """The kind of numbers of the weights: of GGUF files the file's own, 16-bit types in one."""
    weights = subject.precision.weights
    return weights.name if weights.storage == GGUF else weights.storage


def weights_bits(subject: Subject) -> float:
    """Bits of an element of most weights, scales included."""
    return subject.precision.weights.recipe.default.bits_per_element


def kv_kind(kv_cache: str) -> str:
    """The kind of numbers of the KV cache, 16-bit types in one."""
    return format_class(kv_cache)


@lru_cache(maxsize=512)
def was_measured(engine: str, subject: Subject) -> bool:
    """Whether a run was published of such a model under this engine on so many of these GPUs, in such weights."""
    setup = subject.setup
    return (
        engine,
        shape_of(setup.model),
        setup.gpu.id,
        setup.layout.gpus,
        weights_kind(subject),
    ) in _stacks()


@cache
def _stacks() -> frozenset[tuple[str, str, str, int, str]]:
    return frozenset(
        (run.engine, run.shape, run.gpu, run.tensor * run.pipeline * run.data, run.weights_kind)
        for run in runs_of()
    )
