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
    native = bool(said.values.get("input_tensors"))
    if isinstance(steps, list):
        return _in_steps(said, steps, native=native)
    weight = said.part("weight")
    return None if weight is None else _one_step(weight, native=native)


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
        size = parts[0].integer("group_size", _NVFP4_GROUP)
        parts[0].word("dtype", _KINDS, "")
        for part in parts:
            part.word("qscheme", _SCHEMES, "")
            part.read("dtype", "symmetric", "scale_type", "scale_format", "group_size")
        beside = 64.0 if native else 32.0
        return grouped("nvfp4", 4, max(size, 1), 8, tensor=beside, compute="fp4" if native else None)
    if kinds == [_FP8, "int4"]:
        parts[0].word("qscheme", {"": "", "per_tensor": "per_tensor"}, "")
        parts[0].read("dtype", "symmetric", "scale_type", "scale_format", "group_size")
        number = _one_step(parts[1], native=False)
        return (
            None if number is None else replace(number, tensor_bits=32.0, compute="fp8" if native else None)
        )
    if len(parts) != 1:
        said.assume(f"{said.path}.weight: of {len(parts)} steps the first was taken")
    return _one_step(parts[0], native=native) if parts else None


def _one_step(weight: Said, *, native: bool) -> NumberFormat | None:
    kind = str(weight.values.get("dtype") or "").lower()
    if kind in _UNQUANTIZED:
        weight.read(*weight.values)
        return None
    name, bits, compute = weight.word("dtype", _KINDS, "")
    scheme = weight.word("qscheme", _SCHEMES, "")
    size = weight.integer("group_size", 0)
    scale = weight.word("scale_format", _SCALES, "") or weight.word("scale_type", _SCALES, "")
    symmetric = weight.raw("symmetric") is not False
    compute = compute if native else None
    if name.startswith("mx") and scheme in ("", "per_group"):
        return grouped(name, bits, size if size > 0 else 32, 8, compute=compute)
    zero = 0.0 if symmetric else float(bits)
    block = block_of(weight, "block_size")
    if scheme == "per_block":
        if block is None:
            raise weight.refusal("block_size", "a pair of positive whole numbers, such as [128, 128]")
        wide = scale or 32.0
        return NumberFormat(
            name=f"{name}-block", element_bits=bits, block=block, scale_bits=wide, compute=compute
        )
    if scheme == "per_group":
        return grouped(name, bits, size if size > 0 else 128, _wide(scale), zero=zero, compute=compute)
    if scheme == "per_channel":
        return grouped(name, bits, -1, _wide(scale, 32.0), zero=zero, compute=compute)
    return grouped(name, bits, 0, 32, tensor=32.0 if native else 0.0, compute=compute)


def _wide(scale: float, usual: float = 16.0) -> float:
    return scale if scale > 8 else usual


def _kv_cache(said: Said) -> str | None:
    """The format of keys and values where it is said apart."""
    found = None
    for entry in said.parts("kv_cache_quant_config").values():
        output = entry.part("output_tensors")
        if output is not None:
            kind = str(output.raw("dtype") or "").lower()
            found = {"fp8_e4m3": "fp8", "int8": "int8"}.get(kind, found)
            if kind not in ("fp8_e4m3", "int8"):
                said.assume(f"quantization_config.kv_cache_quant_config: {kind!r} is not understood")
    return found
