"""Which tensors llama.cpp puts on which device.

Input tables (embedding, per-layer embeddings, positions) always stay with the host. The last ``n_gpu_layers`` of the
layers and the output behind them (counted as one more layer) are offloaded, in runs to the devices, equal ones or by
``tensor_split``; the rest stays with the host, and so do single tensors of offloaded layers that an override names.
Vision and audio towers come in a file of their own and are not counted.

Source: llama.cpp v0.5.0 ``src/llama-model.cpp``, ``load_tensors`` (``i_gpu_start``, ``act_gpu_layers``), and
``common/common.h`` (``LLM_FFN_EXPS_REGEX``); checked: 2026-11-29.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from math import ceil

from llm_calc.core.formats import WeightRecipe
from llm_calc.core.memory import weight_bytes
from llm_calc.core.model import Model, Placed
from llm_calc.core.weights import COMPONENTS, Component, Weight

EXPERTS = ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")
DENSE_FFN = ("ffn_gate", "ffn_up", "ffn_down")
HostTensors = tuple[frozenset[str], ...]
"""For each layer the tensors that stay with the host though their layer is offloaded, by their names in the file."""

_SUFFIX: dict[Component, str] = {"mlp": "", "experts": "_exps", "shared_experts": "_shexp"}
_ATTENTION = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}


@dataclass(frozen=True, kw_only=True)
class LayerBytes:
    """Weight bytes of the input, of each layer by tensor, and of the output (head and what stands behind the stack).

    ``embedding_bytes``: tables that are looked up. ``tied_bytes``: how much of the output is the embedding's tensor
    over again.
    """

    embedding_bytes: float
    tensors: tuple[tuple[tuple[str, float], ...], ...]
    output_bytes: float
    tied_bytes: float

    @cached_property
    def layers_bytes(self) -> tuple[float, ...]:
        """All tensors of each layer [bytes].

        ``sum over tensors``.
        Definition: as the file holds them.
        """
        return tuple(sum(size for _, size in layer) for layer in self.tensors)

    @cached_property
    def largest(self) -> tuple[tuple[float, str], ...]:
        """The largest tensor of each layer, and its name [bytes].

        ``max over tensors``.
        Definition: as the file holds them.
        """
        return tuple(max(((size, name) for name, size in layer), default=(0.0, "")) for layer in self.tensors)

    @property
    def file_bytes(self) -> float:
        """All tensors once, as the file holds them; a tied head is the embedding's tensor [bytes].

        ``embedding + layers + output - tied``.
        Definition: the size of the file but for its header and alignment.
        """
        return self.embedding_bytes + sum(self.layers_bytes) + self.output_bytes - self.tied_bytes

    def on_host(self, layer: int, names: frozenset[str]) -> float:
        """Bytes of a layer's tensors with these names [bytes].

        ``sum over the named tensors``.
        Definition: what an override keeps with the host.
        """
        return sum(size for name, size in self.tensors[layer] if name in names) if names else 0.0

    def on_device(self, layers: range, host: HostTensors) -> float:
        """Bytes of a run of layers without what the host keeps of them [bytes].

        ``sum over layers of tensors - tensors of the host``.
        Definition: what one device has.
        """
        kept = sum(self.on_host(layer, host[layer]) for layer in layers) if any(host) else 0.0
        return sum(self.layers_bytes[layers.start : layers.stop]) - kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Layers of one device; ``output``: it also holds the head."""

    layers: range
    output: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Tensors of a layer that lie on another device than their layer."""

    layer: int
    device: int
    names: frozenset[str]


def tensors_of_blocks(*kinds: str) -> frozenset[str]:
    """Names of these matrices of a feed-forward block: dense, of experts, of shared experts."""
    return frozenset(f"ffn_{kind}{suffix}" for kind in kinds for suffix in _SUFFIX.values())


def tensor_name(weight: Weight) -> str:
    """What a GGUF file calls a tensor of a layer; for tensors that no pattern asks for, the name of the block's part.

    Definition: ``blk.<layer>.<this>.weight``.
    """
    kind = weight.name.removesuffix("_proj")
    if weight.component in _SUFFIX and kind in ("gate", "up", "down"):
        return f"ffn_{kind}{_SUFFIX[weight.component]}"
    if weight.component == "router":
        return "ffn_gate_inp"
    return _ATTENTION.get(weight.name, weight.name) if weight.component == "attention" else weight.name


@lru_cache(maxsize=64)
def layer_bytes(model: Model, recipe: WeightRecipe) -> LayerBytes:
    """Bytes by place in the stack; weights that several layers share count with the first of them [bytes].

    ``sum over a layer's tensors of elements x bytes of the format``.
    Source: llama.cpp v0.5.0 ``src/llama-model.cpp``, ``load_tensors``; checked: 2026-11-30, read; sizes agree with
    its logs (``docs/memory.md``).
    Leaves out: towers, which come in a file of their own.
    """
    layers: list[dict[str, float]] = [{} for _ in range(model.num_layers)]
    for placed in model.placed:
        name = tensor_name(placed.weight)
        for index in placed.indices[: placed.stored]:
            layers[index][name] = layers[index].get(name, 0.0) + _bytes(recipe, placed, index)
    looked_up = [placed for placed in _ends(model, frozenset({"embedding"})) if placed.weight.kind == "table"]
    embedding = sum(_bytes(recipe, placed, 0) for placed in looked_up)
    tokens = sum(
        _bytes(recipe, placed, 0) for placed in looked_up if placed.weight.params == model.head.matrix_params
    )
    head = _ends_bytes(model, recipe, frozenset({"lm_head"}))
    behind = _ends_bytes(model, recipe, frozenset(COMPONENTS) - {"lm_head", "vision"}) - embedding
    return LayerBytes(
        embedding_bytes=embedding,
        tensors=tuple(tuple(layer.items()) for layer in layers),
        output_bytes=(tokens if model.head_tied else head) + behind,
        tied_bytes=tokens if model.head_tied else 0.0,
    )


def _ends(model: Model, components: frozenset[Component]) -> list[Placed]:
    """What stands in no layer and belongs to these components."""
    return [p for p in model.placed if not p.indices and p.weight.component in components]


def _ends_bytes(model: Model, recipe: WeightRecipe, components: frozenset[Component]) -> float:
    return sum(_bytes(recipe, placed, 0) for placed in _ends(model, components))


def _bytes(recipe: WeightRecipe, placed: Placed, layer: int) -> float:
    weight = placed.weight
    if not weight.params:
        return 0.0
    number_format = recipe.format_of(weight, layer)
    return weight_bytes(weight, weight.params, number_format, recipe.vectors)


def devices(
    num_layers: int, n_gpu_layers: int, count: int, shares: Sequence[float] = ()
) -> tuple[Device, ...]:
    """Layers of each of ``count`` devices, in equal runs or by ``shares``; ``num_layers + 1`` of them are all."""
    offloaded = min(n_gpu_layers, num_layers + 1)
    first = num_layers + 1 - offloaded
    parts = [*(float(share) for share in shares)][:count] if any(shares) else [1.0] * count
    parts += [0.0] * (count - len(parts))
    sums = [0.0, *accumulate(parts)]
    cuts = [first + ceil(offloaded * part / sums[-1] - 1e-6) for part in sums]
    return tuple(
        Device(layers=range(min(low, num_layers), min(high, num_layers)), output=low <= num_layers < high)
        for low, high in pairwise(cuts)
    )


def no_host_tensors(num_layers: int) -> HostTensors:
    """Nothing stays with the host but whole layers."""
    return (frozenset(),) * num_layers


def first_layers(num_layers: int, count: int, names: Sequence[str]) -> HostTensors:
    """These tensors of the first ``count`` layers stay with the host (``n_cpu_moe``, ``n_cpu_ffn``)."""
    kept = frozenset(names)
    return tuple(kept if layer < count else frozenset() for layer in range(num_layers))


@lru_cache(maxsize=64)
def matching(model: Model, patterns: tuple[str, ...]) -> HostTensors:
    """Tensors that any of the patterns finds in their name, layer by layer (``override_tensor``)."""
    found = [re.compile(pattern) for pattern in patterns]
    layers: list[set[str]] = [set() for _ in range(model.num_layers)]
    for placed in model.placed:
        name = tensor_name(placed.weight)
        for layer in placed.indices:
            if any(each.search(f"blk.{layer}.{name}.weight") for each in found):
                layers[layer].add(name)
    return tuple(frozenset(layer) for layer in layers)


def together(first: HostTensors, second: HostTensors) -> HostTensors:
    """What either keeps with the host."""
    return tuple(one | other for one, other in zip(first, second, strict=True))
