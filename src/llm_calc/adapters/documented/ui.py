"""Response adapters: either raw analysis in the unified format of the web UI.

They give uniform names, bridge the two structures of ``vram``, and fill in what an analysis lacks: base sizes
from those with overheads, per-GPU sizes of a single GPU, the throughput table from the one GPU analysed.
"""

from typing import Any

Raw = dict[str, Any]
PARTS = {"model": "weights", "kv_cache": "kv_cache", "activations": "activations"}
RAW_NAMES = {"model": "model_weights", "kv_cache": "kv_cache", "activations": "activations"}


def unified(raw: Raw) -> Raw:
    """The unified format of a raw analysis by name or on a GPU."""
    return {
        "model_name": raw["model_info"]["name"],
        "parameters_billions": raw["model_info"]["parameters_b"],
        "vram": _vram(raw),
        "flops": _flops(raw["flops"]),
        "performance": {"throughput_by_gpu": _own_throughput(raw), **raw["performance"]},
        "parallelism": _parallelism(raw),
        "overheads_used": raw["overheads_used"],
        "history": _history(raw),
        "assumptions": raw.get("assumptions", []),
        "warnings": raw.get("warnings", []),
    }


def _flops(flops: Raw) -> Raw:
    """``prefill_total``, whichever name the analysis used."""
    rest = {name: value for name, value in flops.items() if name != "prefill"}
    return rest if "prefill_total" in rest else {**rest, "prefill_total": flops["prefill"]}


def _vram(raw: Raw) -> Raw:
    """All documented sizes; one GPU holds everything."""
    base, more = _sizes(raw)
    answer = {"total_base": sum(base.values()), "total_with_component_overhead": sum(more.values())}
    answer["total_system_wide"] = raw["vram"]["total"]
    for part in PARTS:
        answer |= {f"{part}_base": base[part], f"{part}_with_overhead": more[part]}
        answer |= {f"{part}_per_gpu": base[part], f"{part}_per_gpu_with_overhead": more[part]}
    answer["total_base_per_gpu"] = answer["total_base"]
    answer["total_per_gpu_with_component_overhead"] = answer["total_with_component_overhead"]
    return answer


def _sizes(raw: Raw) -> tuple[dict[str, float], dict[str, float]]:
    """Sizes without and with overheads, from whichever structure the analysis has."""
    vram, factors = raw["vram"], raw["overheads_used"]
    if "model" in vram:
        parts = vram["model"]
        base = {part: parts[f"{name}_base"] for part, name in PARTS.items()}
        return base, {part: parts[f"{name}_with_overhead"] for part, name in PARTS.items()}
    more = {part: vram[name] for part, name in RAW_NAMES.items()}
    return {part: more[part] / factors[name] for part, name in PARTS.items()}, more


def _own_throughput(raw: Raw) -> dict[str, float]:
    """The table of one GPU, for an analysis that was made on it."""
    gpu = raw.get("gpu_info")
    return {} if gpu is None else {gpu["name"]: raw["performance"]["tokens_per_second"]}


def _parallelism(raw: Raw) -> Raw:
    """One GPU, in both vocabularies."""
    peak = raw["gpu_info"]["tflops"] if "gpu_info" in raw else raw["analysis_parameters"]["gpu_tflops"]
    return {
        "recommended_strategy": "none",
        "tensor_parallel_gpus": 1,
        "pipeline_parallel_gpus": 1,
        "strategy": "none",
        "tp_size": 1,
        "pp_size": 1,
        "num_gpus": 1,
        "effective_tflops": peak,
    }


def _history(raw: Raw) -> list[str]:
    """What the analysis did, in words."""
    vram, performance = raw["vram"], raw["performance"]
    steps = [
        f"Model: {raw['model_info']['name']}, {raw['model_info']['parameters_b']:.2f} billion parameters",
        f"Memory with overheads: {vram['total']:.2f} GB, of which weights {vram['model_weights']:.2f} GB",
        (
            f"Prefill: {raw['flops'].get('prefill_total', raw['flops'].get('prefill', 0)):.4g} FLOPs, "
            f"{performance['prefill_latency']:.4g} s"
        ),
        f"Decode: {performance['token_latency']:.4g} s a step, {performance['tokens_per_second']:.4g} tokens/s",
    ]
    if "compatibility" in raw:
        fits = raw["compatibility"]["fits_on_gpu"]
        steps.append(f"{raw['gpu_info']['name']}: {'fits' if fits else 'does not fit'}")
    return steps
