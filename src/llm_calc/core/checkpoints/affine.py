"""Readers of integers with a scale and an offset a group that come without calibration: HQQ, Quanto, SINQ.

Source: hqq 0.2.8.post1, optimum-quanto 0.2.7, sinq 0.2.0 with transformers 5.24.0: what their modules hold of a small
model; checked: 2026-11-30, run.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    HEAD,
    NO_EXPERTS,
    TOWERS,
    Choice,
    Role,
    Scheme,
    grouped,
    number_words,
    storage_of,
)
from llm_calc.core.checkpoints.transformers_lists import kept_modules, replaced
from llm_calc.core.formats import NumberFormat

THREES = 3.2
"""Ten numbers of three bits lie in a word of 32 [bits]."""
_HQQ_WIDTHS = (1, 2, 3, 4, 8)
_HQQ_NOTES = 8 * 69.0
"""What stands beside a matrix of HQQ: its shape, names of types, options [bits]."""
_HQQ_STEP = 8
"""Groups are whole multiples of this: ``hqq_base_quant_config`` of hqq 0.2.8.post1; checked: 2026-11-30, read."""
_TAGS = "skip_modules"
_WEIGHTS = "weight_quant_params"


def hqq(said: Said) -> Scheme:
    """HQQ: integers in groups with a scale and an offset in the model's type, or so for each tag of modules.

    A tag is a module's name without its layer; tags are compared whole. Without a list the head is left alone.
    """
    outer = said.part("quant_config") or said
    listed = _tagged(outer)
    number = None if listed else _hqq_number(outer)
    skips = tuple(_of_tag(tag, None, "left out") for tag, _ in said.strings(_TAGS, "modules_to_not_convert"))
    stated = said.values.get(_TAGS)
    head = stated is not None and not any(choice.written == "lm_head" for choice in skips)
    main = number or next(choice.number for choice in listed if choice.number)
    covers = NO_EXPERTS | TOWERS | HEAD if head else NO_EXPERTS | TOWERS
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=f"{number_words(main)} (HQQ)",
        choices=(*skips, *listed),
        covers=covers if number else frozenset(),
        gates=True,
        own_modules=True,
    )


def _tagged(outer: Said) -> tuple[Choice, ...]:
    """Modules with numbers of their own; all others are left alone then."""
    if _WEIGHTS in outer.values:
        return ()
    parts = outer.children(
        lambda key: (
            isinstance(value := outer.values[key], Mapping) and isinstance(value.get(_WEIGHTS), Mapping)
        )
    )
    return tuple(_of_tag(tag, _hqq_number(part), "listed") for tag, part in parts.items())


def _of_tag(tag: str, number: NumberFormat | None, role: Role) -> Choice:
    pattern = rf"re:(?:model\.)?(?:layers\.\d+\.)?{re.escape(tag)}$"
    return Choice(pattern=pattern, number=number, role=role, said=_TAGS, written=tag)


def _hqq_number(said: Said) -> NumberFormat:
    weights = said.part(_WEIGHTS) or said
    key = "nbits" if "nbits" in weights.values else "bits"
    bits = weights.bits(key, 4, most=8)
    if bits not in _HQQ_WIDTHS:
        raise weights.refusal(key, ", ".join(map(str, _HQQ_WIDTHS)))
    across = weights.integer("axis", 1) == 0
    for other in ("scale_quant_params", "zero_quant_params"):
        if said.raw(other):
            said.assume(f"quantization_config.{other}: scales were counted in 16 bits")
    wide = said.notes.own.element_bits
    size = weights.integer("group_size", 64)
    if "group_size" in weights.values and weights.values["group_size"] is None:
        size = -1
    elif size < 1 or size % _HQQ_STEP:
        raise weights.refusal("group_size", f"null, or a multiple of {_HQQ_STEP}")
    elif size & (size - 1):
        said.assume(f"{weights.path}: groups of {size} run over the ends of rows; they were counted by rows")
    number = grouped(
        f"int{bits}", _packed(bits), size if size > 0 else -1, wide, zero=wide, tensor=_HQQ_NOTES
    )
    return replace(number, row_bits=0.0, column_bits=2 * wide) if across and size <= 0 else number


def _packed(bits: int) -> float:
    return THREES if bits == 3 else float(bits)


_QUANTO = {
    "": ("int8", 8),
    "int8": ("int8", 8),
    "qint8": ("int8", 8),
    "int4": ("int4", 4),
    "qint4": ("int4", 4),
    "int2": ("int2", 2),
    "qint2": ("int2", 2),
    "float8": ("fp8", 8),
    "qfloat8": ("fp8", 8),
    "qfloat8_e4m3fn": ("fp8", 8),
}
_QUANTO_GROUPS = (128, 96, 64, 32)
"""Groups that Quanto tries on a row, the largest first; a row that none divides shares one scale."""
_QUANTO_SCALES = 2 * 32.0
"""Two scales of activations that every module has, used or not [bits]."""


def quanto(said: Said) -> Scheme:
    """Quanto: 8 bits with a scale a row, fewer in groups with a scale and an offset."""
    name, bits = said.word("weights", _QUANTO, "")
    wide = said.notes.own.element_bits
    if bits == 8:
        return replaced(said, grouped(name, bits, -1, wide, tensor=_QUANTO_SCALES), "Quanto")
    number = grouped(name, bits, -1, wide, zero=wide, tensor=_QUANTO_SCALES)
    for size in reversed(_QUANTO_GROUPS):
        number = replace(grouped(name, bits, size, wide, zero=wide, tensor=_QUANTO_SCALES), fallback=number)
    return replaced(said, number, "Quanto")


_SINQ_WIDTHS = (2, 3, 4, 8)
_TILES = {"1d": 0.0, "2d": 16.0}
"""Factors of 16 bits that a tile's columns have of their own, counted a group [bits]."""
_SINQ_SCALE, _SINQ_ZERO = 8.0 + 1.0, 8.0
"""A scale and an offset of a byte a group; scales of scales, two numbers of 16 bits for every 32 groups [bits]."""


def sinq(said: Said) -> Scheme:
    """SINQ: integers in groups, scales in bytes that have scales themselves, and factors of columns; the head too."""
    bits, size = said.bits("nbits", 4, most=8), said.group("group_size", 64)
    if bits not in _SINQ_WIDTHS:
        raise said.refusal("nbits", ", ".join(map(str, _SINQ_WIDTHS)))
    if size < 1:
        raise said.refusal("group_size", "a positive whole number")
    if said.word("method", {"sinq": False, "asinq": True}, "sinq"):
        said.assume("quantization_config.method asinq: what calibration stores beside was not counted")
    said.part("_extra_kwargs")
    tile = said.word("tiling_mode", _TILES, "1d")
    number = grouped(f"int{bits}", _packed(bits), size, _SINQ_SCALE + tile, zero=_SINQ_ZERO, tensor=32.0)
    number = replace(number, column_bits=0.0 if tile else 16.0)
    kept = kept_modules(said, "modules_to_not_convert")
    scheme = replaced(said, number, "SINQ")
    head = not any(choice.pattern.removeprefix("end:") == "lm_head" for choice in kept)
    return replace(scheme, covers=NO_EXPERTS | TOWERS | HEAD if head else NO_EXPERTS | TOWERS)
