"""Readers of the tools that write integers in groups: GPTQ, AWQ."""

from dataclasses import replace

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    FIELD,
    LINEAR,
    Choice,
    Scheme,
    grouped,
    left_out,
    storage_of,
)
from llm_calc.core.checkpoints.usual import AWQ_BITS, GPTQ_BITS, name_blocks, name_unusual
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

INDEX_BITS = 32.0
"""GPTQ files say of every column to which group it belongs [bits]."""
GPTQ_LAYOUTS = {each: each for each in ("", "gptq", "gptq_v2")}
AWQ_LAYOUTS = {each: each for each in ("", "gemm", "gemv", "gemv_fast", "llm-awq")}
FULL_OFFSETS = ("gemv_fast", "llm-awq")
"""Layouts whose offsets are as wide as scales: products of both."""
PADDED = ("gemv", *FULL_OFFSETS)
_HALF = 16.0
_INTEGERS = dict.fromkeys(("", "int", "int_sym", "int_asym", "int_asym_dq"), "int")
_SEARCHES = {each: each for each in ("", "gptq", "gptaq", "awq")}


def gptq(said: Said) -> Scheme:
    """GPTQ: integers in groups with packed offsets and an index of columns.

    Raises:
        InvalidInputError: a layout or number that is not understood.
    """
    said.word("checkpoint_format", GPTQ_LAYOUTS, "")
    said.word("method", _SEARCHES, "")
    said.word("format", GPTQ_LAYOUTS, "")
    said.word("data_type", _INTEGERS, "")
    name_bits(said)
    name_blocks(said)
    number = _gptq_number(said, said.bits("bits", 4, most=8), said.group("group_size", 128))
    dynamic = _dynamic(said, number)
    only = _only_inside(said, number)
    listed = left_out(said, "modules_in_block_to_not_quantize", "modules_to_not_convert")
    head = (Choice(pattern="lm_head", number=number, role="listed", said="lm_head"),)
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=words_of(number, "gptq"),
        choices=(*dynamic, *(head if said.flag("lm_head") else ()), *listed, *only),
        covers=frozenset() if only else LINEAR,
    )


def _gptq_number(said: Said, bits: int, size: int) -> NumberFormat:
    name_unusual(said, bits, size, GPTQ_BITS)
    name = "int4-gptq" if bits == 4 else f"int{bits}"
    number = grouped(name, bits, size, 16, zero=bits)
    return replace(number, column_bits=INDEX_BITS)


def _dynamic(said: Said, whole: NumberFormat) -> tuple[Choice, ...]:
    """Rules for modules: ``-:`` leaves out, ``+:`` or nothing gives other numbers; the first that matches decides."""
    choices = []
    for key, entry in said.parts("dynamic").items():
        pattern = f"re:{key[2:] if key[:2] in ('+:', '-:') else key}"
        if key.startswith("-:"):
            choices.append(Choice(pattern=pattern, number=None, role="listed", said="dynamic"))
            continue
        number = _gptq_number(
            entry,
            entry.bits("bits", int(whole.element_bits), most=8),
            entry.group("group_size", whole.group_size or -1),
        )
        choices.append(Choice(pattern=pattern, number=number, role="listed", said="dynamic"))
    said.read("dynamic")
    return tuple(choices)


def _only_inside(said: Said, number: NumberFormat) -> tuple[Choice, ...]:
    """Where modules of a block are listed, only those are quantized."""
    lists = said.raw("modules_in_block_to_quantize")
    if lists is None:
        return ()
    where = f"{said.path}.modules_in_block_to_quantize"
    flat = (
        [item for each in lists for item in (each if isinstance(each, list) else [each])]
        if isinstance(lists, list)
        else [None]
    )
    if not all(isinstance(item, str) for item in flat):
        raise InvalidInputError(f"{where}: must be lists of names of modules", field=where)
    return tuple(
        Choice(pattern=str(item), number=number, role="target", said="modules_in_block_to_quantize")
        for item in flat
    )


def awq(said: Said) -> Scheme:
    """AWQ: integers in groups with packed offsets.

    Raises:
        InvalidInputError: a layout or number that is not understood.
    """
    layouts = [said.word(key, AWQ_LAYOUTS, "") for key in ("version", "format", "checkpoint_format")]
    layout = next((each for each in layouts if each), "")
    said.word("method", _SEARCHES, "")
    said.word("data_type", _INTEGERS, "")
    name_bits(said)
    bits = said.bits("w_bit", 4, most=8) if "w_bit" in said.values else said.bits("bits", 4, most=8)
    key = "q_group_size" if "q_group_size" in said.values else "group_size"
    size = said.group(key, 128)
    name_unusual(said, bits, size, AWQ_BITS)
    offset = _HALF if layout in FULL_OFFSETS else bits
    number = grouped("int4-awq" if bits == 4 else f"int{bits}", bits, size, _HALF, zero=offset)
    if layout in PADDED:
        said.assume(f"{said.path}: {layout} pads the scales of a row to whole words; padding was not counted")
    dynamic = _dynamic(said, number)
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=words_of(number, "awq"),
        choices=(*dynamic, *left_out(said, "modules_to_not_convert")),
        covers=LINEAR,
    )


def name_bits(said: Said) -> None:
    """Names bits that are not stated."""
    if said.values.get("bits") is None and said.values.get("w_bit") is None:
        said.assume(f"{FIELD}.bits is absent: 4 were taken")


def words_of(number: NumberFormat, method: str) -> str:
    """Integers in groups, in words."""
    groups = f"groups of {number.group_size}" if number.group_size else "one scale a channel"
    return f"{number.element_bits:g}-bit integers ({method}), {groups}"
