"""Reader of compressed-tensors: groups of modules with a scheme each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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

SCALE_BITS: Mapping[str, float] = {
    "": 0.0,
    "uint8": 8.0,
    "float8_e4m3fn": 8.0,
    "float8_e8m0fnu": 8.0,
    "bfloat16": 16.0,
    "float16": 16.0,
    "float32": 32.0,
}
SHAPE_BITS = 128.0
"""A packed tensor is followed by its shape, two 64-bit integers [bits]."""
FORMATS: Mapping[str, str] = {
    "": "",
    "dense": "dense",
    "pack-quantized": "packed",
    "int-quantized": "byte",
    "float-quantized": "byte",
    "naive-quantized": "byte",
    "mxfp8-quantized": "byte",
    "mxfp6-pack-quantized": "packed6",
    "nvfp4-pack-quantized": "fp4",
    "mxfp4-pack-quantized": "fp4",
    "mixed-precision": "",
}
"""How a format stores an element: packed bits, a byte, two fp4 numbers a byte; dense: as before."""
STRATEGIES = {each: each for each in ("", "tensor", "channel", "group", "block", "tensor_group")}
LINEAR_CLASS = "Linear"
MX_GROUP = 32
"""Numbers that share a scale in OCP's formats."""
_INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, "symmetric": True}
_INT8 = {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True}
_FP8 = {"num_bits": 8, "type": "float", "strategy": "channel"}
_ACTIVE = {"num_bits": 8}
PRESETS: Mapping[str, dict[str, object]] = {
    "w4a16": {"weights": _INT4},
    "w4a16_asym": {"weights": {**_INT4, "symmetric": False}},
    "w8a16": {"weights": _INT8},
    "w8a8": {"weights": _INT8, "input_activations": _ACTIVE},
    "int8": {"weights": _INT8, "input_activations": _ACTIVE},
    "fp8": {
        "weights": {**_FP8, "strategy": "tensor"},
        "input_activations": {"num_bits": 8, "strategy": "tensor", "dynamic": False},
    },
    "fp8_dynamic": {"weights": _FP8, "input_activations": {"num_bits": 8, "dynamic": True}},
    "nvfp4": {
        "weights": {"num_bits": 4, "type": "float", "group_size": 16},
        "input_activations": {"num_bits": 4, "dynamic": "local"},
    },
    "nvfp4a16": {"weights": {"num_bits": 4, "type": "float", "group_size": 16}},
}
"""Schemes that a group may name instead of writing them out."""


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
    return _Group(said=said, targets=targets, number=_number(weights, active, layout), dense=False)


def _number(weights: Said, active: Said | None, layout: str) -> NumberFormat:
    """The format of one group's weights; arithmetic is native only where activations are quantized too."""
    bits = weights.bits("num_bits", 8)
    kind = weights.word("type", {"int": "int", "float": "float"}, "int")
    size, strategy = weights.integer("group_size", 0), weights.word("strategy", STRATEGIES, "")
    if strategy in ("group", "tensor_group") and size < 1 and weights.values.get("group_size") is not None:
        raise weights.refusal("group_size", f"a positive whole number with strategy {strategy}")
    if size > 0 and strategy in ("tensor", "channel", "block"):
        weights.assume(f"{weights.path}: strategy {strategy} has no group_size; {size} was stated")
    symmetric = weights.flag("symmetric", default=True)
    scale = weights.word("scale_dtype", SCALE_BITS, "")
    weights.word("zp_dtype", {**SCALE_BITS, "int8": 8.0, "int32": 32.0}, "")
    block, order = block_of(weights, "block_structure"), weights.word("actorder", _ORDERS, "")
    native = active is not None
    if kind == "float" and bits not in (4, 6, 8):
        raise weights.refusal("num_bits", "4, 6 or 8 with type float")
    static = _static_bits(active)
    if kind == "float" and bits == 4:
        return _fp4(size, scale, native=native)
    if kind == "float" and bits == 6:
        return _fp6(weights, size, layout, native=native)
    stored = bits if layout in ("packed", "") else max(8, bits)
    compute = {("float", 8): "fp8", ("int", 8): "int8"}.get((kind, bits)) if native else None
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
    per = _per(strategy, size)
    number = grouped(name, stored, per, scale, zero=zero, tensor=packed + static, compute=compute)
    return replace(number, column_bits=order)


_ORDERS: Mapping[str, float] = {
    "": 0.0,
    "false": 0.0,
    "weight": 0.0,
    "static": 0.0,
    "group": 32.0,
    "dynamic": 32.0,
    "true": 32.0,
}
"""Bits a column of the order of groups: only where a group's members are scattered is it stored."""


def _per(strategy: str, size: int) -> int:
    """What shares a scale: so many numbers of a row, a row (-1), or the tensor (0)."""
    if size > 0:
        return size
    return 0 if strategy == "tensor" else -1


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


def _fp6(weights: Said, size: int, layout: str, *, native: bool) -> NumberFormat:
    """MXFP6: four numbers in three bytes, and a scale of 8 bits for every 32."""
    if size not in (0, MX_GROUP) or layout not in ("", "packed6"):
        raise weights.refusal("group_size", f"{MX_GROUP}, with format mxfp6-pack-quantized")
    return grouped("mxfp6", 6, MX_GROUP, 8, compute="fp6" if native else None)


def _fp4(size: int, scale: float, *, native: bool) -> NumberFormat:
    compute = "fp4" if native else None
    if size == 32:
        return grouped("mxfp4", 4, 32, scale or 8.0, compute=compute)
    tensor = 64.0 if native else 32.0
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
