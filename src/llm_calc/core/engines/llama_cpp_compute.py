"""The compute buffer of llama.cpp: working memory that its graph allocator plans once, for the largest micro-batch."""

from dataclasses import dataclass

from llm_calc.core.engines.llama_cpp_slots import Slots, window_of
from llm_calc.core.model import Model
from llm_calc.core.overheads import layer_peak_width

FLOAT_BYTES = 4
MASK_BYTES = 2
COPIES = 4
"""Copies of a graph's inputs where several devices work on successive micro-batches at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What the buffer is planned for: a micro-batch over all cells, with ``outputs`` rows of logits.

    ``devices``: how many work on it; ``device``: which of them; ``output``: it holds the head.
    """

    model: Model
    slots: Slots
    micro_batch: int
    flash_attention: bool
    swa_full: bool
    cache_on_device: bool = True
    outputs: int = 1
    output: bool = True
    devices: int = 1
    device: int = 0


def mask_bytes(graph: Graph) -> float:
    """Masks of a micro-batch over all cells, one for full layers and one for sliding ones [bytes].

    ``micro batch x cells of a slot x 2``; 4 bytes without flash attention.
    Source: llama.cpp ``src/llama-graph.cpp``, ``build_attn_inp_kv``. Exact.
    """
    cells = {_cells(graph, window) for window in _windows(graph)}
    width = MASK_BYTES if graph.flash_attention else FLOAT_BYTES
    return graph.micro_batch * float(sum(cells)) * width


def _windows(graph: Graph) -> set[int | None]:
    return {
        None if graph.swa_full else window_of(graph.model, cache)
        for group in graph.model.groups
        for cache in group.parts.caches
        if cache.elements_per_token
    }


def _cells(graph: Graph, window: int | None) -> int:
    if window is None:
        return graph.slots.slot_tokens
    return graph.slots.window_cells(window, graph.micro_batch)


def compute_bytes(graph: Graph) -> float:
    """The buffer on one device [bytes].

    ``micro batch x 4 x (3 x hidden + widest block) + masks + 20 x micro batch + 128``, or ``outputs x 4 x (vocabulary +
    hidden)`` where that is more. Several devices keep four copies of the masks and of what they take in.
    Source: llama.cpp ``ggml/src/ggml-alloc.c``; equal to its own dry run for dense models (``tools/conformance``).
    Leaves out: holes that the allocator leaves between tensors of unlike width.
    """
    model, tokens = graph.model, graph.micro_batch
    width = 3 * model.hidden + layer_peak_width(model)
    masks = mask_bytes(graph)
    if not graph.flash_attention:
        width = max(width, 4 * model.hidden + _heads(model) * graph.slots.slot_tokens)
    layer = FLOAT_BYTES * tokens * width + masks + 20 * tokens + 128
    if graph.devices > 1:
        inputs = FLOAT_BYTES * tokens * model.hidden * (1 if graph.device == 0 else 2)
        layer += (COPIES - 1) * masks + COPIES * inputs
    head = FLOAT_BYTES * graph.outputs * (model.vocab + model.hidden) if graph.output else 0
    return float(max(layer, head))


def _heads(model: Model) -> int:
    return max((score.heads for group in model.groups for score in group.parts.scores), default=0)


def host_compute_bytes(graph: Graph) -> float:
    """The host's own working memory beside a device: the embedded tokens, the masks, the outputs [bytes].

    ``micro batch x 4 x hidden + masks + outputs x 4 x vocabulary``.
    Source: llama.cpp's own dry run (``tools/conformance``).
    Leaves out: layers that the host computes, whose buffer is at most that of a device.
    """
    model = graph.model
    embedded = FLOAT_BYTES * graph.micro_batch * model.hidden
    return embedded + mask_bytes(graph) + FLOAT_BYTES * graph.outputs * float(model.vocab)
