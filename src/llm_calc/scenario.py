"""Requests from what a caller says in Python: names and numbers to the bodies that every view of the product sends."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

Body = dict[str, Any]
ModelLike = str | Mapping[str, Any]
"""A catalog name or Hugging Face id, or the content of a ``config.json``."""


class Options(TypedDict, total=False):
    """What may be said of a deployment beyond model and GPU; every name is that of the HTTP API."""

    count: int
    """GPUs in all; 1."""
    gpus_per_node: int
    """GPUs in one host; 8."""
    weights: str
    """Format of the weights; the checkpoint's own."""
    kv_cache: str
    """Format of the KV cache; what the engine does by default."""
    activations: str
    """Format of activations; what the engine does by default."""
    tensor: int
    """Tensor-parallel GPUs; all, unless another size is given."""
    pipeline: int
    """Pipeline stages; 1."""
    data: int
    """Replicas, or attention data parallelism of a mixture of experts; 1."""
    expert: int
    """GPUs that experts are dealt over; 1."""
    engine: str
    """vllm, sglang, trtllm, llama.cpp or generic; vllm."""
    engine_options: Mapping[str, Any]
    """The engine's own flags under their own names."""
    input_tokens: int
    """Prompt tokens of a request; 1024."""
    output_tokens: int
    """Generated tokens of a request; 1024."""
    concurrency: int
    """Requests always in flight."""
    request_rate: float
    """Poisson arrivals [requests/s]."""
    batch: int
    """Requests of one static batch."""
    offline: bool
    """A long queue."""
    prefix_cache_hit_fraction: float
    """Share of prompt tokens that are cached; 0."""


class Limits(TypedDict, total=False):
    """What no plan exceeds."""

    ttft_s: float
    tpot_s: float
    request_latency_s: float
    percentile: str
    max_gpus: int
    usd_per_hour: float
    vendors: Sequence[str]


PRECISION = ("weights", "kv_cache", "activations")
LAYOUT = ("tensor", "pipeline", "data", "expert")
LENGTHS = ("input_tokens", "output_tokens", "prefix_cache_hit_fraction")
LOADS = ("concurrency", "request_rate", "batch", "offline")


def model_part(model: ModelLike) -> Body:
    """The ``model`` of a request: a name, or a whole configuration."""
    return {"name": model} if isinstance(model, str) else {"hf_config": dict(model)}


def chosen(options: Mapping[str, Any], names: Sequence[str]) -> Body:
    """Those options that were given a value."""
    return {name: options[name] for name in names if options.get(name) is not None}


def workload_part(options: Mapping[str, Any]) -> Body:
    """Lengths and load."""
    return chosen(options, (*LENGTHS, *LOADS))


def engine_part(options: Mapping[str, Any]) -> Body:
    """The engine with its own flags."""
    return {"name": options.get("engine") or "vllm", **(options.get("engine_options") or {})}


def deployment_body(model: ModelLike, gpu: str, options: Mapping[str, Any]) -> Body:
    """A model on so many GPUs under an engine: what ``memory_plan`` and ``serving_estimate`` take."""
    layout = chosen(options, LAYOUT)
    return {
        "model": model_part(model),
        "precision": chosen(options, PRECISION),
        "hardware": {"gpu": gpu, **chosen(options, ("count", "gpus_per_node"))},
        **({"parallelism": layout} if layout else {}),
        "engine": engine_part(options),
        "workload": workload_part(options),
    }


def memory_body(model: ModelLike, gpu: str, options: Mapping[str, Any]) -> Body:
    """As :func:`deployment_body`; without lengths or load, one request of the longest context is asked for."""
    body = deployment_body(model, gpu, options)
    if not body["workload"]:
        del body["workload"]
    return body


def inspection_body(
    model: ModelLike, options: Mapping[str, Any], context_tokens: Sequence[int] | None
) -> Body:
    """A model, formats and lengths."""
    return {
        "model": model_part(model),
        "precision": chosen(options, PRECISION),
        "workload": workload_part(options),
        **({} if context_tokens is None else {"context_tokens": list(context_tokens)}),
    }


def plans_body(model: ModelLike, limits: Limits, further: Mapping[str, Any]) -> Body:
    """A model, a workload and limits; ``further`` holds lengths and load beside the request's own fields."""
    own = {
        name: value for name, value in further.items() if name not in (*LENGTHS, *LOADS) and value is not None
    }
    return {"model": model_part(model), "workload": workload_part(further), "limits": dict(limits), **own}


def recommendation_body(model: ModelLike, further: Mapping[str, Any]) -> Body:
    """A model, a precision and a context; ``further`` holds formats beside the request's own fields."""
    own = {name: value for name, value in further.items() if name not in PRECISION and value is not None}
    return {"model": model_part(model), "precision": chosen(further, PRECISION), **own}
