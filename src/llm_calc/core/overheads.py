"""Memory that is neither weights nor KV cache, by cause.

An engine finds out how much it may give to the KV cache by one dummy step of the largest batch that it will
ever run. What that step needs follows from widths and counts alone, up to a constant that logs give:

==================  ==================================================================================
cause               what it grows with
==================  ==================================================================================
forward pass        tokens of the step x (4 residual-sized tensors + the widest layer's intermediates)
sampling            sequences x vocabulary: float32 logits, sorted copies, indices, probabilities
device context      nothing: driver context, library handles and their workspaces
communication       GPUs of the tensor-parallel group: channels and buffers for each peer
graphs              captured batch sizes x layers
==================  ==================================================================================
"""

from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.arrays import Quantity, larger
from llm_calc.core.model import Model
from llm_calc.core.parallelism import largest_piece
from llm_calc.core.weights import Component, Weight

RESIDUAL_COPIES = 4
"""Residual-sized tensors alive beside a layer's intermediates: the stream, its normalised copy, the
attention output and the block's output."""
FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadConstants:
    """Constants that physics leaves open; each is fitted to start-up logs (``docs/memory.md`` lists them).

    ``sampler_bytes_per_logit``: bytes alive per sequence and vocabulary entry while the sampler runs.
    ``context_bytes``: driver context and library workspaces that appear after the engine took its first
    measurement. ``group_bytes``: a process group's own buffers, once there is more than one GPU;
    ``peer_bytes``: for every further GPU of the tensor-parallel group. ``graph_bytes_per_layer``: memory
    of one captured batch size in one layer, ``graph_bytes_per_size`` beside all layers. ``stage_context_bytes`` and
    ``unified_context_bytes``: ``context_bytes`` with pipeline stages alone, and on devices that share the host's memory
    (0: the same). ``workspace_fraction``: how often the workspace of experts counts. ``held_context_bytes``: what a
    process holds of a card before an engine looks at it.
    """

    sampler_bytes_per_logit: float = 0.0
    context_bytes: float = 0.0
    group_bytes: float = 0.0
    peer_bytes: float = 0.0
    graph_bytes_per_layer: float = 0.0
    graph_bytes_per_size: float = 0.0
    stage_context_bytes: float = 0.0
    unified_context_bytes: float = 0.0
    workspace_fraction: float = 0.0
    held_context_bytes: float = 0.0


@lru_cache(maxsize=1024)
def layer_peak_width(model: Model, tensor: int = 1) -> float:
    """Numbers a token that the widest block holds at once beside the residual stream, on one GPU [elements].

    ``max over blocks of sum over matrices of inner width x experts visited x largest piece / pieces``. What the
    projections from the stream put out and what the projection back to it takes in are alive together: gate, up and
    their product (3 x the intermediate width, times the experts a token visits); queries, keys, values and the
    attention output.
    Choice: what a layer puts out between two products with the stream is alive together; held against start-up logs
    (``docs/memory.md``).
    Leaves out: kernels that fuse gate, up and product, and routers and norms, which are narrow.
    """
    widths: dict[tuple[int, Component], float] = {}
    for position, group in enumerate(model.groups):
        for weight in group.parts.weights:
            if weight.kind == "matrix" and weight.component not in ("router", "norms"):
                key = (position, weight.component)
                widths[key] = widths.get(key, 0.0) + _inner_width(model, weight, tensor)
    return max(widths.values(), default=0.0)


def _inner_width(model: Model, weight: Weight, tensor: int) -> float:
    """A GPU's piece of the side of a matrix that is not the residual stream's, once for each expert visited."""
    side = weight.rows if weight.cols == model.hidden else weight.cols
    return float(side * weight.used * largest_piece(weight.units, tensor) / weight.units)


def forward_peak_bytes(model: Model, tokens: Quantity, bytes_per_element: float, tensor: int = 1) -> Quantity:
    """Working memory of one step over ``tokens`` tokens with fused attention, on one GPU [bytes].

    ``tokens x (4 x hidden + widest intermediate / tensor) x bytes``.
    Choice: four residual-sized tensors are alive beside the intermediates of :func:`layer_peak_width`
    (``RESIDUAL_COPIES``); held against start-up logs in ``docs/memory.md``.
    Leaves out: library workspaces (``context_bytes``) and the encoder of a multimodal model, which runs on its own.
    """
    return tokens * (RESIDUAL_COPIES * model.hidden + layer_peak_width(model, tensor)) * bytes_per_element


def sampler_peak_bytes(
    model: Model, tokens: Quantity, sequences: Quantity, bytes_per_element: float, bytes_per_logit: float
) -> Quantity:
    """Memory while the next tokens of ``sequences`` sequences are drawn after a step over ``tokens`` tokens [bytes].

    ``sequences x vocabulary x bytes_per_logit + tokens x hidden x bytes``: logits are gathered from all GPUs,
    converted to float32, sorted with their indices and summed up; the step's hidden states are still alive.
    Choice: the form follows from what top-p sampling keeps; ``bytes_per_logit`` is fitted to start-up logs
    (``docs/memory.md``).
    Leaves out: samplers that sort nothing, which need less.
    """
    return sequences * model.vocab * bytes_per_logit + tokens * model.hidden * bytes_per_element


def profiled_peak_bytes(
    model: Model,
    *,
    tokens: Quantity,
    sequences: Quantity,
    bytes_per_element: float,
    tensor: int,
    overheads: OverheadConstants,
) -> Quantity:
    """Activation peak of a dummy step of the largest batch [bytes].

    ``max(forward pass, sampler)``: the two follow each other and share the allocator's memory.
    Source: vLLM 0.33.0 ``vllm/v1/worker/gpu_model_runner.py``, ``profile_run`` (``_dummy_run``, then
    ``_dummy_sampler_run``); checked: 2026-11-30, read.
    Leaves out: the dummy pass of a multimodal encoder.
    """
    forward = forward_peak_bytes(model, tokens, bytes_per_element, tensor)
    sampler = sampler_peak_bytes(
        model, tokens, sequences, bytes_per_element, overheads.sampler_bytes_per_logit
    )
    return larger(forward, sampler)


def framework_bytes(group: int, overheads: OverheadConstants) -> float:
    """Memory outside of the allocator [bytes].

    ``context + (group > 1) x group_bytes + (group - 1) x peer_bytes``, the group being the GPUs that reduce together.
    Choice: a constant and a slope by GPU, fitted to the non-torch memory of start-up logs (``docs/memory.md``).
    Leaves out: how the driver and the library version change the constants.
    """
    if group <= 1:
        return overheads.context_bytes
    return overheads.context_bytes + overheads.group_bytes + (group - 1) * overheads.peer_bytes


def graph_bytes(layers: int, captured_sizes: int, overheads: OverheadConstants) -> float:
    """Memory of captured graphs [bytes].

    ``layers x captured sizes x graph_bytes_per_layer``.
    Choice: one constant, the median of start-up logs; logged values scatter by more than the value itself
    (``docs/memory.md``).
    Leaves out: what a graph's kernels need beyond their layers' number.
    """
    return layers * captured_sizes * overheads.graph_bytes_per_layer
