"""Matrix multiplications of a step, from the weights of a model."""

from collections.abc import Iterable, Mapping

from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.memory import weight_bytes
from llm_calc.core.model import Model, Placed
from llm_calc.core.operators.work import GROUPS, Group, LinearWork
from llm_calc.core.parallelism import ROUTED, Layout, largest_piece, weight_share
from llm_calc.core.weights import Component

ACTIVATION_BYTES = 2

_GROUP_OF: dict[Component, Group] = {
    "attention": "mixer",
    "ssm": "mixer",
    "mlp": "mlp",
    "shared_experts": "mlp",
    "router": "mlp",
    "other": "mlp",
    "embedding": "mlp",
    "experts": "experts",
    "lm_head": "lm_head",
}


def linear_works(model: Model, recipe: WeightRecipe, layout: Layout) -> tuple[LinearWork, ...]:
    """One entry for every matrix that text tokens meet, with its share on the fullest GPU [bytes, FLOP].

    ``2 x rows x cols x used x piece`` FLOPs a token and call, ``(rows + cols) x used x piece x 2`` bytes of
    activations, ``piece`` being the largest share that tensor parallelism leaves (routed experts: also ``1 /
    expert``).
    Source: vLLM 0.33.0 ``model_executor/layers/linear.py`` for the shares; checked: 2026-11-30, read; activations
    travel in 16 bits.
    Leaves out: imbalance, since tokens are taken to spread evenly over the groups of experts.
    """
    return tuple(_linear(recipe, layout, placed) for placed in model.placed if _is_matrix(placed))


def group_of(placed: Placed) -> Group | None:
    """The group that a weight's matrix is counted in; None for what no text token multiplies by."""
    return _GROUP_OF[placed.weight.component] if _is_matrix(placed) else None


def _is_matrix(placed: Placed) -> bool:
    weight = placed.weight
    return weight.kind == "matrix" and weight.used > 0 and weight.params > 0 and weight.component in _GROUP_OF


def _linear(recipe: WeightRecipe, layout: Layout, placed: Placed) -> LinearWork:
    weight, routed = placed.weight, placed.weight.component == ROUTED
    formats = recipe.formats_over(weight, placed.indices or (0,))
    share = weight_share(weight, layout)
    stored = sum(count * weight_bytes(weight, share, each, recipe.vectors) for each, count in formats.items())
    stored /= sum(formats.values())
    ways = layout.expert_cut if routed else layout.tensor
    piece = largest_piece(weight.units, ways) / weight.units / (layout.expert if routed else 1)
    width = (weight.rows + weight.cols) * weight.used * piece * ACTIVATION_BYTES
    return LinearWork(
        name=weight.name,
        group=_GROUP_OF[weight.component],
        weight_bytes=placed.calls * stored,
        flops_per_token=placed.calls * weight.flops_per_token * piece,
        activation_bytes_per_token=placed.calls * width,
        calls=placed.calls,
        token_share=1.0 if routed and (layout.expert > 1 or layout.groups > 1) else 1.0 / layout.data,
        experts=weight.copies if routed else 0,
        top_k=weight.used if routed else 0,
        format=_dominant(formats).name,
        compute=_dominant(formats).compute,
    )


def _dominant(formats: Mapping[NumberFormat, int]) -> NumberFormat:
    return max(formats, key=lambda each: (formats[each], each.name))


def grouped(works: Iterable[LinearWork]) -> tuple[LinearWork, ...]:
    """The same work summed by group, in the order of ``GROUPS`` [bytes, FLOP].

    Definition: sums; format and experts are those of a group's busiest matrix.
    """
    listed = list(works)
    return tuple(_merged(group, [work for work in listed if work.group == group]) for group in GROUPS)


def _merged(group: Group, works: list[LinearWork]) -> LinearWork:
    if not works:
        return LinearWork(
            name=group,
            group=group,
            weight_bytes=0.0,
            flops_per_token=0.0,
            activation_bytes_per_token=0.0,
            calls=0,
        )
    largest = max(works, key=lambda work: float(work.flops_per_token))
    return LinearWork(
        name=group,
        group=group,
        weight_bytes=sum(work.weight_bytes for work in works),
        flops_per_token=sum(work.flops_per_token for work in works),
        activation_bytes_per_token=sum(work.activation_bytes_per_token for work in works),
        calls=sum(work.calls for work in works),
        token_share=largest.token_share,
        experts=largest.experts,
        top_k=largest.top_k,
        format=largest.format,
        compute=largest.compute,
    )
