"""Communication of a step, from the layout."""

from llm_calc.core.arrays import Quantity
from llm_calc.core.model import Model
from llm_calc.core.operators.work import CollectiveWork, LayerCounts
from llm_calc.core.parallelism import Layout

MESSAGE_BYTES = 2
"""Activations travel in 16 bits."""


def layer_counts(model: Model) -> LayerCounts:
    """Layers of the stack, and those with experts, latent attention, a sparse selection or recurrent state [layers].

    Definition: every position counts once, whatever its blocks.
    """
    return LayerCounts(
        layers=model.num_layers,
        expert_layers=_layers_with(model, "experts"),
        latent_layers=_layers_where(model, "latent"),
        sparse_layers=len(_sparse(model)),
        recurrent_layers=_layers_where(model, "state"),
    )


def _layers_with(model: Model, component: str) -> int:
    groups = [
        g for g in model.groups if any(w.component == component and w.copies > 1 for w in g.parts.weights)
    ]
    return len({index for group in groups for index in group.indices})


def _layers_where(model: Model, kind: str) -> int:
    groups = [group for group in model.groups if any(cache.kind == kind for cache in group.parts.caches)]
    return len({index for group in groups for index in group.indices})


def _sparse(model: Model) -> set[int]:
    groups = [group for group in model.groups if any(score.top_k is not None for score in group.parts.scores)]
    return {index for group in groups for index in group.indices}


def collective_works(model: Model, counts: LayerCounts, layout: Layout) -> tuple[CollectiveWork, ...]:
    """Reductions after each mixer and each feed-forward part [bytes].

    Tensor parallelism: ``2 x layers`` all-reduces of ``tokens x hidden x 2`` bytes for the tokens of one replica.
    Experts dealt, or cut, over all GPUs of a stage: dispatch and combine of all tokens, which as an all-gather and a
    reduce-scatter move what one all-reduce moves.
    Source: vLLM 0.33.0 ``model_executor/layers/linear.py``, ``RowParallelLinear`` (one all-reduce behind each), and
    its documentation, "Expert Parallel Deployment" (``allgather_reducescatter``, the default); checked: 2026-11-30,
    read.
    Leaves out: the smaller volume of a true all-to-all that sends each token to k ranks only.
    """
    message = float(model.hidden * MESSAGE_BYTES)
    spread = layout.stage_gpus > 1 and (layout.expert > 1 or layout.groups > 1)
    inside = counts.layers + (counts.layers - counts.expert_layers if spread else counts.layers)
    works = []
    if layout.tensor > 1:
        works.append(_collective("all-reduce", inside, layout.tensor, message, 1.0 / layout.data))
    if spread and counts.expert_layers:
        name = "expert dispatch and combine" if layout.data > 1 else "expert all-reduce"
        works.append(_collective(name, counts.expert_layers, layout.stage_gpus, message, 1.0))
    return tuple(works)


def _collective(name: str, calls: Quantity, ranks: int, message: float, share: float) -> CollectiveWork:
    return CollectiveWork(name=name, calls=calls, ranks=ranks, bytes_per_token=message, token_share=share)
