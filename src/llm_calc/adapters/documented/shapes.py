"""Core results in the documented shapes: bytes to GiB, FLOPs a layer, seconds."""

from llm_calc.adapters.units import gib
from llm_calc.core.estimate import Demand, Speed
from llm_calc.core.footprint import Footprint, Overheads
from llm_calc.core.model import Model

ATTENTION = ("attention_projections", "attention_scores", "ssm")
FEED_FORWARD = ("mlp", "experts", "shared_experts", "router")


def vram_answer(needs: Demand, overheads: Overheads) -> dict[str, float]:
    """The ``vram`` object: the whole model, and the GPU that holds most."""
    whole, gpu = _parts(needs.whole, overheads), _parts(needs.gpu, overheads)
    answer = {
        "total_base": gib(needs.whole.total_bytes),
        "total_with_component_overhead": gib(needs.whole.with_overheads(overheads).total_bytes),
        "total_system_wide": gib(needs.whole.system_bytes(overheads)),
        "total_base_per_gpu": gib(needs.gpu.total_bytes),
        "total_per_gpu_with_component_overhead": gib(needs.gpu.with_overheads(overheads).total_bytes),
    }
    for name, (base, more) in whole.items():
        answer[f"{name}_base"], answer[f"{name}_with_overhead"] = base, more
    for name, (base, more) in gpu.items():
        answer[f"{name}_per_gpu"], answer[f"{name}_per_gpu_with_overhead"] = base, more
    return answer


def _parts(footprint: Footprint, overheads: Overheads) -> dict[str, tuple[float, float]]:
    """Each part in GiB, without and with its overhead."""
    more = footprint.with_overheads(overheads)
    return {
        "model": (gib(footprint.weights_bytes), gib(more.weights_bytes)),
        "kv_cache": (gib(footprint.kv_cache_bytes), gib(more.kv_cache_bytes)),
        "activations": (gib(footprint.activations_bytes), gib(more.activations_bytes)),
    }


def flops_answer(model: Model, needs: Demand) -> dict[str, float]:
    """The ``flops`` object; ``layers x (attention + feedforward) + other + lm_head = prefill_total``."""
    prefill = needs.prefill.by_component
    return {
        "attention": sum(float(prefill[key]) for key in ATTENTION) / model.num_layers,
        "feedforward": sum(float(prefill[key]) for key in FEED_FORWARD) / model.num_layers,
        "lm_head": float(prefill["lm_head"]),
        "other": float(prefill["other"]),
        "prefill_total": float(needs.prefill.total),
        "per_token": float(needs.decode.total),
    }


def timing_answer(timing: Speed, batch: int) -> dict[str, float]:
    """Latencies in seconds and tokens per second."""
    step_s = float(timing.step.seconds)
    return {
        "tokens_per_second": batch / step_s,
        "prefill_latency": float(timing.prefill.seconds),
        "token_latency": step_s,
        "time_for_1000_tokens": 1000 * step_s,
    }


def overheads_answer(overheads: Overheads) -> dict[str, float]:
    """The factors in force."""
    return {
        "weights": overheads.weights,
        "kv_cache": overheads.kv_cache,
        "activations": overheads.activations,
        "system": overheads.system,
    }
