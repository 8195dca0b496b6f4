"""Reader of compressed-tensors: groups of modules with a scheme each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_calc.core.checkpoints.compressed_words import (
    FORMATS,
    LINEAR_CLASS,
    MX_GROUP,
    ORDERS,
    PRESETS,
    SCALE_BITS,
    SHAPE_BITS,
    STRATEGIES,
)
from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.modules import ONE_MODULE
from llm_calc.core.checkpoints.scheme import (
    HEAD,
    LINEAR,
    TOWERS,
    Choice,
    Scheme,
    block_of,
    grouped,
    kv_cache_of,
    left_out,
    number_words,
    storage_of,
)
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

TOOL = "compressed-tensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """One group: where it is said, its targets, its numbers (None: only activations)."""

    said: str
    targets: tuple[str, ...]
    number: NumberFormat | None
    dense: bool


def compressed_tensors(said: Said) -> Scheme:
    """Groups of targets with a scheme each; what is ignored stays as it is.

    Raises:
        InvalidInputError: no group has weights, or one says what is not understood.
    """
    outer = said.word("format", FORMATS, "")
    groups = [group for group in _groups(said, outer) if group.number is not None]
    if not groups:
        msg = f"{said.path}.config_groups: must hold at least one group with weights"
        raise InvalidInputError(msg, field=f"{said.path}.config_groups")
    _sparsity(said)
    return scheme_of_groups(said, groups)


def scheme_of_groups(said: Said, groups: list[_Group]) -> Scheme:
    """The scheme of groups: the first for every linear layer is the main one."""
    whole = [group for group in groups if not group.targets or LINEAR_CLASS in group.targets]
    main = (whole or groups)[0].number or groups[0].number
    if main is None:
        raise InvalidInputError(
            f"{said.path}.config_groups: must hold weights", field=f"{said.path}.config_groups"
        )
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=number_words(main),
        choices=(*_ignored(said), *(choice for group in groups for choice in _targets(group))),
        covers=LINEAR | HEAD | TOWERS if whole else frozenset(),
        gates=bool(whole),
        kv_cache=kv_cache_of(said),
        activations=main.compute,
        dense=all(group.dense for group in groups),
    )


def _ignored(said: Said) -> list[Choice]:
    """What is left out."""
    listed = left_out(said, "ignore", "ignored_layers", "exclude_modules")
    return [replace(choice, pattern=_one_module(choice.pattern), written=choice.pattern) for choice in listed]


def _one_module(name: str) -> str:
    """A plain name is that of one module: it stands for none that are in it."""
    plain = not name.startswith("re:") and not any(mark in name for mark in "*?[")
    return f"{ONE_MODULE}{name}" if plain else name


def _targets(group: _Group) -> list[Choice]:
    names = [_CLASSES.get(target, target) for target in group.targets if target != LINEAR_CLASS]
    said = f"{group.said}.targets"
    return [
        Choice(pattern=_one_module(name), number=group.number, role="target", said=said, written=name)
        for name in names
    ]


_CLASSES = {"Embedding": "model.embed_tokens"}
"""Classes of modules other than linear layers, by the module that has it."""


def _groups(said: Said, outer: str) -> list[_Group]:
    groups = said.raw("config_groups")
    if not isinstance(groups, Mapping):
        return []
    named = [name for name, value in groups.items() if isinstance(value, list)]
    written = {
        key: Said(_preset(said, key, groups[key]), f"{said.path}.config_groups.{key}", said.notes)
        for key in named
    }
    inner = Said(
        {key: value for key, value in groups.items() if key not in written},
        f"{said.path}.config_groups",
        said.notes,
    )
    said.adopt(inner)
    parts = {**written, **inner.children(lambda _: True)}
    return [_group(key, part, outer) for key, part in parts.items()]


def _preset(said: Said, name: str, targets: object) -> dict[str, object]:
    if name.lower() not in PRESETS:
        where = f"{said.path}.config_groups.{name}"
        msg = f"{where}: {name!r} is not one of {', '.join(PRESETS)}; or give precision.weights"
        raise InvalidInputError(msg, field=where)
    return {**PRESETS[name.lower()], "targets": targets}


def _group(key: str, group: Said, outer: str) -> _Group:
    targets = tuple(target for target, _ in group.strings("targets"))
    said = f"config_groups.{key}"
    layout = group.word("format", FORMATS, "") or outer
    active = group.part("input_activations")
    weights = group.part("weights")
    if weights is None:
        return _Group(said=said, targets=targets, number=None, dense=False)
    if layout == "dense":
        return _Group(said=said, targets=targets, number=group.notes.own, dense=True)
    _name_absent(group, targets, layout)
    return _Group(said=said, targets=targets, number=_number(weights, active, layout), dense=False)


def _name_absent(group: Said, targets: tuple[str, ...], layout: str) -> None:
    """Names what every file of the tool says and this one leaves out."""
    if not targets:
        group.assume(f"{_short(group)}.targets names nothing: every linear layer was taken")
    if not layout and group.notes.tool == TOOL:
        group.assume(f"{_short(group)}.format is absent: packed numbers were taken")


def _number(weights: Said, active: Said | None, layout: str) -> NumberFormat:
    """The format of one group's weights; arithmetic is native only where activations are quantized too."""
    bits = weights.bits("num_bits", 8)
    kind = weights.word("type", {"int": "int", "float": "float"}, "int")
    size, strategy = weights.integer("group_size", 0), weights.word("strategy", STRATEGIES, "")
    _check_group(weights, strategy, size)
    symmetric = weights.flag("symmetric", default=True)
    scale = weights.word("scale_dtype", SCALE_BITS, "")
    weights.word("zp_dtype", {**SCALE_BITS, "int8": 8.0, "int32": 32.0}, "")
    block, order = block_of(weights, "block_structure"), weights.word("actorder", ORDERS, "")
    compute = _arithmetic(active, kind, bits)
    if not symmetric and kind == "float":
        weights.assume(f"{_short(weights)}.symmetric is false, and floats have no offsets; none were counted")
    _name_layout(weights, kind, bits, layout)
    if kind == "float" and bits not in (4, 6, 8):
        raise weights.refusal("num_bits", "4, 6 or 8 with type float")
    static = _static_bits(active)
    if kind == "float" and bits == 4:
        return _fp4(size, scale, compute)
    if kind == "float" and bits == 6:
        return _fp6(weights, size, layout, compute)
    stored = bits if layout in ("packed", "") else max(8, bits)
    name = f"{'fp' if kind == 'float' else 'int'}{bits}"
    if kind == "float" and scale == 8 and size == MX_GROUP:
        return grouped("mxfp8", 8, size, scale, compute=compute)
    scale = _own_scale(weights, scale)
    zero = 0.0 if symmetric else float(stored)
    packed = SHAPE_BITS if layout == "packed" else 0.0
    if strategy == "block" and block is not None:
        return NumberFormat(
            name=f"{name}-block",
            element_bits=stored,
            block=block,
            scale_bits=scale,
            zero_bits=zero,
            compute=compute,
        )
    per = _per(weights, strategy, size)
    number = grouped(name, stored, per, scale, zero=zero, tensor=packed + static, compute=compute)
    return replace(number, column_bits=order)


def _check_group(weights: Said, strategy: str, size: int) -> None:
    """Names a group size that does not belong to its strategy, and refuses one of no numbers."""
    if strategy in ("group", "tensor_group") and size < 1 and weights.values.get("group_size") is not None:
        raise weights.refusal("group_size", f"a positive whole number with strategy {strategy}")
    if strategy in ("group", "tensor_group") and weights.values.get("group_size") is None:
        weights.assume(f"{weights.path}: strategy {strategy} without group_size; the usual one was taken")
    if size > 0 and strategy in ("tensor", "channel", "block"):
        weights.assume(f"{weights.path}: strategy {strategy} has no group_size; {size} was stated")


def _arithmetic(active: Said | None, kind: str, bits: int) -> str | None:
    """The type of the wider of weights and activations, where both are of one kind that there is arithmetic for."""
    if active is None:
        return None
    if not active.values:
        active.assume(f"{_short(active)} says nothing: activations were taken as not quantized")
        return None
    other = active.bits("num_bits", bits)
    other_kind = active.word("type", {"": kind, "int": "int", "float": "float"}, "")
    if kind == "int":
        return "int8" if bits == 8 else None
    if other_kind == kind and other in (4, 6, 8):
        return f"fp{max(bits, other)}"
    active.assume(
        f"{_short(active)}: {other_kind} of {other} bits beside {kind} of {bits}: taken as not used"
    )
    return None


_LAYOUTS: Mapping[tuple[str, int], str] = {("float", 4): "fp4", ("float", 6): "packed6", ("float", 8): "byte"}


def _name_layout(weights: Said, kind: str, bits: int, layout: str) -> None:
    """Names a format that does not hold such numbers."""
    usual = _LAYOUTS.get((kind, bits), "packed, byte" if kind == "int" else layout)
    if layout and layout not in usual.split(", "):
        weights.assume(
            f"{_short(weights)}: its format does not hold {kind} numbers of {bits} bits, which were taken"
        )


def _per(weights: Said, strategy: str, size: int) -> int:
    """What shares a scale: so many numbers of a row, a row (-1), or the tensor (0), as where neither is said."""
    if size > 0:
        return size
    unsaid = not strategy and weights.values.get("group_size") is None
    return 0 if strategy == "tensor" or unsaid else -1


def _short(said: Said) -> str:
    return said.path.removeprefix("model.hf_config.")


def _static_bits(active: Said | None) -> float:
    """A scale of activations that was fixed on calibration, one a tensor."""
    if active is None or active.values.get("dynamic") not in (False, None):
        return 0.0
    symmetric = active.values.get("symmetric", True)
    return active.notes.own.element_bits + (0.0 if symmetric else 8.0)


def _own_scale(weights: Said, stated: float) -> float:
    """Scales of integers and of fp8 stand in the model's type, whatever ``scale_dtype`` says; the answer says so."""
    own = weights.notes.own.element_bits
    if stated not in (0.0, own):
        where = weights.path.removeprefix("model.hf_config.")
        weights.assume(
            f"{where}.scale_dtype: compressed-tensors stores such scales in the model's own type, as was counted"
        )
    return own


def _fp6(weights: Said, size: int, layout: str, compute: str | None) -> NumberFormat:
    """MXFP6: four numbers in three bytes, and a scale of 8 bits for every 32."""
    if size not in (0, MX_GROUP) or layout not in ("", "packed6"):
        raise weights.refusal("group_size", f"{MX_GROUP}, with format mxfp6-pack-quantized")
    return grouped("mxfp6", 6, MX_GROUP, 8, compute=compute)


def _fp4(size: int, scale: float, compute: str | None) -> NumberFormat:
    if size == 32:
        return grouped("mxfp4", 4, 32, scale or 8.0, compute=compute)
    tensor = 64.0 if compute == "fp4" else 32.0
    return grouped("nvfp4", 4, size if size > 0 else 16, scale or 8.0, tensor=tensor, compute=compute)


def _sparsity(said: Said) -> None:
    """Refuses files that leave zeros out: their sizes follow from no configuration."""
    sparsity = said.part("sparsity_config")
    if sparsity is not None and sparsity.values:
        sparsity.word("format", {"dense": "dense"}, "")
        sparsity.read(
            "global_sparsity", "ignore", "registry_requires_subclass", "sparsity_structure", "targets"
        )
    transform = said.part("transform_config")
    if transform is not None and transform.values:
        said.part("transform_config")
        said.assume(
            f"{transform.path.removeprefix('model.hf_config.')}: matrices of transforms were not counted"
        )
