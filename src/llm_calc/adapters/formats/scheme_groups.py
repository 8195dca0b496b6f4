"""Readers of the tools that write a scheme a group of layers: compressed-tensors and NVIDIA Model Optimizer."""

from collections.abc import Mapping
from types import MappingProxyType

from llm_calc.adapters.formats.scheme import (
    CHANNEL,
    FIELD,
    Config,
    Scheme,
    block_elements,
    element_bits,
    integer,
    kv_cache_of,
    number_of,
    number_words,
    scaled,
    storage_of,
    strings,
)
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat


def compressed_tensors(config: Config) -> Scheme:
    """Groups of targets with a scheme each; what is ignored stays in 16 bits.

    Raises:
        InvalidInputError: no group has weights, or one has numbers that cannot be.
    """
    schemes = _schemes(config.get("config_groups"))
    whole = [number for targets, number in schemes if not targets or "Linear" in targets]
    main = whole[0] if whole else schemes[0][1]
    specific = ((target, number) for targets, number in schemes for target in targets if target != "Linear")
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=number_words(main),
        skips=strings(config, "ignore", "ignored_layers", "exclude_modules"),
        listed_only=not whole,
        targets=tuple(specific),
        kv_cache=kv_cache_of(config),
        activations=main.compute,
    )


def _schemes(groups: object) -> list[tuple[tuple[str, ...], NumberFormat]]:
    """Targets and weights of every group that has weights."""
    found = groups.values() if isinstance(groups, Mapping) else ()
    schemes = [
        (strings(group, "targets"), _group_number(group["weights"], group.get("input_activations")))
        for group in found
        if isinstance(group, Mapping) and isinstance(group.get("weights"), Mapping)
    ]
    if not schemes:
        msg = f"{FIELD}.config_groups: must hold at least one group with weights"
        raise InvalidInputError(msg, field=f"{FIELD}.config_groups")
    return schemes


def _group_number(weights: Config, activations: object) -> NumberFormat:
    """The format of one group's weights; arithmetic is native only where activations are quantized too."""
    bits, kind = element_bits(weights, "num_bits", 8), str(weights.get("type") or "int")
    size, native = integer(weights, "group_size", 0), isinstance(activations, Mapping)
    if kind == "float" and bits == 4:
        name = "mxfp4" if size == 32 else "nvfp4"
        return scaled(name, 4, size if size > 0 else 16, 8, compute="fp4" if native else None)
    compute = {("float", 8): "fp8", ("int", 8): "int8"}.get((kind, bits)) if native else None
    name, zero = (
        f"fp{bits}" if kind == "float" else f"int{bits}",
        0.0 if weights.get("symmetric", True) else float(bits),
    )
    strategy, block = str(weights.get("strategy") or ""), block_elements(weights.get("block_structure"))
    if strategy == "block" and block is not None:
        return scaled(f"{name}-block", bits, block, 32, compute=compute)
    if size > 0:
        return scaled(name, bits, size, 16, zero=zero, compute=compute)
    channel = CHANNEL if strategy in ("channel", "") else 0
    return scaled(name, bits, channel, 32 if channel else 0, compute=compute)


def modelopt(config: Config) -> Scheme:
    """NVIDIA Model Optimizer: one algorithm, or one for each listed layer."""
    algorithm = str(config.get("quant_algo") or "").upper()
    skips = strings(config, "ignore", "exclude_modules")
    kv_cache = kv_cache_of(config)
    if algorithm == "MIXED_PRECISION":
        return _mixed(config, skips, kv_cache)
    if isinstance(config.get("config_groups"), Mapping) and algorithm not in _ALGORITHMS:
        return compressed_tensors(config)
    number = _algorithm(algorithm, integer(config, "group_size", 0))
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=number_words(number),
        skips=skips,
        kv_cache=kv_cache,
        activations=number.compute,
    )


_ALGORITHMS = {
    "FP8": ("fp8", 0),
    "FP8_PER_CHANNEL_PER_TOKEN": ("fp8-channel", CHANNEL),
    "FP8_PB_WO": ("fp8-block", 16384),
    "NVFP4": ("nvfp4", 16),
    "NVFP4_AWQ": ("nvfp4", 16),
    "W4A16_NVFP4": ("nvfp4", 16),
    "MXFP4": ("mxfp4", 32),
    "W4A8_MXFP4_FP8": ("mxfp4", 32),
    "MXFP8": ("mxfp8", 32),
    "INT8_SQ": ("int8", CHANNEL),
    "W8A8_SQ_PER_CHANNEL": ("int8", CHANNEL),
    "W4A16_AWQ": ("int4-awq", 128),
    "W4A8_AWQ": ("int4-awq", 128),
    "INT4_AWQ": ("int4-awq", 128),
}


def _algorithm(name: str, group_size: int) -> NumberFormat:
    if name not in _ALGORITHMS:
        known = ", ".join((*_ALGORITHMS, "MIXED_PRECISION"))
        msg = f"{FIELD}.quant_algo: {name!r} is not one of {known}; or give precision.weights"
        raise InvalidInputError(msg, field=f"{FIELD}.quant_algo")
    number, group = _ALGORITHMS[name]
    base = number_of(number)
    if group == CHANNEL:
        return scaled(number, 8, CHANNEL, 32, compute=base.compute)
    size = group_size if group_size > 0 else group
    zero = 0.0 if number == "int4-awq" else base.zero_bits
    return scaled(number, base.element_bits, size, base.scale_bits, zero=zero, compute=base.compute)


def _mixed(config: Config, skips: tuple[str, ...], kv_cache: str | None) -> Scheme:
    """A format for each listed layer; where the list was cut off, the common mixture is assumed and said so."""
    layers = config.get("quantized_layers")
    if not isinstance(layers, Mapping) or not layers:
        guess = (
            "quantization_config says MIXED_PRECISION but lists no quantized_layers: feed-forward layers and "
            "experts were taken as nvfp4, everything else as 16 bits"
        )
        return Scheme(
            storage="nvfp4",
            number=number_of("nvfp4"),
            words="mixed precision whose list of layers is missing",
            skips=skips,
            only=frozenset(("mlp", "experts", "shared_experts")),
            kv_cache=kv_cache,
            activations="fp4",
            guesses=(guess,),
        )
    modules = {
        str(path): _algorithm(str(entry.get("quant_algo") or "").upper(), integer(entry, "group_size", 0))
        for path, entry in layers.items()
        if isinstance(entry, Mapping)
    }
    kinds = sorted({number.name for number in modules.values()})
    main = min(modules.values(), key=lambda number: number.bits_per_element)
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=f"mixed precision by layer: {', '.join(kinds)}",
        skips=skips,
        modules=MappingProxyType(modules),
        listed_only=True,
        kv_cache=kv_cache,
        activations=main.compute,
    )
