"""Adapters of experts that a class holds stacked, named by what the matrices of each expert were called before."""

from dataclasses import replace

from llm_calc.core.engines.lora import ALL, Adapter
from llm_calc.core.engines.lora_modules import Module, modules_of
from llm_calc.core.engines.lora_names import UNSTACKED
from llm_calc.core.model import Model

ROUTER = "gate"


def as_stacked(model: Model, adapter: Adapter) -> Adapter:
    """The adapter that is made of one for experts apart [elements].

    Names of matrices of experts become names of stacked ones, the pair of gate and up with twice the rank; they are no
    names of other matrices any more, and neither layers nor exclusions hold for them. ``all-linear`` and patterns
    become the last parts of the names that they match.
    Source: peft 0.21.2 ``utils/transformers_weight_conversion.py``, ``_convert_peft_config_moe``; checked: 2026-11-30,
    read, and its counts reproduced.
    Leaves out: one of gate and up without the other, which it refuses (:func:`half_of_pair`).
    """
    former = UNSTACKED.get(model.model_type)
    if former is None:
        return adapter
    named = _named(model, adapter, former)
    gate, up, down = former
    reached = {down: "down_proj", gate: "gate_up_proj", up: "gate_up_proj", ROUTER: f"{ROUTER}.weight"}
    parameters = {new for old, new in reached.items() if any(_is(name, old) for name in named)}
    kept = tuple(sorted(name for name in named if not any(_is(name, old) for old in reached)))
    ranks = adapter.ranks
    if "gate_up_proj" in parameters:
        ranks = (*ranks, (r".*\.gate_up_proj", 2 * adapter.rank))
    return replace(adapter, targets=kept, parameters=(*adapter.parameters, *sorted(parameters)), ranks=ranks)


def half_of_pair(model: Model, adapter: Adapter) -> tuple[str, str] | None:
    """The one of gate and up that is named, and the one that is not [1]; None where both are or none is.

    Definition: peft refuses one without the other.
    """
    former = UNSTACKED.get(model.model_type)
    if former is None:
        return None
    named = _named(model, adapter, former)
    pair = former[:2]
    there = [old for old in pair if any(_is(name, old) for name in named)]
    if len(there) != 1:
        return None
    return there[0], next(old for old in pair if old != there[0])


def _named(model: Model, adapter: Adapter, former: tuple[str, str, str]) -> frozenset[str]:
    """Ends of names that an adapter changes."""
    if not isinstance(adapter.targets, str):
        return frozenset(adapter.targets)
    modules = list(modules_of(model))
    taken = [each for each in modules if adapter.names(each.name, each.layer, linear=each.linear)]
    ends = {each.name.rpartition(".")[2] for each in taken}
    if adapter.targets == ALL:
        return frozenset({*ends, *former, ROUTER})
    probed = {old for each in modules if each.stacked for old in former if _would(adapter, each, old)}
    return frozenset(ends | probed)


def _would(adapter: Adapter, module: Module, old: str) -> bool:
    """Whether a pattern matches the former name of a matrix of experts."""
    return adapter.names(f"{module.name.rpartition('.')[0]}.{old}", module.layer)


def _is(name: str, old: str) -> bool:
    return name == old or name.endswith(f".{old}")
