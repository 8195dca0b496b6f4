"""Core results in the documented shapes: bytes to GiB, FLOPs a layer, seconds."""

from llm_calc.adapters.units import gib
from llm_calc.core.estimate import Demand, Speed
from llm_calc.core.footprint import Overheads
from llm_calc.core.model import Model

ATTENTION = ("attention_projections", "attention_scores", "ssm")
FEED_FORWARD = ("mlp", "experts", "shared_experts", "router")


def vram_answer(needs: Demand, overheads: Overheads) -> dict[str, float]:
    """The ``vram`` object: the whole model, and the GPU that holds most."""
    whole, gpu = needs.whole, needs.gpu
    whole_more = whole.with_overheads(overheads)
    gpu_more = whole_more if gpu is whole else gpu.with_overheads(overheads)
    total_more = whole_more.total_bytes
    return {
        "model_base": gib(whole.weights_bytes),
        "kv_cache_base": gib(whole.kv_cache_bytes),
        "activations_base": gib(whole.activations_bytes),
        "model_with_overhead": gib(whole_more.weights_bytes),
        "kv_cache_with_overhead": gib(whole_more.kv_cache_bytes),
        "activations_with_overhead": gib(whole_more.activations_bytes),
        "total_base": gib(whole.total_bytes),
        "total_with_component_overhead": gib(total_more),
        "total_system_wide": gib(total_more * overheads.system),
        "model_per_gpu": gib(gpu.weights_bytes),
        "kv_cache_per_gpu": gib(gpu.kv_cache_bytes),
        "activations_per_gpu": gib(gpu.activations_bytes),
        "model_per_gpu_with_overhead": gib(gpu_more.weights_bytes),
        "kv_cache_per_gpu_with_overhead": gib(gpu_more.kv_cache_bytes),
        "activations_per_gpu_with_overhead": gib(gpu_more.activations_bytes),
        "total_base_per_gpu": gib(gpu.total_bytes),
        "total_per_gpu_with_component_overhead": gib(gpu_more.total_bytes),
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
