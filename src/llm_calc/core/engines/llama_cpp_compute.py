"""The compute buffer of llama.cpp: working memory that its graph allocator plans once, for the largest micro-batch."""

from dataclasses import dataclass
from functools import lru_cache, partial

from llm_calc.core.arrays import ceil_div
from llm_calc.core.blocks import LatentAttention
from llm_calc.core.engines.llama_cpp_copies import LEAST_TOKENS, Copies, copied_width, stream_width
from llm_calc.core.engines.llama_cpp_slots import Slots, window_of
from llm_calc.core.model import Model
from llm_calc.core.overheads import layer_peak_width

FLOAT_BYTES = 4
MASK_BYTES = 2
INPUT_BYTES, PLAIN_INPUT_BYTES, MASK_INPUT_BYTES = 20, 12, 16
"""Positions and places of a token, with flash attention and without, and its places in a second cache."""
PARALLEL_BLOCKS = frozenset(("cohere2", "phi", "phi-msft"))
"""Attention and feed-forward both read the layer's input, which stays for longer."""
NOTHING_COPIED = Copies()
COPIES = 4
"""Copies of a graph's inputs where several devices work on successive micro-batches at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What the buffer is planned for: a micro-batch over all cells, with ``outputs`` rows of logits.

    ``cached_beside``: keys and values of the micro-batch lie beside its scores. ``devices``: how many work on it;
    ``device``: which of them; ``output``: it holds the head; ``used``: it holds anything of the model. ``copies``:
    what it takes over from the host.
    """

    model: Model
    slots: Slots
    micro_batch: int
    flash_attention: bool
    swa_full: bool
    cached_beside: bool = True
    cache_on_device: bool = True
    outputs: int = 1
    output: bool = True
    devices: int = 1
    device: int = 0
    used: bool = True
    copies: Copies = NOTHING_COPIED


def mask_bytes(graph: Graph) -> float:
    """Masks of a micro-batch over all cells, one for full layers and one for sliding ones [bytes].

    ``micro batch x cells of a slot x 2``; 4 bytes without flash attention.
    Source: llama.cpp v0.5.0 ``src/llama-graph.cpp``, ``build_attn_inp_kq_mask``; checked: 2026-11-30, read. Exact.
    """
    cells = sum(_cells(graph, window) for window in _windows(graph))
    width = MASK_BYTES if graph.flash_attention else FLOAT_BYTES
    return _tokens(graph) * float(cells) * width


def _tokens(graph: Graph) -> int:
    """Tokens of the planned micro-batch: as many for every slot."""
    return int(ceil_div(graph.micro_batch, graph.slots.count)) * graph.slots.count


def _windows(graph: Graph) -> frozenset[int | None]:
    """One for each cache: of full layers and of sliding ones, whether or not windows cut it."""
    return _windows_of(graph.model)


@lru_cache(maxsize=256)
def _windows_of(model: Model) -> frozenset[int | None]:
    return frozenset(
        window_of(model, cache)
        for group in model.groups
        for cache in group.parts.caches
        if cache.elements_per_token
    )


def _cells(graph: Graph, window: int | None) -> int:
    if window is None or graph.swa_full:
        return graph.slots.slot_tokens
    return graph.slots.window_cells(window, graph.micro_batch)


def compute_bytes(graph: Graph) -> float:
    """The buffer on one device [bytes].

    ``micro batch x 4 x widest layer + masks + 20 x micro batch + 128`` (16 x micro batch more with a second mask), or
    ``outputs x 4 x (vocabulary + hidden)`` where that is more. Several devices keep four copies of the masks and of
    what they take in.
    Source: llama.cpp v0.5.0 ``ggml/src/ggml-alloc.c``, which puts a tensor into the smallest hole that it fits;
    checked: 2026-11-30, read; equal to its own dry run for dense models (``docs/memory.md``).
    More where it takes over what lies with the host (``_copied_bytes``).
    Leaves out: recurrent layers and shared experts, whose tensors lie beside each other for longer.
    """
    model, tokens = graph.model, _tokens(graph)
    width, masks = layer_width(model), mask_bytes(graph)
    if not graph.flash_attention:
        width = max(width, _scored_width(graph))
    several = len(_windows(graph)) > 1
    plain = graph.cached_beside and (not graph.flash_attention or bool(_latents(model)))
    inputs = PLAIN_INPUT_BYTES if plain else INPUT_BYTES
    inputs += MASK_INPUT_BYTES * several
    layer = FLOAT_BYTES * tokens * width + masks + inputs * tokens + 128
    if graph.devices > 1:
        taken = FLOAT_BYTES * tokens * model.hidden * (1 if graph.device == 0 else 2)
        layer += (COPIES - 1) * masks + COPIES * taken
    head = FLOAT_BYTES * graph.outputs * (model.vocab + model.hidden) if graph.output else 0
    own = max(layer, head) if graph.used else 0.0
    return float(max(own, _copied_bytes(graph, masks, inputs * tokens)))


def _copied_bytes(graph: Graph, masks: float, inputs: float) -> float:
    """The buffer while it holds what was copied from the host; nothing where nothing is [bytes].

    ``matrix + keys of a layer + masks + inputs + micro batch x 4 x numbers beside the copy``; of the cache alone
    ``keys and values + masks + micro batch x 4 x 2 x (hidden + queries)``.
    Source: llama.cpp v0.5.0, its own dry run (``docs/memory.md``): to a thousandth where experts stay with the host,
    mostly within 5 % for whole layers, up to a third less for a cache alone; checked: 2026-11-30, run.
    Leaves out: holes that the allocator leaves between copies of unlike size, most where there are windows.
    """
    model, tokens, copies = graph.model, _tokens(graph), graph.copies
    if copies.matrix_bytes and graph.micro_batch >= LEAST_TOKENS:
        beside = FLOAT_BYTES * tokens * copied_width(model, copies.component)
        return copies.matrix_bytes + copies.cache_bytes / 2 + masks + inputs + beside
    if copies.cache_bytes and graph.used:
        beside = FLOAT_BYTES * tokens * 2 * (stream_width(model) - model.hidden)
        return copies.cache_bytes + masks + beside
    return 0.0


@lru_cache(maxsize=256)
def layer_width(model: Model) -> float:
    """Numbers a token that the widest layer holds at once, the residual stream among them [elements].

    ``2 x hidden + queries + block``; where the queries' place is large enough for what follows them, ``3 x hidden +
    block``, or without one of the three of a gated block if that is less. A block is gate, up and their product, ``3 x
    intermediate x experts a token`` (once without a gate), and the experts' outputs where these are wider than gate and
    up together. At least ``2 x (hidden + queries + keys and values)``; with latent attention at least ``3 x hidden +
    queries + 2 x heads x (latent + rotary)``, the queries turned into latent ones twice.
    Choice: what the allocator's best fit leaves, read from its own dry run of dense models and mixtures.
    Leaves out: holes between tensors of other widths; shared experts beside latent attention; recurrent layers.
    """
    scores = [score for group in model.groups for score in group.parts.scores]
    queries = max((score.heads * score.qk_dim for score in scores), default=model.hidden)
    blocks = [block for block in map(partial(_block, model), ("mlp", "experts")) if block.inner]
    if not blocks:
        return 3 * model.hidden + layer_peak_width(model)
    cached = max((c.elements_per_token for g in model.groups for c in g.parts.caches), default=0)
    held = max(2 * (model.hidden + queries) + cached, _latent_width(model))
    return max(held, *(_stream(model, queries, block) + block.width for block in blocks))


@dataclass(frozen=True, slots=True)
class _Block:
    """A feed-forward block: its width for one token, how often that lies there, and its experts' outputs."""

    inner: float
    times: int
    outputs: float

    @property
    def width(self) -> float:
        """All that it holds at once."""
        return self.times * self.inner + self.outputs


def _stream(model: Model, queries: float, block: _Block) -> float:
    stream: float = 2 * model.hidden + queries
    if queries > block.inner:
        stream = min(3 * model.hidden, stream - block.inner) if block.times > 1 else 3 * model.hidden
    return stream + model.hidden * (model.model_type in PARALLEL_BLOCKS)


def _latents(model: Model) -> list[LatentAttention]:
    return [block for group in model.groups for block in group.blocks if isinstance(block, LatentAttention)]


def _latent_width(model: Model) -> float:
    return max(
        (
            3 * model.hidden
            + each.heads * (each.nope_dim + each.rope_dim + 2 * (each.kv_rank + each.rope_dim))
            for each in _latents(model)
        ),
        default=0,
    )


def _scored_width(graph: Graph) -> float:
    """The same without flash attention: stream and norm, queries twice, keys and values, a score for every cell."""
    model, scores = graph.model, _heads(graph.model) * graph.slots.slot_tokens
    if not graph.cached_beside:
        return 4 * model.hidden + scores
    queries = max((s.heads * s.qk_dim for g in model.groups for s in g.parts.scores), default=0)
    cached = max((c.elements_per_token for g in model.groups for c in g.parts.caches), default=0)
    return 2 * (model.hidden + queries) + cached + scores


def _block(model: Model, component: str) -> _Block:
    """The widest feed-forward block of a kind."""
    weights = [placed.weight for placed in model.placed if placed.weight.component == component]
    gated = any(weight.name == "gate_proj" for weight in weights)
    ups = [weight.cols * weight.used for weight in weights if weight.name == "up_proj"]
    downs = [w for w in weights if component == "experts" and w.name == "down_proj" and w.cols > 2 * w.rows]
    outputs = max((w.used * w.cols for w in downs), default=0.0)
    return _Block(float(max(ups, default=0.0)), 3 if gated else 1, float(outputs))


def _heads(model: Model) -> int:
    return max((score.heads for group in model.groups for score in group.parts.scores), default=0)


def host_compute_bytes(graph: Graph) -> float:
    """The host's own working memory beside a device: the embedded tokens, the masks, the outputs [bytes].

    ``micro batch x 4 x hidden + masks + outputs x 4 x vocabulary``.
    Source: llama.cpp v0.5.0 ``src/llama-context.cpp``, ``output_reserve``, for the outputs; checked: 2026-11-30,
    read; the rest from its own dry run (``tools/llama_cpp_dry_run``).
    Leaves out: layers that the host computes, whose buffer is at most that of a device.
    """
    model = graph.model
    embedded = FLOAT_BYTES * graph.micro_batch * model.hidden
    return embedded + mask_bytes(graph) + FLOAT_BYTES * graph.outputs * float(model.vocab)
