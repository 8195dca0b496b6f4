"""Readers of the tools that write one kind of numbers: fp8, fbgemm, bitsandbytes, MXFP4, MLX."""

from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.architectures.beside import RELEASE, TEXT_ONLY, WRITTEN_BY_MLX
from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.linear_modules import NGRAM_MATRIX, NGRAM_TABLE
from llm_calc.core.checkpoints.modelopt import experts_beside_fp8
from llm_calc.core.checkpoints.scheme import (
    EVERYTHING,
    HEAD,
    NO_EXPERTS,
    TOWERS,
    Choice,
    Scheme,
    block_of,
    grouped,
    kv_cache_of,
    left_out,
    listed_only,
    names_head,
    number_of,
    number_words,
    storage_of,
)
from llm_calc.core.checkpoints.transformers_lists import fp8_list, is_stated, kept_modules
from llm_calc.core.formats import NumberFormat

_FP8_KINDS = dict.fromkeys(("", "e4m3", "e5m2", "float8_e4m3fn", "float8_e4m3", "float8_e5m2"), "fp8")
_EXPERT_KINDS = {"": "", "fp4": "mxfp4", "mxfp4": "mxfp4", "fp8": "", "float8_e4m3fn": ""}
EXPERT_KEY = "expert_dtype"
_ONE_SCALE = 32.0
_ONE_SCALE_FP8 = NumberFormat(name="fp8", element_bits=8, tensor_bits=_ONE_SCALE, compute="fp8")


def fp8(said: Said) -> Scheme:
    """DeepSeek's and Qwen's fp8: blocks of scales, or one a tensor; activations in fp8; experts as is said of them.

    Raises:
        InvalidInputError: a type or block that is not understood.
    """
    said.word("fmt", _FP8_KINDS, "")
    powers = said.word(
        "scale_fmt", {"": False, "float": False, "float32": False, "ue8m0": True, "e8m0": True}, ""
    )
    static = said.word("activation_scheme", {"": False, "dynamic": False, "static": True}, "")
    block = block_of(said, "weight_block_size")
    experts = said.word(EXPERT_KEY, _EXPERT_KINDS, "")
    kept, covers = fp8_list(said)
    skips = (*kept, *left_out(said, "ignored_layers", "exclude_modules"))
    number = NumberFormat(name="fp8", element_bits=8, tensor_bits=_ONE_SCALE * (1 + static), compute="fp8")
    if "weight_block_size" not in said.values and not static and "ignored_layers" not in said.values:
        said.assume(
            f"{said.path}.weight_block_size is absent: one scale a tensor was taken; transformers takes blocks"
        )
    if block:
        scale = 8.0 if powers and said.values.get(EXPERT_KEY) is not None else 32.0
        number = replace(number, name="fp8-block", tensor_bits=0.0, block=block, scale_bits=scale)
    words = (
        f"fp8 with a scale for every {block[0]} x {block[1]} block" if block else "fp8 with a scale a tensor"
    )
    tables = tuple(
        Choice(pattern=pattern, number=_ONE_SCALE_FP8, role="listed", said=key)
        for pattern, key in said.strings("modules_to_convert")
    )
    listed = (*tables, *experts_beside_fp8(said))
    by_name = _beside_fp8(said, number) if experts else ()
    beside = next((each.number.name for each in listed[len(tables) :] if each.number), experts)
    return Scheme(
        storage="fp8",
        number=number,
        words=f"{words}, experts in {beside}" if beside else words,
        choices=(*skips, *listed),
        covers=covers,
        by_name=by_name,
        kv_cache=kv_cache_of(said),
        activations="fp8",
    )


def _beside_fp8(said: Said, number: NumberFormat) -> tuple[tuple[str, NumberFormat], ...]:
    """Experts of four bits, and tables of n-grams with a scale for 32 numbers of a row."""
    return (
        ("experts", replace(number_of(said, "mxfp4"), compute="fp8")),
        (NGRAM_TABLE, number_of(said, "mxfp8")),
        (NGRAM_MATRIX, number),
    )


def fbgemm_fp8(said: Said) -> Scheme:
    """The fp8 of fbgemm: a scale for every output channel."""
    skips = left_out(said, "modules_to_not_convert", "ignored_layers")
    number = grouped("fp8-channel", 8, -1, 32, compute="fp8")
    return Scheme(storage="fp8", number=number, words=number_words(number), choices=skips, activations="fp8")


_CODE_BITS = 8 * (64 + 80.0)
"""What stands beside a 4-bit matrix of bitsandbytes: 16 codes of 32 bits and a note of its shape [bits]."""
_DOUBLE_BITS = 8 * (64 + 1024 + 170.0)
"""The same with a table of 256 codes for the scales, a mean and the longer note [bits]."""
_STORAGE = {each: each for each in ("", "uint8", "bfloat16", "float16", "float32")}
_FOUR_BIT_KINDS = {"": "fp4", "fp4": "fp4", "nf4": "nf4"}


def bitsandbytes(said: Said) -> Scheme:
    """bitsandbytes: 4-bit codes in blocks of 64, or 8-bit integers with a scale a row.

    Linear modules are replaced, and routed experts are no modules in transformers 5, whose experts are one tensor.
    """
    skips = kept_modules(said, "llm_int8_skip_modules", "modules_to_not_convert")
    eight, four = (_is_loaded(said, f"load_in_{bits}bit") for bits in (8, 4))
    covers = NO_EXPERTS | TOWERS
    if is_stated(said, "llm_int8_skip_modules", "modules_to_not_convert") and not names_head(skips):
        covers |= HEAD
    double = said.flag("bnb_4bit_use_double_quant")
    whole = said.flag("llm_int8_has_fp16_weight") and eight and not four
    said.word("bnb_4bit_quant_storage", _STORAGE, "")
    kind = said.word("bnb_4bit_quant_type", _FOUR_BIT_KINDS, "")
    if four == eight:
        raise said.refusal("load_in_4bit", "true, with load_in_8bit false, or the other way round")
    if whole:
        return replace(
            listed_only(said, skips), words="16-bit weights that are quantized when used (bitsandbytes)"
        )
    if not four:
        number = replace(grouped("int8", 8, -1, 32, tensor=8, compute="int8"))
        words = "8-bit integers (bitsandbytes)"
        return Scheme(
            storage="int8",
            number=number,
            words=words,
            choices=skips,
            covers=covers,
            gates=True,
            own_modules=True,
        )
    number = number_of(said, "nf4-double" if double else "nf4")
    number = replace(number, tensor_bits=_DOUBLE_BITS if double else _CODE_BITS)
    words = f"4-bit {kind} (bitsandbytes){', scales quantized too' if double else ''}"
    return Scheme(
        storage="nf4", number=number, words=words, choices=skips, covers=covers, gates=True, own_modules=True
    )


def _is_loaded(said: Said, key: str) -> bool:
    """Whether a width is said to be the file's, under one or both names of the key."""
    stated, private = said.flag(key), said.flag(f"_{key}")
    if stated != private and None not in (said.values.get(key), said.values.get(f"_{key}")):
        said.assume(f"{said.path}: {key} and _{key} contradict each other; true was taken")
    return stated or private


def mxfp4(said: Said) -> Scheme:
    """MXFP4 as transformers writes it: routed experts alone."""
    return Scheme(
        storage="mxfp4",
        number=number_of(said, "mxfp4"),
        words="mxfp4 experts",
        choices=left_out(said, "modules_to_not_convert"),
        covers=frozenset(("experts",)),
    )


def mxfp8(said: Said) -> Scheme:
    """MXFP8 as transformers reads it: 8-bit floats with a scale of 8 bits for every 32 of a row."""
    said.word("fmt", _FP8_KINDS, "")
    said.word("scale_fmt", {each: each for each in ("", "ue8m0", "e8m0")}, "")
    said.word("activation_scheme", {each: each for each in ("", "dynamic")}, "")
    said.word(EXPERT_KEY, {each: each for each in ("", "fp8", "mxfp8")}, "")
    if block_of(said, "weight_block_size") not in (None, (1, 32)):
        raise said.refusal("weight_block_size", "[1, 32]")
    number = grouped("mxfp8", 8, 32, 8, compute="fp8")
    return Scheme(
        storage="mxfp8",
        number=number,
        words=number_words(number),
        choices=left_out(said, "modules_to_not_convert", "ignored_layers"),
        activations="fp8",
    )


MLX_MODES: Mapping[str, tuple[int, int]] = {
    "affine": (4, 64),
    "mxfp4": (4, 32),
    "nvfp4": (4, 16),
    "mxfp8": (8, 32),
}
"""Modes of MLX with their usual bits and group."""


def mlx(said: Said) -> Scheme:
    """MLX: scales and offsets of 16 bits a group, embedding and head as well, formats of single modules beside.

    Rows that are not whole groups stay as they are, and so does a router that is no linear module.
    """
    number = _mlx_number(said, whole=True)
    names = [
        key
        for key, value in said.values.items()
        if isinstance(value, Mapping | bool) and key not in _MLX_KEYS
    ]
    parts = said.children(lambda key: isinstance(said.values[key], Mapping))
    said.read(*names)
    choices = [
        Choice(
            pattern=name,
            number=_mlx_number(parts[name]) if name in parts else number if said.values[name] else None,
            role="listed",
            said="",
        )
        for name in names
    ]
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} (MLX)",
        covers=EVERYTHING,
        gates=True,
        choices=tuple(choices),
        skipped_rows=True,
        engine_names=True,
    )


_MLX_KEYS = ("quant_method", "bits", "group_size", "mode", RELEASE, TEXT_ONLY, WRITTEN_BY_MLX)


def _mlx_number(said: Said, *, whole: bool = False) -> NumberFormat:
    mode = said.word("mode", {each: each for each in MLX_MODES}, "affine")
    bits, size = MLX_MODES[mode]
    said.notes.add_all(
        [key for key in ("bits", "group_size") if whole and said.values.get(key) is None],
        f"{said.path}.{{}} is absent, which mlx-lm does not load: the usual one of {mode} was taken",
    )
    bits, size = said.bits("bits", bits, most=8), said.group("group_size", size)
    if size < 1:
        raise said.refusal("group_size", "a positive whole number")
    if mode != "affine":
        if (bits, size) != MLX_MODES[mode]:
            said.assume(
                f"{said.path}: {mode} has {MLX_MODES[mode][0]} bits in groups of {MLX_MODES[mode][1]}; these were taken"
            )
        return replace(number_of(said, mode), tensor_bits=0.0)
    wide = said.notes.own.element_bits
    return grouped(f"int{bits}", bits, size, wide, zero=wide)
