"""Bytes of a loading: on each device, with the host, and what a caller should know of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llm_calc.core.engines.base import Setup
from llm_calc.core.engines.llama_cpp_fit import Loading
from llm_calc.core.engines.llama_cpp_slots import Slots
from llm_calc.core.engines.llama_cpp_split import (
    DENSE_FFN,
    EXPERTS,
    Device,
    HostTensors,
    first_layers,
    layer_bytes,
    matching,
    together,
)
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model

SPLIT_MODES = ("layer", "none")
MOST_DEVICES = 16
"""Source: llama.cpp v0.5.0 ``src/llama.cpp``, ``llama_max_devices``; checked: 2026-11-30."""
"""``row`` and ``tensor`` cut single matrices."""
HOST_BUFFER = "CPU"
LONGEST_PATTERN = 200
MOST_REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What one device holds."""

    weights_bytes: float
    kv_cache_bytes: float
    compute_bytes: float

    @property
    def total_bytes(self) -> float:
        """All of it [bytes].

        ``weights + cache + compute buffer``.
        Definition: the framework stands beside it.
        """
        return self.weights_bytes + self.kv_cache_bytes + self.compute_bytes

    def beside(self, draft: "Parts") -> "Parts":
        """The same with a draft, whose cells are all allocated at start: no request gets more of them [bytes].

        ``weights + its weights``, ``compute + its compute + its cells``.
        Definition: the cells of the model are what its requests take.
        """
        fixed = self.compute_bytes + draft.compute_bytes + draft.kv_cache_bytes
        return replace(self, weights_bytes=self.weights_bytes + draft.weights_bytes, compute_bytes=fixed)


def free_memory(setup: Setup, taken: float) -> tuple[float, ...]:
    """What each device has free before anything is loaded, by which layers are dealt [bytes].

    ``memory - taken``.
    Source: llama.cpp ``src/llama-model.cpp``, ``load_tensors``: free memory stands for ``tensor_split`` where that is
    not given (checked: 2026-11-29).
    Leaves out: what other programs hold of a device.
    """
    return tuple(max(setup.memory_of(stage) - taken, 0.0) for stage in range(setup.layout.pipeline))


def device_weights(setup: Setup, loading: Loading, split: tuple[Device, ...], stage: int) -> float:
    """Weights on one device: its layers without what lies elsewhere of them, the output, what it has of others [bytes].

    ``sum over layers of tensors - tensors of the host - tensors onward + output + tensors of the layer before``.
    Source: llama.cpp v0.5.0 ``src/llama-model.cpp``, ``load_tensors``; checked: 2026-11-30, read. Exact.
    """
    stack, device = layer_bytes(setup.model, setup.numbers.recipe), split[stage]
    moved = sum(
        stack.on_host(each.layer, each.names) * ((each.device == stage) - (each.layer in device.layers))
        for each in loading.onward
    )
    return stack.on_device(device.layers, loading.host) + stack.output_bytes * device.output + moved


def whole_bytes(setup: Setup, host: HostTensors) -> float:
    """Weights that devices hold together where every layer is offloaded [bytes].

    ``sum over layers of tensors - tensors of the host + output``.
    Definition: :func:`device_weights` of all of them; no loading that is whole takes less.
    """
    stack = layer_bytes(setup.model, setup.numbers.recipe)
    return stack.on_device(range(setup.model.num_layers), host) + stack.output_bytes


def host_weights(setup: Setup, loading: Loading, split: tuple[Device, ...]) -> float:
    """Weights that the host holds: the input's tables, its layers, tensors that overrides keep with it [bytes].

    ``embedding + layers that no device has + tensors of the host``; a tied head on a device is a second copy.
    Source: llama.cpp v0.5.0 ``src/llama-model.cpp``, ``load_tensors``; checked: 2026-11-30, read. Exact.
    """
    stack = layer_bytes(setup.model, setup.numbers.recipe)
    placed = sum(stack.on_device(device.layers, loading.host) for device in split)
    total = stack.embedding_bytes + sum(stack.layers_bytes) - placed
    if not any(device.output for device in split):
        total += stack.output_bytes - stack.tied_bytes
    return total


def doubled_bytes(setup: Setup, split: tuple[Device, ...]) -> float:
    """Weights that host and device both hold: a tied head's table [bytes].

    ``tied bytes`` where a device has the output.
    Source: llama.cpp v0.5.0 ``src/models/llama.cpp``, ``TENSOR_DUPLICATED``; checked: 2026-11-30, read. Exact.
    """
    stack = layer_bytes(setup.model, setup.numbers.recipe)
    return stack.tied_bytes if any(device.output for device in split) else 0.0


def kept_with_host(model: Model, experts: int, dense: int, override: str | None) -> HostTensors:
    """What the options keep with the host of offloaded layers, by layer.

    ``experts``, ``dense``: first layers whose experts, or whose dense feed-forward matrices, they keep [layers].
    Source: llama.cpp v0.5.0 ``common/arg.cpp``, ``--n-cpu-moe``, ``--cpu-moe``, ``--override-tensor``; checked:
    2026-11-30, read.
    """
    total, patterns = model.num_layers, host_patterns(override)
    kept = together(first_layers(total, experts, EXPERTS), first_layers(total, dense, DENSE_FFN))
    return together(kept, matching(model, patterns)) if patterns else kept


def host_patterns(override: str | None) -> tuple[str, ...]:
    """The patterns of ``override_tensor`` that send tensors to the host.

    Raises:
        InvalidInputError: no ``pattern=buffer``, another buffer than the host's, or a pattern that is too involved.
    """
    found = []
    for rule in (override or "").split(","):
        if not rule:
            continue
        pattern, mark, buffer = rule.rpartition("=")
        if not mark or buffer.strip().upper() != HOST_BUFFER:
            msg = f"engine.override_tensor: {rule!r} must be <pattern>=CPU, several joined by commas"
            raise InvalidInputError(msg, field="engine.override_tensor")
        found.append(_checked(pattern))
    return tuple(found)


def _checked(pattern: str) -> str:
    """Patterns that search a short name in no time: few repeats, and none of a group."""
    repeats = len(re.findall(r"(?<!\\)[*+{]", pattern))
    involved = len(pattern) > LONGEST_PATTERN or repeats > MOST_REPEATS or re.search(r"\)[*+{]", pattern)
    try:
        re.compile(pattern)
    except re.error as error:
        involved = True
        reason = str(error)
    else:
        reason = f"at most {LONGEST_PATTERN} characters and {MOST_REPEATS} repeats, none of a group"
    if involved:
        msg = f"engine.override_tensor: {pattern!r} cannot be used as a pattern ({reason})"
        raise InvalidInputError(msg, field="engine.override_tensor")
    return pattern


def notes(setup: Setup, loading: Loading, split: tuple[Device, ...], slots: Slots) -> tuple[str, ...]:
    """What is where, in words."""
    found = ["the input embedding stays in host memory", *_slot_notes(slots), *_layer_notes(loading, split)]
    if any(placed.weight.component == "vision" for placed in setup.model.placed):
        found.append("vision and audio towers come in a file of their own (mmproj) and are not counted")
    if setup.gpu.unified_memory:
        found.append("memory is shared with the host: what the host keeps counts against it")
    return tuple(found)


def _slot_notes(slots: Slots) -> list[str]:
    if slots.count == 1:
        return []
    if slots.shared:
        each = slots.cells // slots.count
        return [
            f"{slots.count} slots share one cache of {slots.cells} cells (kv_unified); unshared each has {each}"
        ]
    return [f"{slots.count} slots of {slots.slot_tokens} cells each; a longer request is refused"]


def _layer_notes(loading: Loading, split: tuple[Device, ...]) -> list[str]:
    found = []
    if len(split) > 1:
        dealt = ", ".join(str(layers) for layers in loading.layers)
        found.append(f"layers of each GPU, the output counted as one: {dealt}")
    last = split[0].layers.start - 1
    if last >= 0:
        layers = f"layers 0 to {last} and their" if last else "layer 0 and its"
        found.append(f"{layers} cache stay with the host; n_gpu_layers {loading.offloaded}")
    kept = [layer for device in split for layer in device.layers if loading.host[layer]]
    if kept:
        experts = any(name.endswith("_exps") for layer in kept for name in loading.host[layer])
        found.append(
            f"{'experts' if experts else 'matrices'} of {len(kept)} offloaded layers stay with the host"
        )
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """Options that may change nothing."""

    experts: bool
    override_tensor: str | None
    main_gpu: int
    split_mode: str


def longest_request(slots: Slots, model: Model) -> int:
    """What one request may have: a slot, and no more than the model was trained with [tokens].

    Source: llama.cpp ``tools/server/server-context.cpp``, which caps a slot's context at ``n_ctx_train``
    (checked: 2026-11-29). Leaves out: rope scaling and overrides of the file's keys, which raise the cap.
    """
    return min(slots.slot_tokens, model.context_length_tokens or slots.slot_tokens)


def unused(setup: Setup, told: Told, slots: Slots) -> list[str]:
    """Options that change nothing here, or less than they say."""
    found = []
    if told.experts and not setup.model.num_experts:
        found.append("cpu_moe and n_cpu_moe change nothing: the model routes to no experts")
    patterns = host_patterns(told.override_tensor)
    if patterns and not any(matching(setup.model, patterns)):
        found.append(f"override_tensor changes nothing: no tensor of a layer is named {told.override_tensor}")
    if told.main_gpu and told.split_mode != "none":
        found.append("main_gpu changes nothing: layers are dealt to all GPUs (split_mode layer)")
    longest = longest_request(slots, setup.model)
    if longest < slots.slot_tokens:
        found.append(
            f"n_ctx: a slot of {slots.slot_tokens} tokens is capped at the {longest} that the model was trained with; "
            "the server takes no longer request"
        )
    return found


def check(setup: Setup, split_mode: str, tensor_split: Sequence[float] | None, main_gpu: int) -> None:
    """Refuses what llama.cpp does not split, and splits that are not modelled.

    Raises:
        UnsupportedError: tensor or expert parallelism, a split of rows, several machines, or more devices than it
            knows.
        InvalidInputError: ``tensor_split`` has not one part for each GPU, or ``main_gpu`` is none of them.
    """
    if setup.layout.pipeline > MOST_DEVICES:
        msg = f"parallelism.pipeline: llama.cpp knows at most {MOST_DEVICES} devices; it is {setup.layout.pipeline}"
        raise UnsupportedError(msg, field="parallelism.pipeline", most=MOST_DEVICES)
    if setup.layout.gpus > 1 and setup.gpu.unified_memory and setup.gpu.gpus_per_fast_domain == 1:
        msg = (
            f"hardware.count: {setup.gpu.id} shares the memory of its machine, so that {setup.layout.gpus} are as many "
            "machines; llama.cpp over several (RPC) is not modelled"
        )
        raise UnsupportedError(msg, field="hardware.count", accepted=[1])
    _check_parts(setup.layout.pipeline, tensor_split, main_gpu if split_mode == "none" else 0)
    for name in ("tensor", "expert"):
        if getattr(setup.layout, name) > 1:
            msg = f"parallelism.{name}: llama.cpp deals layers to devices; use pipeline instead"
            raise UnsupportedError(msg, field=f"parallelism.{name}", accepted=[1])
    if split_mode not in SPLIT_MODES:
        msg = f"engine.split_mode: {split_mode} is not modelled; known: {', '.join(SPLIT_MODES)}"
        raise UnsupportedError(msg, field="engine.split_mode", accepted=[*SPLIT_MODES])


def _check_parts(devices: int, tensor_split: Sequence[float] | None, main_gpu: int) -> None:
    if tensor_split is not None and (len(tensor_split) != devices or not any(tensor_split)):
        given = ", ".join(f"{part:g}" for part in tensor_split)
        msg = f"engine.tensor_split: must be {devices} parts, one for each GPU, not all 0; it is [{given}]"
        raise InvalidInputError(msg, field="engine.tensor_split")
    if main_gpu >= devices:
        msg = f"engine.main_gpu: must be 0 to {devices - 1}; it is {main_gpu}"
        raise InvalidInputError(msg, field="engine.main_gpu")
