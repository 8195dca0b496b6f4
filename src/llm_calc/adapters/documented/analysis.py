"""The two analysis methods, each in its documented raw format."""

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.documented import shapes
from llm_calc.adapters.documented.calculate import NO_GPU
from llm_calc.adapters.documented.gpus import gpu_tables, throughput_by_gpu
from llm_calc.adapters.documented.subject import Subject, catalog_subject, feed_forward_width
from llm_calc.adapters.units import TERA, gib
from llm_calc.adapters.wire.documented_requests import AnalyzeByNameRequest, AnalyzeOnGpuRequest
from llm_calc.core import memory
from llm_calc.core.estimate import Demand, Scenario, demand, speed
from llm_calc.core.footprint import Overheads, Split
from llm_calc.core.hardware import Gpu
from llm_calc.core.plain_numbers import precision_warnings, uniform_numbers
from llm_calc.core.throughput import Roofs


def analyze_model_by_name(request: AnalyzeByNameRequest, catalogs: Catalogs) -> dict[str, object]:
    """A predefined model on a GPU of which only the peak is known."""
    subject, scenario = _scenario(request, catalogs)
    needs = demand(scenario)
    roofs = Roofs(
        flops_per_s=request.gpu_tflops * TERA, bytes_per_s=None, efficiency_fraction=request.efficiency_factor
    )
    tables = gpu_tables(catalogs, request.precision.lower())
    rates, _ = throughput_by_gpu(scenario, needs, tables, request.efficiency_factor)
    return {
        "model_info": _model_info(subject),
        "analysis_parameters": {**_parameters(request), "gpu_tflops": request.gpu_tflops},
        "flops": shapes.flops_answer(subject.model, needs),
        "vram": _vram(needs, scenario.overheads),
        "performance": {
            **shapes.timing_answer(speed(scenario, needs, roofs), request.batch_size),
            "throughput_by_gpu": rates,
        },
        **_closing(request, subject, scenario, (NO_GPU,)),
    }


def analyze_model_on_gpu(request: AnalyzeOnGpuRequest, catalogs: Catalogs) -> dict[str, object]:
    """A predefined model on one catalog GPU."""
    subject, scenario = _scenario(request, catalogs)
    gpu, precision = catalogs.gpu(request.gpu_name, "gpu_name"), request.precision.lower()
    peak = gpu.peak_flops_per_s(precision)
    needs = demand(scenario)
    roofs = Roofs(
        flops_per_s=peak,
        bytes_per_s=gpu.memory_bandwidth_bytes_per_s,
        efficiency_fraction=request.efficiency_factor,
    )
    return {
        "model_info": _model_info(subject),
        "gpu_info": _gpu_info(gpu, peak),
        "analysis_parameters": _parameters(request),
        "flops": shapes.flops_answer(subject.model, needs),
        "vram": {"model": _model_vram(needs, scenario.overheads), **_vram(needs, scenario.overheads)},
        "performance": shapes.timing_answer(speed(scenario, needs, roofs), request.batch_size),
        "compatibility": _compatibility(needs, scenario.overheads, gpu),
        **_closing(request, subject, scenario, ()),
    }


def _scenario(
    request: AnalyzeByNameRequest | AnalyzeOnGpuRequest, catalogs: Catalogs
) -> tuple[Subject, Scenario]:
    subject = catalog_subject(catalogs, request.model_name)
    scenario = Scenario(
        model=subject.model,
        numbers=uniform_numbers(request.precision),
        split=Split(),
        batch=request.batch_size,
        tokens=request.sequence_length,
    )
    return subject, scenario


def _model_info(subject: Subject) -> dict[str, object]:
    model, entry = subject.model, subject.entry
    return {
        "name": subject.name,
        "family": "" if entry is None else entry.family,
        "parameters_b": memory.total_parameters(model) / 1e9,
        "hidden_dimensions": model.hidden,
        "feedforward_dimensions": feed_forward_width(model),
        "num_layers": model.num_layers,
        "vocab_size": model.vocab,
        "description": "" if entry is None else entry.description,
    }


def _gpu_info(gpu: Gpu, peak_flops_per_s: float) -> dict[str, object]:
    return {
        "name": gpu.id,
        "family": gpu.vendor,
        "vram_gb": gib(gpu.memory_bytes),
        "usable_memory_gb": gib(gpu.usable_memory_bytes),
        "tflops": peak_flops_per_s / TERA,
        "supported_precisions": list(gpu.supported_precisions),
    }


def _parameters(request: AnalyzeByNameRequest | AnalyzeOnGpuRequest) -> dict[str, object]:
    return {
        "sequence_length": request.sequence_length,
        "batch_size": request.batch_size,
        "precision": request.precision.lower(),
        "efficiency_factor": request.efficiency_factor,
    }


def _vram(needs: Demand, overheads: Overheads) -> dict[str, float]:
    more = needs.whole.with_overheads(overheads)
    return {
        "model_weights": gib(more.weights_bytes),
        "kv_cache": gib(more.kv_cache_bytes),
        "activations": gib(more.activations_bytes),
        "total": gib(needs.whole.system_bytes(overheads)),
    }


def _model_vram(needs: Demand, overheads: Overheads) -> dict[str, float]:
    base, more = needs.whole, needs.whole.with_overheads(overheads)
    return {
        "weights_base": gib(base.weights_bytes),
        "kv_cache_base": gib(base.kv_cache_bytes),
        "activations_base": gib(base.activations_bytes),
        "weights_with_overhead": gib(more.weights_bytes),
        "kv_cache_with_overhead": gib(more.kv_cache_bytes),
        "activations_with_overhead": gib(more.activations_bytes),
        "component_subtotal": gib(more.total_bytes),
        "total": gib(base.system_bytes(overheads)),
    }


def _compatibility(needs: Demand, overheads: Overheads, gpu: Gpu) -> dict[str, object]:
    needed_bytes = float(needs.whole.system_bytes(overheads))
    return {
        "fits_on_gpu": needed_bytes <= gpu.usable_memory_bytes,
        "vram_utilization_pct": 100 * needed_bytes / gpu.memory_bytes,
        "headroom_gb": gib(gpu.usable_memory_bytes - needed_bytes),
        "minimum_required_vram_gb": gib(needed_bytes),
    }


def _closing(
    request: AnalyzeByNameRequest | AnalyzeOnGpuRequest,
    subject: Subject,
    scenario: Scenario,
    further: tuple[str, ...],
) -> dict[str, object]:
    warnings = [
        *request.unknown_field_warnings(),
        *subject.warnings,
        *precision_warnings(request.precision),
        *further,
    ]
    return {
        "overheads_used": shapes.overheads_answer(scenario.overheads),
        "assumptions": list(subject.assumptions),
        "warnings": warnings,
    }
