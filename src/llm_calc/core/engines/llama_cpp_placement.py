"""A loading of llama.cpp as shares of a step: which matrices and caches the host computes."""

from llm_calc.core.engines.base import Setup
from llm_calc.core.engines.llama_cpp_fit import Loading
from llm_calc.core.engines.llama_cpp_split import Device, tensor_name
from llm_calc.core.memory import weight_bytes
from llm_calc.core.operators.linear import group_of
from llm_calc.core.operators.work import GROUPS
from llm_calc.core.serving.placement import Placement
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
