"""Reader of torchao: a configuration object of the whole model, or one for each module."""

from collections.abc import Mapping

from llm_calc.core.architectures.beside import RELEASE, first_number
from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    ENDS,
    HEAD,
    NO_EXPERTS,
    TOWERS,
    Choice,
    Coverage,
    Scheme,
    grouped,
    names_head,
    number_words,
    storage_of,
)
from llm_calc.core.checkpoints.transformers_lists import is_stated, kept_modules
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

_WHOLE = "_default"
_LIST = "modules_to_not_convert"
_FP8_KINDS = dict.fromkeys(("", "float8_e4m3fn", "float8_e5m2", "e4m3"), "fp8")
_INTEGERS: Mapping[str, int] = {f"int{bits}": bits for bits in range(1, 9)} | {
    f"uint{bits}": bits for bits in range(1, 9)
}
_PACKINGS = {each: each for each in ("", "unpacked_to_int8")}
_WRAPPERS = (
    "torch.dtype",
    "MappingType",
    "IntxPackingFormat",
    "Int4PackingFormat",
    "Int4ChooseQParamsAlgorithm",
    "Float8PackingFormat",
)
"""Types of single values."""
_PER_MODULE = ("FqnToConfig", "ModuleFqnToConfig")
_NAMED: Mapping[str, tuple[str, dict[str, object]]] = {
    "int8_weight_only": ("Int8WeightOnlyConfig", {}),
    "int8_dynamic_activation_int8_weight": ("Int8DynamicActivationInt8WeightConfig", {}),
    "float8_weight_only": ("Float8WeightOnlyConfig", {}),
    "int4_weight_only": ("Int4WeightOnlyConfig", {}),
}
"""Short names of older files, and the objects that they stand for."""


def torchao(said: Said) -> Scheme:
    """Linear modules of text and towers but the head; routed experts are no modules in transformers 5.

    Raises:
        InvalidInputError: a configuration that is not understood.
    """
    kind, data = _object(said)
    choices: tuple[Choice, ...] = ()
    if kind in _PER_MODULE:
        number, choices = _per_module(data)
    else:
        number = _number(kind, data)
    kept = kept_modules(said, _LIST, parameters=True)
    covers = NO_EXPERTS | TOWERS | _ends(said, kept, by_name=kind in _PER_MODULE)
    if said.flag("untie_embedding_weights"):
        said.assume("quantization_config.untie_embedding_weights: whether the file holds a head is not known")
    main = number or next((choice.number for choice in choices if choice.number), None)
    if main is None:
        raise InvalidInputError(
            f"{said.path}.quant_type: names no format of weights", field=f"{said.path}.quant_type"
        )
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=f"{number_words(main)} (torchao)",
        choices=(*choices, *kept),
        covers=covers if number else frozenset(),
        gates=True,
        own_modules=True,
        activations=main.compute,
    )


def _ends(said: Said, kept: tuple[Choice, ...], *, by_name: bool) -> Coverage:
    """Embedding and head where they are taken; release 5 takes the table only by a configuration of named modules."""
    if said.flag("include_input_output_embeddings"):
        return HEAD if (first_number(said.values.get(RELEASE)) or 0) >= 5 and not by_name else ENDS
    return HEAD if is_stated(said, _LIST) and not names_head(kept) else frozenset()


def _object(said: Said) -> tuple[str, Said]:
    """Name and content of the configuration object."""
    if isinstance(said.values.get("quant_type"), str):
        short = str(said.raw("quant_type"))
        if short not in _NAMED:
            raise said.refusal("quant_type", ", ".join(_NAMED))
        kind, usual = _NAMED[short]
        given = said.part("quant_type_kwargs")
        values = {**usual, **(given.values if given else {})}
        inner = Said(values, f"{said.path}.quant_type_kwargs", said.notes)
        if given is not None:
            given.read(*given.values)
        said.adopt(inner)
        return kind, inner
    outer = said.part("quant_type")
    if outer is None:
        raise said.refusal("quant_type", "an object of torchao")
    return _typed(outer.part("default") or outer)


def _typed(said: Said) -> tuple[str, Said]:
    kind = str(said.raw("_type") or "")
    data = said.part("_data")
    if data is None:
        data = Said({}, f"{said.path}._data", said.notes)
    return kind, data


def _word(said: Said, key: str) -> str:
    """A word that may stand in an object of type and data."""
    value = said.raw(key)
    if isinstance(value, Mapping):
        inner = said.part(key)
        value = None if inner is None else inner.raw("_data")
        if inner is not None and inner.raw("_type") not in _WRAPPERS:
            said.assume(f"{inner.path.removeprefix('model.hf_config.')}._type is not understood")
    return "" if value is None else str(value).lower().removeprefix("torch.")


def _choice(said: Said, key: str, accepted: Mapping[str, object]) -> object:
    word = _word(said, key)
    if word not in accepted:
        raise said.refusal(key, ", ".join(each for each in accepted if each))
    return accepted[word]


def _number(kind: str, data: Said) -> NumberFormat | None:
    reader = _READERS.get(kind)
    if reader is None:
        known = ", ".join((*_READERS, *_PER_MODULE))
        where = f"{data.path.removesuffix('._data')}._type"
        raise InvalidInputError(
            f"{where}: {kind!r} is not one of {known}; or give precision.weights", field=where
        )
    return reader(data)


def _float8(data: Said) -> NumberFormat:
    _choice(data, "weight_dtype", _FP8_KINDS)
    per = _granularity(data, "granularity", -1)
    return grouped("fp8" if per == 0 else "fp8-channel", 8, per, 32)


def _float8_active(data: Said) -> NumberFormat:
    _choice(data, "weight_dtype", _FP8_KINDS)
    _choice(data, "packing_format", {each: each for each in ("", "plain")})
    per = _granularity(data, "granularity", 0)
    return grouped("fp8" if per == 0 else "fp8-channel", 8, per, 32, compute="fp8")


def _microscaled(data: Said) -> NumberFormat:
    """OCP's formats: a scale of 8 bits for every 32 numbers."""
    kind = _choice(data, "weight_dtype", {**_FP8_KINDS, "float4_e2m1fn_x2": "mxfp4"})
    size = data.integer("block_size", 32)
    name, bits = ("mxfp4", 4) if kind == "mxfp4" else ("mxfp8", 8)
    return grouped(name, bits, size, 8, compute="fp4" if bits == 4 else "fp8")


def _nvfp4(data: Said) -> NumberFormat:
    data.read("use_triton_kernel", "step")
    whole = data.flag("use_dynamic_per_tensor_scale", default=True)
    return grouped("nvfp4", 4, 16, 8, tensor=32 if whole else 0, compute="fp4")


def _int8(data: Said) -> NumberFormat:
    size = data.integer("group_size", -1)
    if data.values.get("group_size") is not None and data.values.get("granularity") is not None:
        data.assume(
            f"{data.path.removeprefix('model.hf_config.')}: granularity was taken, and not group_size"
        )
    per = _granularity(data, "granularity", size if size > 0 else -1)
    return grouped("int8", 8, per, 32, zero=8)


def _int8_active(data: Said) -> NumberFormat:
    per = _granularity(data, "granularity", -1)
    return grouped("int8", 8, per, 32, zero=8, compute="int8")


def _int4(data: Said) -> NumberFormat:
    size = data.integer("group_size", 128)
    _choice(
        data,
        "int4_packing_format",
        {each: each for each in ("", "plain", "tile_packed_to_4d", "plain_int32")},
    )
    _choice(data, "int4_choose_qparams_algorithm", {each: each for each in ("", "tinygemm", "hqq")})
    return grouped("int4", 4, size, 16, zero=16)


def _intx(data: Said) -> NumberFormat:
    return _any_integer(data, "weight_dtype", "granularity", "int8")


def _intx_active(data: Said) -> NumberFormat:
    return _any_integer(data, "weight_dtype", "weight_granularity", "int4")


def _any_integer(data: Said, kind: str, per: str, usual: str) -> NumberFormat:
    """Integers of any width, a byte each, with a scale and an offset of a byte."""
    word = _word(data, kind) or usual
    if word not in _INTEGERS:
        raise data.refusal(kind, ", ".join(_INTEGERS))
    _choice(data, "intx_packing_format", _PACKINGS)
    group = _granularity(data, per, 32)
    return grouped(f"int{_INTEGERS[word]}", 8, group, data.notes.own.element_bits, zero=8)


def _granularity(data: Said, key: str, default: int) -> int:
    """What shares a scale: so many numbers, a row (-1), the tensor (0)."""
    value = data.values.get(key)
    if isinstance(value, list):
        data.read(key)
        if not value or not isinstance(value[0], Mapping):
            raise data.refusal(key, "PerRow, PerTensor, PerGroup")
        kept = Said({key: value[-1]}, data.path, data.notes)
        data.adopt(kept)
        return _granularity(kept, key, default)
    outer = data.part(key)
    if outer is None:
        return default
    kind, inner = _typed(outer)
    if kind == "PerGroup":
        return inner.integer("group_size", default)
    if kind not in ("PerRow", "PerAxis", "PerTensor"):
        raise data.refusal(key, "PerRow, PerAxis, PerTensor, PerGroup")
    return 0 if kind == "PerTensor" else -1


_READERS = {
    "Float8WeightOnlyConfig": _float8,
    "Float8DynamicActivationFloat8WeightConfig": _float8_active,
    "Int8WeightOnlyConfig": _int8,
    "Int8DynamicActivationInt8WeightConfig": _int8_active,
    "Int4WeightOnlyConfig": _int4,
    "IntxWeightOnlyConfig": _intx,
    "Int8DynamicActivationIntxWeightConfig": _intx_active,
    "MXDynamicActivationMXWeightConfig": _microscaled,
    "NVFP4DynamicActivationNVFP4WeightConfig": _nvfp4,
    "NVFP4WeightOnlyConfig": _nvfp4,
}


def _per_module(data: Said) -> tuple[NumberFormat | None, tuple[Choice, ...]]:
    """One configuration for each named module; ``_default`` for all others."""
    key = "fqn_to_config" if "fqn_to_config" in data.values else "module_fqn_to_config"
    entries = data.part(key)
    data.read("fqn_to_config", "module_fqn_to_config")
    if entries is None:
        raise data.refusal(key, "an object of modules and configurations")
    _compare(data, entries)
    whole, choices = None, []
    for name, entry in entries.children(lambda _: True).items():
        kind, inner = _typed(entry)
        number = _number(kind, inner) if kind else None
        if name == _WHOLE:
            whole = number
        else:
            choices.append(_named(name, number, key))
    nulls = [name for name, value in entries.values.items() if value is None and name != _WHOLE]
    entries.read(*entries.values)
    choices += [_named(name, None, key) for name in nulls]
    return whole, tuple(sorted(choices, key=lambda choice: choice.pattern.startswith("re:")))


def _compare(data: Said, entries: Said) -> None:
    """Names what the older of two spellings of the same object says otherwise."""
    older = data.part("module_fqn_to_config")
    values = {} if older is None else older.values
    against = [name for name, value in values.items() if entries.values.get(name, data) != value]
    data.notes.add_all(against, "quant_type: module_fqn_to_config contradicts fqn_to_config on {}")
    if older is not None:
        older.read(*older.values)
        for kind, inner in map(_typed, older.children(lambda name: name in against).values()):
            _number(kind, inner)


def _named(name: str, number: NumberFormat | None, key: str) -> Choice:
    """A module by its whole name, or by an expression that matches the whole of it."""
    if name.startswith("re:"):
        return Choice(pattern=f"{name}$", number=number, role="listed", said=key)
    pattern = f"whole:{name.removesuffix('.weight')}"
    return Choice(pattern=pattern, number=number, role="listed", said=key, written=name)
