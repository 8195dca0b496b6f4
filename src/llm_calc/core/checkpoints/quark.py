"""Reader of AMD Quark: one configuration of the weights, and others for modules that are listed."""

from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    HEAD,
    LINEAR,
    Choice,
    Scheme,
    block_of,
    grouped,
    left_out,
    names_head,
    number_words,
    storage_of,
)
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

_KINDS: Mapping[str, tuple[str, int, str | None]] = {
    "fp4": ("mxfp4", 4, "fp4"),
    "mxfp4": ("mxfp4", 4, "fp4"),
    "fp8_e4m3": ("fp8", 8, "fp8"),
    "fp8_e5m2": ("fp8", 8, "fp8"),
    "fp6_e2m3": ("mxfp6", 6, "fp6"),
    "fp6_e3m2": ("mxfp6", 6, "fp6"),
    "int8": ("int8", 8, "int8"),
    "uint8": ("int8", 8, "int8"),
    "int4": ("int4", 4, None),
    "uint4": ("int4", 4, None),
    "int3": ("int3", 3, None),
    "int2": ("int2", 2, None),
}
_UNQUANTIZED = ("bfloat16", "float16", "bf16", "fp16", "float32")
_SCHEMES = {each: each for each in ("", "per_tensor", "per_channel", "per_group", "per_token", "per_block")}
_FP8 = "fp8_e4m3"
_NVFP4_GROUP = 16
_SCALES: Mapping[str, float] = {
    "": 0.0,
    "e8m0": 8.0,
    "float8_e8m0fnu": 8.0,
    "float": 32.0,
    "float32": 32.0,
    "float16": 16.0,
    "bfloat16": 16.0,
    "fp8_e4m3": 8.0,
    "e4m3": 8.0,
}


def quark(said: Said) -> Scheme:
    """One configuration for all linear layers; ``layer_quant_config`` goes before it.

    Raises:
        InvalidInputError: a type of numbers that is not understood.
    """
    whole = said.part("global_quant_config")
    number = None if whole is None else _number(whole)
    skips = left_out(said, "exclude", "exclude_layers")
    listed = [
        Choice(pattern=path, number=_number(entry), role="listed", said="layer_quant_config")
        for path, entry in said.parts("layer_quant_config").items()
    ]
    for name, entry in said.parts("layer_type_quant_config").items():
        _number(entry)
        said.assume(f"quantization_config.layer_type_quant_config.{name} was ignored")
    main = number or next((choice.number for choice in listed if choice.number), None)
    if main is None:
        field = f"{said.path}.global_quant_config.weight.dtype"
        known = ", ".join(_KINDS)
        raise InvalidInputError(f"{field}: must say one of {known}; or give precision.weights", field=field)
    if not skips:
        said.assume(f"{_short(said)}.exclude names nothing: the head was taken as left alone")
    covers = LINEAR | HEAD if skips and not names_head(skips) else LINEAR
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=number_words(main),
        choices=(*listed, *skips),
        covers=covers if number else frozenset(),
        kv_cache=_kv_cache(said),
        activations=main.compute,
    )


def _number(said: Said) -> NumberFormat | None:
    """The format of one configuration's weights; None: left in 16 bits."""
    steps = said.values.get("weight")
    native = _is_native(said)
    if isinstance(steps, list):
        return _in_steps(said, steps, native=native)
    weight = said.part("weight")
    return None if weight is None else _one_step(weight, native=native)


def _is_native(said: Said) -> bool:
    """Whether activations are quantized too: one step or several."""
    steps = said.raw("input_tensors")
    if steps is not None and not isinstance(steps, Mapping | list):
        raise said.refusal("input_tensors", "an object, or a list of them")
    return bool(steps)


def _in_steps(said: Said, steps: list[object], *, native: bool) -> NumberFormat | None:
    """Numbers whose scales are quantized too (NVFP4), or fp8 that is quantized to integers of four bits."""
    parts = []
    for place, step in enumerate(steps):
        part = Said(step if isinstance(step, Mapping) else {}, f"{said.path}.weight.{place}", said.notes)
        said.adopt(part)
        parts.append(part)
    said.read("weight")
    kinds = [str(part.values.get("dtype") or "").lower() for part in parts]
    if kinds == ["fp4", _FP8]:
        return _scales_quantized(*parts, native=native)
    if kinds == [_FP8, "int4"]:
        _whole_tensor(parts[0])
        number = _one_step(parts[1], native=False)
        return (
            None if number is None else replace(number, tensor_bits=32.0, compute="fp8" if native else None)
        )
    if len(parts) != 1:
        said.assume(f"{said.path}.weight: of {len(parts)} steps the first was taken")
    return _one_step(parts[0], native=native) if parts else None


def _scales_quantized(numbers: Said, scales: Said, *, native: bool) -> NumberFormat:
    """NVFP4: numbers in groups, whose scales are fp8 with one scale for all of them.

    Source: amd-quark 0.13, ``quantization/file2file_quantization.py`` and ``config.py``; ``checked: 2026-11-30``, read.
    """
    numbers.read("dtype")
    numbers.word("qscheme", _GROUPED, "")
    size = numbers.group("group_size", _NVFP4_GROUP)
    if size < 1:
        raise numbers.refusal("group_size", "a positive whole number")
    if size != _NVFP4_GROUP:
        numbers.assume(f"{_short(numbers)}.group_size: NVFP4 has groups of {_NVFP4_GROUP}; {size} were taken")
    _name_unused(numbers, symmetric=(True,), scale_type=_FLOATS, scale_format=_FLOATS, block_size=())
    _whole_tensor(scales)
    if scales.values.get("is_scale_quant") is False:
        scales.assume(f"{_short(scales)}.is_scale_quant is false; scales were taken as quantized")
    beside = 64.0 if native else 32.0
    return grouped("nvfp4", 4, size, 8, tensor=beside, compute="fp4" if native else None)


_GROUPED = {each: each for each in ("", "per_group")}
_FLOATS = ("float", "float32")


def _whole_tensor(step: Said) -> None:
    """A step with one scale of 32 bits for a tensor; names what it says beside that."""
    step.read("dtype")
    step.word("qscheme", {"": "", "per_tensor": "per_tensor"}, "")
    _name_unused(
        step, symmetric=(True,), scale_type=_FLOATS, scale_format=_FLOATS, group_size=(-1, 0), block_size=()
    )


def _name_unused(said: Said, **usual: tuple[object, ...]) -> None:
    """Names what is stated, is not as usual, and changed nothing."""
    for key, values in usual.items():
        value = said.raw(key)
        if value is not None and not any(value is each or value == each for each in values):
            said.assume(f"{_short(said)}.{key} ({value!r}) is not understood here; it was ignored")


def _short(said: Said) -> str:
    return said.path.removeprefix("model.hf_config.")


def _one_step(weight: Said, *, native: bool) -> NumberFormat | None:
    kind = str(weight.values.get("dtype") or "").lower()
    if kind in _UNQUANTIZED:
        weight.read(*weight.values)
        return None
    name, bits, compute = weight.word("dtype", _KINDS, "")
    scheme = weight.word("qscheme", _SCHEMES, "")
    if not scheme and not name.startswith("mx"):
        weight.assume(f"{_short(weight)}.qscheme is absent: one scale a tensor was taken")
    compute = compute if native else None
    if name.startswith("mx") and scheme in ("", "per_group"):
        size = weight.integer("group_size", 32)
        _name_unused(weight, symmetric=(True,), scale_type=_FLOATS, scale_format=_POWERS, block_size=())
        if size != _MX_GROUP:
            weight.assume(f"{_short(weight)}.group_size: {name} has groups of {_MX_GROUP}; {size} was stated")
        return grouped(name, bits, size if size > 0 else _MX_GROUP, 8, compute=compute)
    wide = weight.word("scale_format", _SCALES, "") or weight.word("scale_type", _SCALES, "")
    weight.read("scale_type")
    zero = 0.0 if weight.flag("symmetric", default=True) else float(bits)
    if scheme == "per_block":
        return _in_blocks(weight, name, bits, wide or 32.0, zero, compute)
    _name_unused(weight, block_size=())
    if scheme == "per_group":
        size = weight.group("group_size", 128)
        if size < 1:
            raise weight.refusal("group_size", "a positive whole number")
        return grouped(name, bits, size, wide or 16.0, zero=zero, compute=compute)
    _name_unused(weight, group_size=(-1, 0))
    if scheme == "per_channel":
        return grouped(name, bits, -1, wide or 32.0, zero=zero, compute=compute)
    tensor = 32.0 if native else 0.0
    return grouped(name, bits, 0, wide or 32.0, zero=zero, tensor=tensor, compute=compute)


_MX_GROUP = 32
_POWERS = ("e8m0", "float8_e8m0fnu")


def _in_blocks(
    weight: Said, name: str, bits: int, wide: float, zero: float, compute: str | None
) -> NumberFormat:
    """Numbers with a scale, and an offset where they are not symmetric, a block."""
    block = block_of(weight, "block_size")
    if block is None:
        raise weight.refusal("block_size", "a pair of positive whole numbers, such as [128, 128]")
    _name_unused(weight, group_size=(-1, 0))
    return NumberFormat(
        name=f"{name}-block",
        element_bits=bits,
        block=block,
        scale_bits=wide,
        zero_bits=zero,
        compute=compute,
    )


def _kv_cache(said: Said) -> str | None:
    """The format of keys and values where it is said apart."""
    found: dict[str | None, str] = {}
    for name, entry in said.parts("kv_cache_quant_config").items():
        output = entry.part("output_tensors")
        kind = "" if output is None else str(output.raw("dtype") or "").lower()
        found[{"fp8_e4m3": "fp8", "int8": "int8"}.get(kind)] = name
        if kind not in ("fp8_e4m3", "int8"):
            said.assume(f"quantization_config.kv_cache_quant_config.{name}: {kind!r} is not understood")
    known = [kind for kind in found if kind]
    if len(known) > 1:
        said.assume(f"quantization_config.kv_cache_quant_config: {' and '.join(known)}; {known[0]} was taken")
    return known[0] if known else None
