"""Bytes that one decode step moves between memory and cores, on the fullest GPU of each stage."""

from llm_calc.core import memory
from llm_calc.core.arrays import Quantity, ceil_div
from llm_calc.core.footprint import Numbers, Split
from llm_calc.core.model import Model
from llm_calc.core.parallelism import ROUTED
from llm_calc.core.weights import Weight


def touched_fraction(experts: int, top_k: float, tokens: Quantity) -> Quantity:
    """Share of the experts that at least one of ``tokens`` visits: ``1 - (1 - k/E)^tokens``.

    Exact for routing that is uniform and independent (one token: exactly k/E). Correlated routing touches
    fewer. Source: the balls-in-bins expectation.
    """
    return 1 - (1 - top_k / experts) ** tokens


def read_fraction(weight: Weight, tokens: Quantity) -> Quantity:
    """Share of a stored weight that a step of ``tokens`` reads.

    Tables: a row a token (never more than all of them). Towers: nothing. Routed experts: those touched.
    """
    if not weight.used:
        return 0.0
    if weight.kind == "table":
        return 0.0
    if weight.component == ROUTED:
        return touched_fraction(weight.copies, weight.used, tokens)
    return 1.0


def decode_weight_bytes(model: Model, numbers: Numbers, split: Split, batch: Quantity) -> Quantity:
    """Weight bytes read in one decode step, summed over the stages that run one after another.

    A tied head is read in full although memory holds it once, as the embedding. Embedding rows themselves are
    left out: a few kilobytes a token.
    """
    total: Quantity = 0.0
    for stage in range(split.layout.pipeline):
        for weight, size in memory.stage_shares(model, numbers.recipe, split.layout, stage):
            total = total + size * read_fraction(weight, batch)
    return total + _tied_head_bytes(model, numbers, split)


def _tied_head_bytes(model: Model, numbers: Numbers, split: Split) -> float:
    """The head, where stage 0 stores it as the embedding only."""
    if not model.head_tied or split.layout.pipeline > 1:
        return 0.0
    shared = memory.weight_bytes(
        model.head,
        memory.weight_share(model.head, split.layout),
        numbers.recipe.format_of(model.head),
        numbers.recipe.vectors,
    )
    return shared


def decode_cache_bytes(
    model: Model, numbers: Numbers, split: Split, batch: Quantity, context_tokens: Quantity
) -> Quantity:
    """Cache bytes read in one decode step of ``batch`` sequences, summed over the stages."""
    tokens = ceil_div(context_tokens, split.sequence)
    total: Quantity = 0.0
    for stage in range(split.layout.pipeline):
        total = total + memory.stage_kv_cache_bytes(model, split.layout, stage, tokens, batch, numbers.cache_format)
    return total
