"""Properties of a model that rules of recipes ask for, and number formats as they hold for it."""

from collections.abc import Mapping

from llm_calc.core.checkpoints.recipes.rules import SIXTEEN_BIT, LayerSpan, When
from llm_calc.core.formats import NumberFormat
from llm_calc.core.model import Model


def resolve_number(name: str, model: Model, numbers: Mapping[str, NumberFormat]) -> NumberFormat:
    """A number format for a model: ``16-bit`` is the model's type."""
    if name == SIXTEEN_BIT:
        name = "fp16" if model.dtype == "fp16" else "bf16"
    return numbers[name]


def holds(when: When, model: Model, queries: int | None = None) -> bool:
    """Whether a model has all the properties that a rule asks for; ``queries``: a KV head's, where known otherwise."""
    queries = grouped_queries(model) if queries is None else queries
    experts = model.num_experts
    checks = (
        when.gqa_min is None or queries >= when.gqa_min,
        when.experts is None or experts == when.experts,
        when.experts_min is None or experts >= when.experts_min,
        when.not_experts is None or experts != when.not_experts,
        when.num_layers is None or model.num_layers == when.num_layers,
        when.tied is None or model.head_tied == when.tied,
        when.latent_attention is None or is_latent(model) == when.latent_attention,
        when.recurrent is None or is_recurrent(model) == when.recurrent,
        when.model_types is None or model.model_type in when.model_types,
        when.not_model_types is None or model.model_type not in when.not_model_types,
    )
    return all(checks)


def grouped_queries(model: Model) -> int:
    """Query heads that share a KV head, in the first layers that have both; 1 without such."""
    for group in model.groups:
        units = {
            weight.name: weight.units for weight in group.parts.weights if weight.component == "attention"
        }
        if "q_proj" in units and "k_proj" in units:
            return units["q_proj"] // units["k_proj"]
    return 1


def is_latent(model: Model) -> bool:
    """Whether any layer decompresses keys and values from a latent vector."""
    return any(score.absorbed_v_dim is not None for group in model.groups for score in group.parts.scores)


def is_recurrent(model: Model) -> bool:
    """Whether any layer keeps a constant state: state-space and linear-attention mixers."""
    return any(cache.kind == "state" for group in model.groups for cache in group.parts.caches)


def in_span(span: LayerSpan, at: int, count: int) -> bool:
    """Whether place ``at`` (0-based) of ``count`` lies in a span of places.

    Source: llama.cpp v0.5.0 ``src/llama-quant.cpp``, ``use_more_bits``; checked: 2026-11-30, read.
    """
    eighth = count // 8
    spans: dict[LayerSpan, bool] = {
        "more_bits": at < eighth or at >= 7 * count // 8 or (at - eighth) % 3 == 2,
        "first_eighth": at < eighth,
        "first_sixteenth": at < count // 16,
        "first_2": at < 2,
        "first_4": at < 4,
        "middle": eighth <= at < 7 * count // 8,
    }
    return spans[span]
