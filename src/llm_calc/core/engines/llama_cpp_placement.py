"""A loading of llama.cpp as shares of a step: which matrices and caches the host computes."""

from typing import Protocol

from llm_calc.core.engines.base import Setup
from llm_calc.core.engines.llama_cpp_fit import Loading
from llm_calc.core.engines.llama_cpp_loading import Told, unused
from llm_calc.core.engines.llama_cpp_slots import Slots
from llm_calc.core.engines.llama_cpp_split import Device, devices, tensor_name
from llm_calc.core.memory import weight_bytes
from llm_calc.core.operators.linear import group_of
from llm_calc.core.operators.work import GROUPS
from llm_calc.core.serving.placement import Placement
from llm_calc.core.serving.unlike import StageShare
from llm_calc.core.weights import Weight


def placement_of(
    setup: Setup, loading: Loading, split: tuple[Device, ...], *, cache_on_device: bool
) -> Placement:
    """The host's part of the weight bytes of each group, of the layers' caches, and the hand-overs [1].

    ``host bytes / all bytes`` of every matrix that tokens meet.
    Definition: the placement that :func:`.llama_cpp_loading.host_weights` counts.
    """
    model, placed = setup.model, frozenset(layer for device in split for layer in device.layers)
    totals, hosts = [0.0] * len(GROUPS), [0.0] * len(GROUPS)
    output = any(device.output for device in split)
    for each in model.placed:
        group = group_of(each)
        if group is None:
            continue
        name, place = tensor_name(each.weight), GROUPS.index(group)
        for layer in each.indices or (0,):
            size = _bytes(setup, each.weight, layer)
            totals[place] += size
            away = (layer not in placed or name in loading.host[layer]) if each.indices else not output
            hosts[place] += size if away else 0.0
    kept = [layer for layer in placed if loading.host[layer]]
    off = model.num_layers - len(placed)
    return Placement(
        fractions=tuple(host / total if total else 0.0 for host, total in zip(hosts, totals, strict=True)),
        cache_fraction=off / model.num_layers if cache_on_device else 1.0,
        layers_fraction=off / model.num_layers,
        expert_layers=float(len(kept)),
        crossings=2 * len(kept) + int(off > 0 and output) + (0 if cache_on_device else 2 * len(placed)),
    )


def _bytes(setup: Setup, weight: Weight, layer: int) -> float:
    recipe = setup.numbers.recipe
    return weight_bytes(weight, weight.params, recipe.format_of(weight, layer), recipe.vectors)


def devices_of(setup: Setup, loading: Loading) -> tuple[Device, ...]:
    """The layers of each device under a loading."""
    layers = loading.layers
    return devices(setup.model.num_layers, loading.offloaded, len(layers), [float(each) for each in layers])


def stage_shares(setup: Setup, loading: Loading) -> tuple[StageShare, ...]:
    """What each device computes of everything that devices compute [1].

    ``bytes on the device / bytes on all`` of each group of matrices, and the same of layers.
    Definition: the split that :func:`.llama_cpp_loading.device_weights` counts.
    Leaves out: caches whose layers differ in width.
    """
    split = devices_of(setup, loading)
    sizes = [_group_bytes(setup, loading, split, stage) for stage in range(len(split))]
    totals = [sum(column) for column in zip(*sizes, strict=True)]
    placed = sum(len(device.layers) for device in split)
    return tuple(
        StageShare(
            groups=tuple(one / total if total else 0.0 for one, total in zip(size, totals, strict=True)),
            layers=len(device.layers) / placed if placed else 1.0 / len(split),
        )
        for size, device in zip(sizes, split, strict=True)
    )


def _group_bytes(setup: Setup, loading: Loading, split: tuple[Device, ...], stage: int) -> list[float]:
    """Bytes of each group of matrices on one device."""
    sizes, output = [0.0] * len(GROUPS), split[stage].output
    for each in setup.model.placed:
        group = group_of(each)
        if group is None:
            continue
        name, place = tensor_name(each.weight), GROUPS.index(group)
        if not each.indices:
            sizes[place] += _bytes(setup, each.weight, 0) if output else 0.0
        here = [layer for layer in each.indices if _lies_on(loading, split, layer, name) == stage]
        sizes[place] += sum(_bytes(setup, each.weight, layer) for layer in here)
    return sizes


def _lies_on(loading: Loading, split: tuple[Device, ...], layer: int, name: str) -> int | None:
    """Which device has a tensor; None: the host."""
    if name in loading.host[layer]:
        return None
    moved = (each.device for each in loading.onward if each.layer == layer and name in each.names)
    own = (stage for stage, device in enumerate(split) if layer in device.layers)
    return next(moved, next(own, None))


class Says(Protocol):
    """An engine with options that may change nothing."""

    @property
    def cpu_moe(self) -> bool:
        """Whether all routed experts stay with the host."""

    @property
    def n_cpu_moe(self) -> int:
        """First layers whose experts do [layers].

        Definition: the option.
        """

    @property
    def override_tensor(self) -> str | None:
        """Tensors that do."""

    @property
    def main_gpu(self) -> int:
        """The GPU of ``split_mode`` none, counted from 0 [1].

        Definition: the option.
        """

    @property
    def split_mode(self) -> str:
        """How layers are dealt."""


def without_effect(setup: Setup, said: Says, slots: Slots) -> tuple[str, ...]:
    """What was said and changes nothing here, or less than it says, in words."""
    told = Told(said.cpu_moe or said.n_cpu_moe > 0, said.override_tensor, said.main_gpu, said.split_mode)
    return tuple(unused(setup, told, slots))
