"""Rows of ``/api/calculate``: batch, length, peak and efficiency as arrays."""

from collections.abc import Iterator

import numpy as np

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.documented.calculate import core_overheads
from llm_calc.adapters.documented.splits import requested_split
from llm_calc.adapters.documented.subject import requested_subject
from llm_calc.adapters.units import TERA
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.estimate import Demand, Scenario, demand, speed
from llm_calc.core.footprint import Numbers, Overheads, Split, gpu_footprint
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model
from llm_calc.core.plain_numbers import uniform_numbers
from llm_calc.core.recommend import candidate_layouts
from llm_calc.core.throughput import Roofs
from llm_calc.core.varying import Places, Values, Varying

CALCULATE_ARRAYS = frozenset(("batch_size", "seq_length", "gpu_tflops", "efficiency_factor"))
CALCULATE_FIGURES = (
    "token_latency_s",
    "prefill_latency_s",
    "tokens_per_s",
    "num_gpus",
    "weights_bytes",
    "kv_cache_bytes",
    "activations_bytes",
    "total_bytes",
    "total_bytes_per_gpu",
    "prefill_flops",
    "flops_per_token",
)
GPUS_PER_NODE = 8


def calculate_rows(request: CalculateRequest, changing: Varying, catalogs: Catalogs) -> dict[str, FloatArray]:
    """Figures of rows that share a model, GPU and precision.

    Raises:
        CalcError: the model, GPU or precision is not known, or the layout is not possible.
    """
    varying, rows = changing.values, changing.rows
    subject, numbers = requested_subject(request, catalogs), uniform_numbers(request.precision)
    gpu = None if request.gpu is None else catalogs.gpu(request.gpu)
    columns = {
        name: np.broadcast_to(varying.get(name, np.float64(getattr(request, name))), rows)
        for name in CALCULATE_ARRAYS
    }
    peak = columns["gpu_tflops"] * TERA
    if gpu is not None:
        peak = np.full(rows, gpu.peak_flops_per_s(request.precision.lower()))
    found = {name: np.empty(rows) for name in CALCULATE_FIGURES}
    for chosen, split in _splits(request, subject.model, numbers, gpu, columns):
        scenario = Scenario(
            model=subject.model,
            numbers=numbers,
            split=split,
            batch=columns["batch_size"][chosen],
            tokens=columns["seq_length"][chosen],
            overheads=core_overheads(request.overheads),
        )
        for name, value in _figures(
            scenario, gpu, peak[chosen], columns["efficiency_factor"][chosen]
        ).items():
            found[name][chosen] = value
    return found


def _splits(
    request: CalculateRequest,
    model: Model,
    numbers: Numbers,
    gpu: Gpu | None,
    columns: Values,
) -> Iterator[tuple[Places, Split]]:
    """Rows by their split: the requested one, or the smallest on which a row fits; on one GPU where none is."""
    rows = len(columns["batch_size"])
    if request.parallelism is not None or gpu is None:
        asked = request.parallelism
        yield np.arange(rows), Split() if asked is None else requested_split(asked, model)
        return
    left = np.arange(rows)
    overheads = core_overheads(request.overheads)
    for layout in candidate_layouts(model, GPUS_PER_NODE):
        split = Split(layout=layout)
        batch, tokens = columns["batch_size"][left], columns["seq_length"][left]
        holds = _held(model, numbers, split, batch, tokens, overheads) <= gpu.usable_memory_bytes
        if np.any(holds):
            yield left[holds], split
        left = left[~holds]
        if not len(left):
            return
    yield left, Split()


def _held(
    model: Model, numbers: Numbers, split: Split, batch: FloatArray, tokens: FloatArray, overheads: Overheads
) -> FloatArray:
    footprint = gpu_footprint(model, numbers, split, batch, tokens)
    return np.asarray(footprint.system_bytes(overheads))


def _figures(
    scenario: Scenario, gpu: Gpu | None, peak: FloatArray, efficiency: FloatArray
) -> dict[str, Quantity]:
    needs: Demand = demand(scenario)
    layout = scenario.split.layout
    timing = speed(
        scenario,
        needs,
        Roofs(
            flops_per_s=peak * efficiency,
            bytes_per_s=None if gpu is None else gpu.memory_bandwidth_bytes_per_s,
            efficiency_fraction=1.0,
            gpus=layout.stage_gpus * scenario.split.sequence,
        ),
    )
    return {
        "token_latency_s": timing.step.seconds,
        "prefill_latency_s": timing.prefill.seconds,
        "tokens_per_s": scenario.batch / timing.step.seconds,
        "num_gpus": scenario.split.gpus,
        "weights_bytes": needs.whole.weights_bytes,
        "kv_cache_bytes": needs.whole.kv_cache_bytes,
        "activations_bytes": needs.whole.activations_bytes,
        "total_bytes": needs.whole.system_bytes(scenario.overheads),
        "total_bytes_per_gpu": needs.gpu.system_bytes(scenario.overheads),
        "prefill_flops": needs.prefill.total,
        "flops_per_token": needs.decode.total,
    }
