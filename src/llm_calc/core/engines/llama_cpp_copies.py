"""What llama.cpp's compute buffer holds beside a layer where part of a model lies with the host.

From 32 tokens on a matrix of the host is copied to the device and multiplied there, one at a time, so that the buffer
has room for the largest; keys and values that lie with the host are copied for the attention of a device.
"""

from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.engines.base import Setup
from llm_calc.core.engines.llama_cpp_cache import CacheRules, widest_cache
from llm_calc.core.engines.llama_cpp_fit import Loading
from llm_calc.core.engines.llama_cpp_split import Device, layer_bytes
from llm_calc.core.model import Model

LEAST_TOKENS = 32
"""Source: llama.cpp v0.5.0 ``ggml/src/ggml-cuda/ggml-cuda.cu``, ``op_offload_min_batch_size``; checked: 2026-11-30."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What a device takes over from the host: the largest matrix, and keys and values of one layer [bytes].

    ``component``: the kind of block that the matrix is of.
    """

    matrix_bytes: float = 0.0
    cache_bytes: float = 0.0
    component: str = "mlp"


def copies_of(
    setup: Setup,
    loading: Loading,
    split: tuple[Device, ...],
    rules: CacheRules,
    *,
    cache_on_device: bool,
    op_offload: bool,
) -> Copies:
    """What devices take over under a loading; without ``op_offload`` the host computes what it holds [bytes].

    ``largest matrix, widest cache of a layer``.
    Definition: of what lies with the host.
    Leaves out: tensors that several layers share, which are copied as often as they are used.
    """
    placed = sum(len(device.layers) for device in split) if cache_on_device else 0
    away = range(setup.model.num_layers - placed)
    takes = op_offload or not cache_on_device
    size, name = largest_host_matrix(setup, loading, split) if op_offload else (0.0, "")
    return Copies(
        size,
        widest_cache(setup.model, away, rules) if takes else 0.0,
        "experts" if name.endswith("_exps") else "mlp",
    )


def largest_host_matrix(setup: Setup, loading: Loading, split: tuple[Device, ...]) -> tuple[float, str]:
    """The largest tensor of a layer that the host holds, and its name [bytes].

    ``max over layers of tensors of the host``; the head, which multiplies few rows, is none of them.
    Source: llama.cpp v0.5.0 ``ggml/src/ggml-backend.cpp``, ``ggml_backend_sched_split_graph``: a new split begins at
    each such matrix, so that the place of the last is used again; checked: 2026-11-30, read.
    Leaves out: hosts whose memory a device reads itself.
    """
    placed = frozenset(layer for device in split for layer in device.layers)
    found = (0.0, "")
    if len(placed) == setup.model.num_layers and not any(loading.host):
        return found
    stack = layer_bytes(setup.model, setup.numbers.recipe)
    for layer, (largest, kept) in enumerate(zip(stack.largest, loading.host, strict=True)):
        if layer not in placed or largest[1] in kept:
            found = max(found, largest)
        elif kept:
            away = ((size, name) for name, size in stack.tensors[layer] if name in kept)
            found = max(found, *away, (0.0, ""))
    return found


@lru_cache(maxsize=256)
def stream_width(model: Model) -> float:
    """Numbers a token in front of a copied matrix: residual stream, its norm, the attention's place [elements].

    ``2 x hidden + heads x values``.
    Choice: what the allocator leaves, read from its own dry run (``tools/llama_cpp_dry_run``).
    Leaves out: layers of a single block, which hold no second one's norm.
    """
    scores = [score for group in model.groups for score in group.parts.scores]
    return 2 * model.hidden + max((score.heads * score.v_dim for score in scores), default=model.hidden)


@lru_cache(maxsize=256)
def copied_width(model: Model, component: str) -> float:
    """Numbers a token that lie beside a copied matrix of a feed-forward block [elements].

    ``2 x hidden + heads x values + max(2 x inner, inner + outputs)``, ``inner`` the width of a token's experts, and
    ``outputs`` what they give before it is added up; once ``inner`` without a gate.
    Choice: read from the allocator's own dry run: gate and up lie behind the copy, their product in its place.
    Leaves out: norms behind a block, and what is scaled before it is added.
    """
    weights = [placed.weight for placed in model.placed if placed.weight.component == component]
    inner = max((float(w.cols * w.used) for w in weights if w.name == "up_proj"), default=0.0)
    outputs = max((float(w.cols * w.used) for w in weights if w.name == "down_proj"), default=0.0)
    gated = any(weight.name == "gate_proj" for weight in weights)
    return stream_width(model) + max((1 + gated) * inner, inner + outputs)
