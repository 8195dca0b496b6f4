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
from llm_calc.core.checkpoints.usual import name_blocks
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
UNQUANTIZED_BITS = 16
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
    said.read("bits", "group_size", "data_type", "super_bits", "act_bits")
    _same_block(said)
    bits = merged.bits("bits", 4, most=32)
    block = merged.values.get("group_size")
    size = 0 if isinstance(block, list) else merged.integer("group_size", 128)
    kind = merged.word("data_type", DATA_TYPES, "")
    active = merged.integer("act_bits", 16)
    if bits >= UNQUANTIZED_BITS:
        return None
    if bits > 8:
        raise merged.refusal("bits", "1 to 8, or 16")
    if merged.integer("super_bits", 0):
        raise merged.refusal("super_bits", "none")
    native = active <= 8
    if isinstance(block, list) and kind != "fp":
        raise merged.refusal("group_size", "a whole number, or a block with data_type fp")
    if kind == "mx":
        return grouped(
            f"mxfp{bits}", bits, size if size > 0 else 32, 8, compute=f"fp{bits}" if native else None
        )
    if kind == "nv":
        return grouped(
            "nvfp4",
            bits,
            size if size > 0 else 16,
            8,
            tensor=64 if native else 32,
            compute="fp4" if native else None,
        )
    if kind == "fp":
        if bits != 8:
            raise merged.refusal("bits", "8 with data_type fp")
        return _fp8(merged, native=native)
    if kind == "float":
        raise merged.refusal("data_type", f"{', '.join(DATA_TYPES)}, and no float of fewer than 16 bits")
    return grouped("int4-gptq" if bits == 4 else f"int{bits}", bits, size if size > 0 else -1, 16, zero=bits)


def _same_block(said: Said) -> None:
    """Names a block that is told twice and differs."""
    block = block_of(said, "weight_block_size")
    if block is not None and block != _pair(said.values.get("group_size")):
        said.assume(f"{said.path.removeprefix('model.hf_config.')}.weight_block_size is not its group_size")


def _pair(block: object) -> tuple[int, int] | None:
    return (block[0], block[1]) if isinstance(block, list) and len(block) == 2 else None


def _fp8(said: Said, *, native: bool) -> NumberFormat:
    size = said.values.get("group_size")
    compute = "fp8" if native else None
    if isinstance(size, list):
        return NumberFormat(
            name="fp8-block", element_bits=8, block=(128, 128), scale_bits=32, compute=compute
        )
    per = said.integer("group_size", -1)
    static = 16.0 if native and said.values.get("act_dynamic") is False else 0.0
    return grouped("fp8", 8, per, 16, tensor=static, compute=compute)
