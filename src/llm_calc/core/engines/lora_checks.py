"""Adapters that peft refuses for a model, and what of an adapter is not counted."""

from collections.abc import Iterator

from llm_calc.core.checkpoints.lora_config import CONFIG, FIELD, SaidAdapter
from llm_calc.core.engines.lora import ALL, PARTS, Adapter
from llm_calc.core.engines.lora_modules import Module, modules_of
from llm_calc.core.engines.lora_names import UNSTACKED, WITHOUT_OUT_PROJ, compared
from llm_calc.core.engines.lora_stacked import ROUTER, half_of_pair
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import Model

FORMER = frozenset({"gate_proj", "up_proj", "down_proj", "gate_up_proj", "w1", "w2", "w3"})
"""What matrices of experts are called, apart or stacked."""
COUNTED = frozenset({*PARTS, "embedding", "lm_head", "vision"})


def check_adapter(part: SaidAdapter, said: Adapter, made: Adapter, model: Model) -> None:
    """Refuse what peft refuses: names of no matrix, an adapter of none, matrices that it takes no adapter for.

    ``said``: the adapter of the request; ``made``: what becomes of it where experts are stacked.
    """
    where = f"{FIELD if part.adapter_config is None else CONFIG}.target_modules"
    for reason in (*_halves(said, model), *_unfit(said, made, model), *_of_none(part, said, made, model)):
        known = sorted(_ends(model))
        msg = f"{where}: {reason}; of {model.model_type} these are known: {', '.join(known)}"
        raise UnsupportedError(msg, field=where, accepted=known)


def _halves(said: Adapter, model: Model) -> Iterator[str]:
    half = half_of_pair(model, said)
    if half is not None:
        yield f"peft takes no {half[0]} without {half[1]}, which are one tensor"


def _unfit(said: Adapter, made: Adapter, model: Model) -> Iterator[str]:
    """Modules that peft names as such that it cannot change."""
    taken = [module for module in modules_of(model) if made.takes(module)]
    if model.model_type in WITHOUT_OUT_PROJ and any(each.held == ("out_proj",) for each in taken):
        yield "peft takes no adapter for out_proj of this type"
    if model.model_type in UNSTACKED or said.targets == ALL:
        return
    for module in taken:
        if module.weight.component == "router" and not module.linear and not said.parameters:
            yield f"peft takes no adapter for {module.name.rpartition('.')[2]}, which is no linear module"
            return


def _of_none(part: SaidAdapter, said: Adapter, made: Adapter, model: Model) -> Iterator[str]:
    missing = () if isinstance(said.targets, str) else _missing(said.targets, model)
    if any(made.takes(module) for module in modules_of(model)):
        if missing and part.adapter_config is None:
            yield f"the model's class has no {', '.join(missing)}"
    else:
        yield (
            f"the model's class has no {', '.join(missing)}"
            if missing
            else "it changes no matrix of the model"
        )


def _ends(model: Model) -> set[str]:
    own = {module.name.rpartition(".")[2] for module in modules_of(model) if not module.stacked}
    if model.model_type in WITHOUT_OUT_PROJ:
        own -= {"out_proj"}
    return own | {*UNSTACKED.get(model.model_type, ()), *((ROUTER,) if model.model_type in UNSTACKED else ())}


def _missing(names: tuple[str, ...], model: Model) -> tuple[str, ...]:
    """Names that are the end of no matrix's."""
    known = [module.name for module in modules_of(model) if not module.stacked]
    former = UNSTACKED.get(model.model_type, ())
    return tuple(
        each
        for each in names
        if each.rpartition(".")[2] not in former
        and not any(f".{name}".endswith(f".{each}") for name in known)
    )


def adapter_words(said: Adapter, made: Adapter, model: Model) -> Iterator[str]:
    """What of an adapter is not counted, or otherwise than it looks."""
    yield from _unmatched(said, model)
    yield from _of_experts(said, made, model)
    if not compared(model.model_type):
        yield (
            f"{FIELD}: how the class of {model.model_type} names and joins its matrices was not compared; those of "
            "Llama's class are taken"
        )
    placed = [placed.weight for placed in model.placed if placed.weight.kind == "matrix"]
    if any(weight.component == "vision" for weight in placed):
        yield f"{FIELD}.target_modules: matrices of towers are not counted, though their names may be meant as well"
    if said.targets == ALL and any(weight.component not in COUNTED for weight in placed):
        yield f"{FIELD}.target_modules: matrices outside of attention and feed-forward blocks are not counted"


def _unmatched(said: Adapter, model: Model) -> Iterator[str]:
    """Names of a file that are no matrix's, which peft passes over where others are."""
    lists = {"target_modules": said.targets, "exclude_modules": said.excluded}
    for key, names in lists.items():
        for each in () if isinstance(names, str) else _missing(names, model):
            yield f"{CONFIG}.{key}: no matrix that is known of {model.model_type} is called {each}"
    for each in said.saved:
        if not any(f".{each}." in f".{module.name}." for module in modules_of(model)):
            yield f"{CONFIG}.modules_to_save: no matrix that is known is called {each}; what it has is not counted"
    tensors = [_tensor(module) for module in modules_of(model)]
    for each in said.parameters:
        if not any(f".{name}".endswith(f".{each}") for name in tensors):
            yield f"{CONFIG}.target_parameters: no tensor that is known is called {each}; it is not counted"


def _tensor(module: Module) -> str:
    return module.name if module.stacked else f"{module.name}.weight"


def _of_experts(said: Adapter, made: Adapter, model: Model) -> Iterator[str]:
    modules = list(modules_of(model))
    stacked = [module for module in modules if module.stacked]
    named = said.targets == ALL or _names_experts(said.targets)
    if named and stacked and not any(made.takes(module) for module in stacked):
        yield (
            f"{FIELD}.target_modules: experts of {model.model_type} are stacked, and peft changes none of them by such "
            "names; target_parameters of an adapter_config names them"
        )
    if model.model_type not in UNSTACKED:
        return
    if said.targets != ALL and isinstance(said.targets, str):
        yield f"{FIELD}: peft takes a pattern by the ends of what it matches here, in every layer"
    beside = [m for m in modules if not m.stacked and m.held[0] in FORMER and not made.takes(m)]
    if beside and any(made.takes(module) for module in stacked):
        yield f"{FIELD}: peft changes routed experts by their names, and no shared expert or dense layer beside them"
    if made.parameters and (said.layers is not None or said.excluded):
        yield f"{FIELD}: layers_to_transform and exclude_modules hold for no stacked experts and no router"


def _names_experts(targets: tuple[str, ...] | str) -> bool:
    return not isinstance(targets, str) and any(each.rpartition(".")[2] in FORMER for each in targets)
