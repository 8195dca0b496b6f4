"""Reader of AutoRound: integers in groups, floats in groups, fp8; other numbers for modules by name or expression."""

from collections.abc import Mapping

from llm_calc.core.checkpoints.integers import name_bits, words_of
from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    LINEAR,
    Choice,
    Scheme,
    block_of,
    grouped,
    left_out,
    listed_only,
    number_words,
    storage_of,
)
from llm_calc.core.checkpoints.usual import name_blocks, name_unusual
from llm_calc.core.formats import NumberFormat

ROUND_LAYOUTS = {
    each: each
    for each in (
        "",
        "auto_round",
        "auto_round:auto_gptq",
        "auto_round:gptq",
        "auto_round:auto_awq",
        "auto_round:awq",
        "auto_round:gptqmodel",
        "auto_round:llm_compressor",
        "auto_round:fake",
        "auto_round:fp8",
        "auto_round:fp8_static",
        "auto_round:nv_fp",
        "auto_round:mx_fp",
        "auto_round:nv_fp4",
        "auto_round:mx_fp4",
        "auto_round:mx_fp8",
        "auto_round:nvfp4",
        "auto_round:mxfp4",
        "auto_round:mxfp8",
        "llm_compressor",
    )
}
DATA_TYPES: Mapping[str, str] = {
    "": "int",
    "int": "int",
    "int_sym": "int",
    "int_asym": "int",
    "int_asym_dq": "int",
    "mx_fp": "mx",
    "mx_fp_rceil": "mx",
    "mx_fp4": "mx",
    "mx_fp8": "mx",
    "nv_fp": "nv",
    "nv_fp4": "nv",
    "nv_fp4_with_static_gs": "nv",
    "fp": "fp",
    "fp8": "fp",
    "fp8_e4m3": "fp",
    "fp8_sym": "fp",
    "fp8_e4m3fn": "fp",
    "float": "float",
    "float16": "float",
    "bfloat16": "float",
    "fp16": "float",
    "bf16": "float",
}
_WIDTHS: Mapping[str, tuple[int, ...]] = {
    "mx": (4, 6, 8),
    "mx_fp4": (4,),
    "mx_fp8": (8,),
    "nv": (4,),
    "fp": (8,),
}
"""Bits that a type has, by its word or its kind."""
_INTEGER_BITS = (2, 3, 4, 5, 6, 8)
_GROUPS: Mapping[str, int] = {"mx": 32, "nv": 16}
_HELD: Mapping[str, tuple[str, tuple[int, ...]]] = {
    **dict.fromkeys(
        (f"auto_round:{each}" for each in ("auto_gptq", "gptq", "auto_awq", "awq", "gptqmodel")), ("int", ())
    ),
    **dict.fromkeys(("auto_round:fp8", "auto_round:fp8_static"), ("fp", (8,))),
    **dict.fromkeys((f"auto_round:{each}" for each in ("nv_fp", "nv_fp4", "nvfp4")), ("nv", (4,))),
    "auto_round:mx_fp": ("mx", ()),
    **dict.fromkeys(("auto_round:mx_fp4", "auto_round:mxfp4"), ("mx", (4,))),
    **dict.fromkeys(("auto_round:mx_fp8", "auto_round:mxfp8"), ("mx", (8,))),
}
"""Kinds of numbers and bits that a layout is of; others hold several.

Source: auto-round 0.14.2, ``inference/backend.py`` (types by layout) and ``schemes.py``; ``checked: 2026-11-30``, read.
"""
UNQUANTIZED_BITS = (16, 32)
UNPACKED = "auto_round:fake"
"""Numbers rounded as if they were quantized, and stored as they were."""


def auto_round(said: Said) -> Scheme:
    """AutoRound: one type of numbers, with others for modules that are listed by name or expression.

    Raises:
        InvalidInputError: a type or layout that is not understood.
    """
    layout = said.word("packing_format", ROUND_LAYOUTS, "")
    name_bits(said)
    number = None if layout == UNPACKED else _round_number(said, None)
    listed = tuple(_extra(said))
    name_blocks(said)
    if number is None:
        return listed_only(said, listed)
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=words_of(number, "auto-round") if number.name.startswith("int") else number_words(number),
        choices=(*listed, *left_out(said, "modules_to_not_convert", "ignore_layers")),
        covers=LINEAR,
        activations=number.compute,
    )


def _extra(said: Said) -> list[Choice]:
    choices = []
    for key, entry in said.parts("extra_config").items():
        number = _round_number(entry, said)
        expression = any(mark in key for mark in "*+?[]()|^$\\")
        pattern = f"re:{key}" if expression else key
        choices.append(Choice(pattern=pattern, number=number, role="listed", said="extra_config"))
    said.read("extra_config")
    return sorted(choices, key=lambda choice: choice.pattern.startswith("re:"))


def _round_number(said: Said, outer: Said | None) -> NumberFormat | None:
    """The numbers of the whole or of one module, which takes what it leaves out from the whole; None: 16 bits."""
    values = {**(outer.values if outer else {}), **{k: v for k, v in said.values.items() if v is not None}}
    merged = Said(values, said.path, said.notes)
    said.read("bits", "group_size", "data_type", "super_bits", "act_bits", "weight_block_size")
    bits = merged.bits("bits", 4, most=32)
    word = str(merged.raw("data_type") or "").lower()
    kind = merged.word("data_type", DATA_TYPES, "")
    native = merged.integer("act_bits", 16) <= 8
    if bits in UNQUANTIZED_BITS:
        return None
    if bits > 8:
        raise merged.refusal("bits", "1 to 8, 16 or 32")
    if merged.integer("super_bits", 0):
        raise merged.refusal("super_bits", "none")
    if kind == "float":
        raise merged.refusal("data_type", f"{', '.join(DATA_TYPES)}, and no float of fewer than 16 bits")
    if bits not in _WIDTHS.get(word, _WIDTHS.get(kind, (bits,))):
        widths = ", ".join(map(str, _WIDTHS.get(word, _WIDTHS.get(kind, ()))))
        raise merged.refusal("bits", f"{widths} with data_type {word}")
    if outer is None:
        _name_layout(said, kind, bits)
    if kind != "int" and merged.values.get("sym") is False:
        said.assume(f"{_short(said)}.sym is false, and {word} has no offsets; none were counted")
    if kind == "fp":
        return _fp8(merged, native=native)
    _name_block(merged, None)
    return _in_groups(merged, kind, bits, native=native)


def _in_groups(said: Said, kind: str, bits: int, *, native: bool) -> NumberFormat:
    """Integers or small floats in groups of a row."""
    if isinstance(said.values.get("group_size"), list):
        raise said.refusal("group_size", "a whole number, or a block with data_type fp")
    if kind == "int":
        size = said.group("group_size", 128)
        name_unusual(said, bits, size, _INTEGER_BITS)
        return grouped("int4-gptq" if bits == 4 else f"int{bits}", bits, size, 16, zero=bits)
    usual = _GROUPS[kind]
    size = said.integer("group_size", usual)
    if size != usual:
        said.assume(
            f"{_short(said)}.group_size: numbers of this kind have groups of {usual}; {size} was stated"
        )
    size = size if size > 0 else usual
    if kind == "mx":
        return grouped(f"mxfp{bits}", bits, size, 8, compute=f"fp{bits}" if native else None)
    tensor = 64 if native else 32
    return grouped("nvfp4", bits, size, 8, tensor=tensor, compute="fp4" if native else None)


def _name_layout(said: Said, kind: str, bits: int) -> None:
    """Names a layout that does not hold such numbers."""
    layout = str(said.values.get("packing_format") or "").lower()
    kinds, widths = _HELD.get(layout, ("", ()))
    if kinds and (kind != kinds or (widths and bits not in widths)):
        said.assume(
            f"{_short(said)}: packing_format {layout} does not hold numbers of data_type "
            f"{said.values.get('data_type') or 'int'} with {bits} bits, which were taken"
        )


def _name_block(said: Said, used: tuple[int, int] | None) -> None:
    """Names a block that is stated and not the one that was taken."""
    block = block_of(said, "weight_block_size")
    if block is not None and block != used:
        said.assume(f"{_short(said)}.weight_block_size is not its group_size, which was taken")


def _short(said: Said) -> str:
    return said.path.removeprefix("model.hf_config.")


def _fp8(said: Said, *, native: bool) -> NumberFormat:
    compute = "fp8" if native else None
    size = said.values.get("group_size")
    key = "group_size" if isinstance(size, list) else "weight_block_size" if size is None else ""
    block = block_of(said, key) if key else None
    _name_block(said, block)
    if block is not None:
        return NumberFormat(name="fp8-block", element_bits=8, block=block, scale_bits=32, compute=compute)
    per = said.integer("group_size", -1)
    if per < -1:
        raise said.refusal("group_size", "-1, 0, a positive whole number, or a block")
    static = 16.0 if native and said.values.get("act_dynamic") is False else 0.0
    return grouped("fp8", 8, per, 16, tensor=static, compute=compute)
