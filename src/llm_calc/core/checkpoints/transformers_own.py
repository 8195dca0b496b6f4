"""Readers of what transformers 5.24.0 stores itself: affine integers for Metal, Gemma's integers of 2, 4 or 8 bits.

Linear modules are replaced; experts, which are one tensor in transformers 5, stay as they are.
"""

from dataclasses import replace

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
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
from llm_calc.core.formats import NumberFormat

TABLES: Coverage = frozenset(("embedding",))
_WIDE = 32.0
_ACTIVATION_SCALES = 2 * _WIDE


def metal(said: Said) -> Scheme:
    """Packed integers with a scale and an offset of 32 bits a group, of all linear modules of text and tower."""
    bits, size = said.bits("bits", 4, most=8), said.integer("group_size", 64)
    if bits not in (2, 4, 8):
        raise said.refusal("bits", "2, 4, 8")
    if size < 1:
        raise said.refusal("group_size", "a positive whole number")
    number = grouped(f"int{bits}", bits, size, _WIDE, zero=_WIDE)
    skips = kept_modules(said, "modules_to_not_convert")
    covers = NO_EXPERTS | TOWERS
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} (Metal)",
        choices=skips,
        covers=covers | HEAD
        if is_stated(said, "modules_to_not_convert") and not names_head(skips)
        else covers,
        gates=True,
        own_modules=True,
    )


def gemma(said: Said) -> Scheme:
    """Integers with a scale a row and two a module for activations; other widths by pattern, the first found."""
    number = _gemma_number(_gemma_bits(said))
    skips = kept_modules(said, "modules_to_not_convert")
    listed = tuple(
        Choice(
            pattern=_found_anywhere(pattern),
            number=_gemma_number(_gemma_bits(part, said)),
            role="target",
            said="module_quant_configs",
        )
        for pattern, part in said.parts("module_quant_configs").items()
    )
    said.assume(
        "gemma: linear modules of the text model and its towers were taken, and listed modules as they say"
    )
    covers = NO_EXPERTS | TOWERS | TABLES if said.flag("quantize_embeddings") else NO_EXPERTS | TOWERS
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} (Gemma)",
        choices=(*skips, *listed),
        covers=covers,
        gates=True,
        own_modules=True,
    )


def _gemma_bits(said: Said, outer: Said | None = None) -> int:
    default = 4 if outer is None else _gemma_bits(outer)
    bits = said.bits("num_bits", default, most=8)
    if bits not in (2, 4, 8):
        raise said.refusal("num_bits", "2, 4, 8")
    return bits


def _gemma_number(bits: int) -> NumberFormat:
    return replace(grouped(f"int{bits}", bits, -1, _WIDE), tensor_bits=_ACTIVATION_SCALES)


def _found_anywhere(pattern: str) -> str:
    """A pattern that is searched for, as one that is matched from the start of a name."""
    return f"re:.*(?:{pattern}).*"
