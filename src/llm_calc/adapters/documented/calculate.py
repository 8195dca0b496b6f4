"""``/api/calculate``: one request to one answer."""

from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.documented import shapes
from llm_calc.adapters.documented.gpus import gpu_tables, throughput_by_gpu
from llm_calc.adapters.documented.splits import parallelism_answer, requested_split
from llm_calc.adapters.documented.subject import Subject, requested_subject
from llm_calc.adapters.units import TERA, gib
from llm_calc.adapters.wire.documented_requests import CalculateRequest, OverheadFactors
from llm_calc.adapters.wire.documented_responses import CalculateResponse
from llm_calc.core import memory
from llm_calc.core.errors import DoesNotFitError, InvalidInputError
from llm_calc.core.estimate import Demand, Scenario, Speed, demand, speed
from llm_calc.core.footprint import Footprint, Numbers, Overheads, Split
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model
from llm_calc.core.plain_numbers import precision_warnings, uniform_numbers
from llm_calc.core.recommend import fits, smallest_fit
from llm_calc.core.throughput import Roofs

NO_GPU = (
    "no gpu was given: latency follows from gpu_tflops alone; the memory roof is not known, "
    "and real decode is far slower"
)
TFLOPS_IGNORED = "gpu_tflops was ignored: the peak of {0} for the precision was used"
TOO_LONG = "seq_length {0} is beyond the model's context length of {1} tokens"
ESTIMATED_MEMORY = "usable memory of {0} is estimated from its nominal memory"


@lru_cache(maxsize=4)
def _utc_second(since_epoch_s: int) -> str:
    return datetime.fromtimestamp(since_epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=512)
def _resolved(name: str, model: Model) -> str:
    return f"{name}: {memory.total_parameters(model):,} parameters"


class History:
    """Steps of one request, with times in ISO 8601, to the microsecond."""

    def __init__(self) -> None:
        self._taken: list[tuple[str, str, int]] = []

    def add(self, operation: str, result: str) -> None:
        """Note a step that was just taken."""
        self._taken.append((operation, result, time_ns()))

    @property
    def steps(self) -> list[dict[str, str]]:
        """All of them, in the documented form."""
        steps, second, words = [], "", ""
        for operation, result, at_ns in self._taken:
            digits = str(at_ns)
            if digits[:-9] != second:
                second = digits[:-9]
                words = _utc_second(int(second))
            at = f"{words}.{digits[-9:-3]}+00:00"
            steps.append({"operation": operation, "result": result, "timestamp": at})
        return steps


def core_overheads(factors: OverheadFactors) -> Overheads:
    """The wire's factors as the core's."""
    return Overheads(
        weights=factors.weights,
        kv_cache=factors.kv_cache,
        activations=factors.activations,
        system=factors.system,
    )


def answer_calculate(request: CalculateRequest, catalogs: Catalogs) -> CalculateResponse:
    """The answer as an object; what ``calculate`` raises passes."""
    return CalculateResponse.model_validate(calculate(request, catalogs))


def calculate(request: CalculateRequest, catalogs: Catalogs) -> dict[str, object]:
    """The documented answer.

    Raises:
        InvalidInputError: a field that cannot be right; names it and says what is accepted.
    """
    _check_calculation_type(request)
    history, warnings = History(), list(request.unknown_field_warnings())
    subject = requested_subject(request, catalogs)
    numbers, precision = uniform_numbers(request.precision), request.precision.lower()
    gpu = None if request.gpu is None else catalogs.gpu(request.gpu)
    peak = request.gpu_tflops * TERA if gpu is None else gpu.peak_flops_per_s(precision)
    history.add("resolve_model", _resolved(subject.name, subject.model))
    overheads = core_overheads(request.overheads)
    split, held = _split(request, subject, numbers, gpu, overheads, warnings)
    scenario = Scenario(
        model=subject.model,
        numbers=numbers,
        split=split,
        batch=request.batch_size,
        tokens=request.seq_length,
        overheads=overheads,
    )
    needs = demand(scenario, held)
    timing = speed(scenario, needs, _roofs(gpu, peak, request.efficiency_factor, split))
    _tell(history, scenario, needs, timing)
    rates, too_small = throughput_by_gpu(
        scenario, needs, gpu_tables(catalogs, precision), request.efficiency_factor
    )
    history.add("compare_gpus", f"{len(rates)} GPUs hold it, {len(too_small)} do not")
    return {
        "model_name": subject.name,
        "parameters_billions": memory.total_parameters(subject.model) / 1e9,
        "vram": shapes.vram_answer(needs, scenario.overheads),
        "flops": shapes.flops_answer(subject.model, needs),
        "performance": _performance(timing, request.batch_size, rates, too_small),
        "parallelism": parallelism_answer(split, peak / TERA),
        "overheads_used": shapes.overheads_answer(scenario.overheads),
        "history": history.steps,
        "assumptions": list(subject.assumptions),
        "warnings": warnings + _warnings(request, subject, gpu, needs),
    }


def _check_calculation_type(request: CalculateRequest) -> None:
    """Refuse what the document does not support."""
    if request.calculation_type != "model":
        msg = f'calculation_type: {request.calculation_type!r} is not supported; accepted is "model"'
        raise InvalidInputError(msg, field="calculation_type", accepted=["model"])


def _performance(
    timing: Speed, batch: int, rates: dict[str, float], too_small: list[str]
) -> dict[str, object]:
    """The documented timing, on the request's GPU and on those of the catalog."""
    return {
        **shapes.timing_answer(timing, batch),
        "throughput_by_gpu": rates,
        "does_not_fit": too_small,
        "bandwidth_utilization": _bandwidth_utilization(timing),
        "bound": timing.step.bound,
    }


def _roofs(gpu: Gpu | None, peak_flops_per_s: float, efficiency: float, split: Split) -> Roofs:
    return Roofs(
        flops_per_s=peak_flops_per_s,
        bytes_per_s=None if gpu is None else gpu.memory_bandwidth_bytes_per_s,
        efficiency_fraction=efficiency,
        gpus=split.layout.stage_gpus * split.sequence,
    )


def _split(
    request: CalculateRequest,
    subject: Subject,
    numbers: Numbers,
    gpu: Gpu | None,
    overheads: Overheads,
    warnings: list[str],
) -> tuple[Split, Footprint | None]:
    """The requested split, else the smallest that fits; a warning where memory is too small for it.

    With it what its fullest GPU holds, where that was looked at.
    """
    if request.parallelism is not None:
        return requested_split(request.parallelism, subject.model), None
    if gpu is None:
        return Split(), None
    try:
        return smallest_fit(
            subject.model,
            numbers,
            overheads,
            batch=request.batch_size,
            tokens=request.seq_length,
            usable_bytes=gpu.usable_memory_bytes,
        )
    except DoesNotFitError as error:
        warnings.append(f"{error.message}; the answer is for one {gpu.id} as if it had the memory")
        return Split(), None


def _tell(history: History, scenario: Scenario, needs: Demand, timing: Speed) -> None:
    history.add("calculate_model_size", f"{gib(needs.whole.weights_bytes):.2f} GB")
    history.add("calculate_kv_cache", f"{gib(needs.whole.kv_cache_bytes):.2f} GB")
    history.add("calculate_activations", f"{gib(needs.whole.activations_bytes):.2f} GB")
    history.add("calculate_parallelism", f"{scenario.split.gpus} GPU(s)")
    history.add("calculate_flops", f"{float(needs.prefill.total):.4g} FLOPs a prefill")
    history.add("calculate_performance", f"{float(timing.step.seconds):.4g} s a decode step")


def _bandwidth_utilization(timing: Speed) -> float | None:
    """``(bytes / peak bandwidth) / token_latency``, at most 1."""
    if timing.step.memory_s is None:
        return None
    return min(1.0, float(timing.step.memory_s / timing.step.seconds))


def _warnings(request: CalculateRequest, subject: Subject, gpu: Gpu | None, needs: Demand) -> list[str]:
    warnings = [*subject.warnings, *precision_warnings(request.precision)]
    if gpu is None:
        warnings.append(NO_GPU)
    elif "gpu_tflops" in request.model_fields_set:
        warnings.append(TFLOPS_IGNORED.format(gpu.id))
    if gpu is not None and gpu.usable_memory_estimated:
        warnings.append(ESTIMATED_MEMORY.format(gpu.id))
    if gpu is not None and request.parallelism is not None:
        warnings.extend(_shortage(needs, core_overheads(request.overheads), gpu))
    limit = subject.model.context_length_tokens
    if limit is not None and request.seq_length > limit:
        warnings.append(TOO_LONG.format(request.seq_length, limit))
    return warnings


def _shortage(needs: Demand, overheads: Overheads, gpu: Gpu) -> list[str]:
    """A warning where the requested split does not fit."""
    if fits(needs.gpu, overheads, gpu.usable_memory_bytes):
        return []
    needed, usable = gib(needs.gpu.system_bytes(overheads)), gib(gpu.usable_memory_bytes)
    return [
        f"does not fit: {needed:.2f} GB are needed on the fullest GPU with overheads, {usable:.2f} GB are usable"
    ]
