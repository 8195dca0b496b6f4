"""Readers of the tools that write one scheme: fp8, fbgemm, GPTQ, AWQ, AutoRound, bitsandbytes, MXFP4, Quark."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from llm_calc.adapters.formats.scheme import (
    CHANNEL,
    FIELD,
    Config,
    Scheme,
    block_elements,
    element_bits,
    integer,
    number_of,
    number_words,
    scaled,
    storage_of,
    strings,
)
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat
from llm_calc.core.weights import Component

MLX_COMPONENTS: tuple[Component, ...] = (
    "embedding",
    "lm_head",
    "attention",
    "mlp",
    "experts",
    "shared_experts",
    "ssm",
    "router",
)


def fp8(config: Config) -> Scheme:
    """DeepSeek's and Qwen's fp8: blocks of scales, or one a tensor; activations in fp8."""
    block: Any = config.get("weight_block_size")
    skips = strings(config, "modules_to_not_convert", "ignored_layers", "exclude_modules")
    elements = block_elements(block)
    if elements is not None:
        number = scaled("fp8-block", 8, elements, 32, compute="fp8")
        words = f"fp8 with a scale for every {' x '.join(map(str, block))} block"
    else:
        number, words = number_of("fp8"), "fp8 with a scale a tensor"
    return Scheme(storage="fp8", number=number, words=words, skips=skips, activations="fp8")


def fbgemm_fp8(config: Config) -> Scheme:
    """The fp8 of fbgemm: a scale for every output channel."""
    skips = strings(config, "modules_to_not_convert", "ignored_layers")
    number = scaled("fp8-channel", 8, CHANNEL, 32, compute="fp8")
    return Scheme(
        storage="fp8", number=number, words="fp8 with a scale a channel", skips=skips, activations="fp8"
    )


def grouped(config: Config) -> Scheme:
    """GPTQ, AWQ, AutoRound: integers in groups; activations in 16 bits."""
    method = str(config.get("quant_method")).lower()
    bits = element_bits(config, "bits", element_bits(config, "w_bit", 4))
    group = integer(config, "group_size", integer(config, "q_group_size", 128))
    name = "int4-awq" if method == "awq" else "int4-gptq"
    number = scaled(name if bits == 4 else f"int{bits}", bits, group if group > 0 else CHANNEL, 16, zero=bits)
    dynamic = config.get("dynamic")
    dynamic = dynamic if isinstance(dynamic, Mapping) else {}
    skips = tuple("re:" + key[2:] for key in dynamic if isinstance(key, str) and key.startswith("-:"))
    listed = strings(config, "modules_to_not_convert", "modules_in_block_to_not_quantize")
    groups = f"groups of {group}" if group > 0 else "one scale a channel"
    return Scheme(
        storage=f"int{bits}",
        number=number,
        words=f"{bits}-bit integers ({method}), {groups}",
        skips=(*skips, *listed),
        targets=(("lm_head", number),) if config.get("lm_head") is True else (),
        guesses=() if "bits" in config or "w_bit" in config else (f"{FIELD}.bits is absent: 4 were taken",),
    )


def bitsandbytes(config: Config) -> Scheme:
    """bitsandbytes: 4-bit codes in blocks of 64, or 8-bit integers with a scale a row."""
    skips = strings(config, "llm_int8_skip_modules")
    if not (config.get("load_in_4bit") or config.get("_load_in_4bit")):
        number = scaled("int8", 8, CHANNEL, 32, compute="int8")
        return Scheme(storage="int8", number=number, words="8-bit integers (bitsandbytes)", skips=skips)
    double = bool(config.get("bnb_4bit_use_double_quant"))
    kind = str(config.get("bnb_4bit_quant_type") or "fp4")
    words = f"4-bit {kind} (bitsandbytes){', scales quantized too' if double else ''}"
    return Scheme(
        storage="nf4", number=number_of("nf4-double" if double else "nf4"), words=words, skips=skips
    )


def mxfp4(config: Config) -> Scheme:
    """MXFP4 as transformers writes it: routed experts alone."""
    return Scheme(
        storage="mxfp4",
        number=number_of("mxfp4"),
        words="mxfp4 experts",
        skips=strings(config, "modules_to_not_convert"),
        only=frozenset(("experts",)),
    )


def mlx(config: Config) -> Scheme:
    """MLX: scales and offsets of 16 bits a group, embedding and head as well, formats of single modules beside."""
    modules = {str(path): _mlx_number(entry) for path, entry in config.items() if isinstance(entry, Mapping)}
    number = _mlx_number(config)
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} (MLX)",
        only=frozenset(MLX_COMPONENTS),
        modules=MappingProxyType(modules),
    )


def _mlx_number(config: Config) -> NumberFormat:
    mode = str(config.get("mode") or "affine")
    if mode in ("mxfp4", "nvfp4", "mxfp8"):
        return number_of(mode)
    bits, size = element_bits(config, "bits", 4), integer(config, "group_size", 64)
    return scaled(f"int{bits}", bits, size if size > 0 else CHANNEL, 16, zero=16)


def quark(config: Config) -> Scheme:
    """AMD Quark: one global configuration of the weights."""
    whole = config.get("global_quant_config")
    weight = whole.get("weight") if isinstance(whole, Mapping) else None
    kind = str(weight.get("dtype") if isinstance(weight, Mapping) else "").lower()
    names = {"fp4": "mxfp4", "fp8_e4m3": "fp8", "fp6_e2m3": "mxfp6", "int8": "int8", "int4": "int4-awq"}
    if kind not in names:
        msg = f"{FIELD}.global_quant_config.weight.dtype: {kind!r} is not one of {', '.join(names)}"
        raise InvalidInputError(msg, field=FIELD)
    number = number_of(names[kind])
    skips = strings(config, "exclude", "exclude_layers")
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=number_words(number),
        skips=skips,
        activations=number.compute,
    )
