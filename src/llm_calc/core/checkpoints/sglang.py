"""Readers of files that were made for SGLang: 8-bit integers by block or channel, fp8 by channel, int4 beside fp8.

Source: sglang 0.5.23, srt/layers/quantization/{blockwise_int8,w8a8_int8,w8a8_fp8,w4afp8}.py: the tensors that their
modules load; checked: 2026-11-30, read.
"""

from dataclasses import replace

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    Scheme,
    block_of,
    grouped,
    left_out,
    number_words,
    storage_of,
)
from llm_calc.core.formats import NumberFormat

_SCALE = 32.0
_LISTS = ("ignored_layers", "modules_to_not_convert", "ignore")


def _scheme(said: Said, number: NumberFormat, words: str) -> Scheme:
    said.assume(f"{words}: linear layers and experts were taken, with scales of 32 bits")
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} ({words})",
        choices=left_out(said, *_LISTS),
        activations=number.compute,
    )


def blockwise_int8(said: Said) -> Scheme:
    """8-bit integers with a scale for every block."""
    said.word("activation_scheme", {"": "", "dynamic": "dynamic"}, "")
    block = block_of(said, "weight_block_size")
    if block is None:
        raise said.refusal("weight_block_size", "a pair of positive whole numbers, such as [128, 128]")
    number = NumberFormat(name="int8-block", element_bits=8, block=block, scale_bits=_SCALE, compute="int8")
    return _scheme(said, number, "SGLang blockwise_int8")


def w8a8_int8(said: Said) -> Scheme:
    """8-bit integers with a scale for every output."""
    return _scheme(said, grouped("int8", 8, -1, _SCALE, compute="int8"), "SGLang w8a8_int8")


def w8a8_fp8(said: Said) -> Scheme:
    """fp8 with a scale for every output."""
    return _scheme(said, grouped("fp8-channel", 8, -1, _SCALE, compute="fp8"), "SGLang w8a8_fp8")


def w4afp8(said: Said) -> Scheme:
    """fp8 in blocks of 128 x 128, and experts as 4-bit integers in groups of 128 of a row."""
    number = NumberFormat(
        name="fp8-block", element_bits=8, block=(128, 128), scale_bits=_SCALE, compute="fp8"
    )
    experts = grouped("int4", 4, 128, _SCALE, compute="fp8")
    scheme = _scheme(said, number, "SGLang w4afp8, experts in int4")
    return replace(scheme, by_name=(("experts", experts),))
