"""``/api/model_scaling_analysis``: strategies compared at the fewest GPUs that hold a model."""

from llm_calc.adapters.documented.calculate import core_overheads
from llm_calc.adapters.documented.shapes import overheads_answer
from llm_calc.adapters.documented.subject import Subject, custom_subject
from llm_calc.adapters.units import GIB, gib
from llm_calc.adapters.wire.documented_requests import ScalingRequest
from llm_calc.core.footprint import Footprint, whole_footprint
from llm_calc.core.hardware import Link
from llm_calc.core.plain_numbers import precision_warnings, uniform_numbers
from llm_calc.core.scaling import COMPLEXITY, Option, compare_strategies

ASSUMED_LINK = Link(kind="NVLink 4", bytes_per_s_per_gpu_each_way=450e9, latency_s=10e-6)
LINK_ASSUMPTION = (
    "communication is modelled for NVLink 4 (450e9 bytes/s each way, 10 µs a collective); "
    "GPUs joined by PCIe or a network need several times longer"
)
PREFERENCE = ("tensor", "expert", "tensor_pipeline", "pipeline", "sequence")
WHOLE_MEMORY = "gpu_vram_gb was taken as usable memory in full; drivers keep 0.3 to 2 GB of it"


def model_scaling_analysis(request: ScalingRequest) -> dict[str, object]:
    """The documented answer, with the further strategies."""
    subject = _subject(request)
    numbers, overheads = uniform_numbers(request.precision), core_overheads(request.overheads)
    usable_bytes = request.gpu_vram_gb * GIB
    whole = whole_footprint(subject.model, numbers, request.batch_size, request.sequence_length)
    needed_bytes = float(whole.system_bytes(overheads))
    options = compare_strategies(
        subject.model,
        numbers,
        overheads,
        batch=request.batch_size,
        tokens=request.sequence_length,
        usable_bytes=usable_bytes,
        link=ASSUMED_LINK,
    )
    best = _best(options)
    alone = needed_bytes <= usable_bytes
    return {
        "total_vram_required_gb": gib(needed_bytes),
        "gpu_vram_capacity_gb": request.gpu_vram_gb,
        "fits_on_single_gpu": alone,
        "num_gpus_required": 1 if alone else None if best is None or best.split is None else best.split.gpus,
        "recommended_strategy": "none" if alone or best is None else f"{best.strategy}_parallel",
        "scaling_details": {
            "single_gpu_memory_breakdown": _breakdown(whole),
            "parallel_strategies": {f"{each.strategy}_parallel": _option(each, request) for each in options},
        },
        "overheads_used": overheads_answer(overheads),
        "assumptions": [*subject.assumptions, LINK_ASSUMPTION, WHOLE_MEMORY],
        "warnings": [
            *request.unknown_field_warnings(),
            *precision_warnings(request.precision),
            *_hopeless(best, alone=alone),
        ],
    }


def _subject(request: ScalingRequest) -> Subject:
    """The model of the request's dimensions."""
    return custom_subject(
        request,
        {
            "hidden_dim": request.hidden_dimensions,
            "ff_dim": request.feedforward_dimensions,
            "num_layers": request.num_layers,
            "vocab_size": request.vocab_size,
        },
    )


def _best(options: tuple[Option, ...]) -> Option | None:
    """The fewest GPUs; of equals the one that engines run best (the order of ``PREFERENCE``)."""
    feasible = [each for each in options if each.split is not None]
    return min(
        feasible,
        key=lambda each: (each.split.gpus if each.split else 0, PREFERENCE.index(each.strategy)),
        default=None,
    )


def _hopeless(best: Option | None, *, alone: bool) -> list[str]:
    return (
        [] if alone or best is not None else ["no strategy considered holds the model on GPUs of this memory"]
    )


def _breakdown(whole: Footprint) -> dict[str, float]:
    return {
        "model_weights_gb": gib(whole.weights_bytes),
        "kv_cache_gb": gib(whole.kv_cache_bytes),
        "activation_memory_gb": gib(whole.activations_bytes),
        "optimizer_states_gb": 0.0,
        "gradient_accumulation_gb": 0.0,
    }


def _option(option: Option, request: ScalingRequest) -> dict[str, object]:
    split, footprint = option.split, option.footprint
    held = None if footprint is None else gib(footprint.system_bytes(core_overheads(request.overheads)))
    return {
        "feasible": split is not None,
        "reason": option.reason or None,
        "num_gpus": None if split is None else split.gpus,
        "tp_size": None if split is None else split.layout.tensor,
        "pp_size": None if split is None else split.layout.pipeline,
        "vram_per_gpu_gb": held,
        "communication_overhead": option.communication,
        "communication_s_per_step": option.communication_s,
        "implementation_complexity": COMPLEXITY[option.strategy],
    }
