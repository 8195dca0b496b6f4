"""Reader of NVIDIA Model Optimizer: one algorithm, or one for each listed module."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_calc.core.checkpoints.compressed_tensors import compressed_tensors
from llm_calc.core.checkpoints.ledger import MAX_SIDE, Said
from llm_calc.core.checkpoints.scheme import (
    HEAD,
    LINEAR,
    Choice,
    Scheme,
    grouped,
    kv_cache_of,
    left_out,
    listed_only,
    names_head,
    number_words,
    storage_of,
)
from llm_calc.core.formats import NumberFormat

ALGORITHM = "quant_algo"
MIXED = "mixed_precision"


@dataclass(frozen=True, slots=True)
class _Algorithm:
    """How a checkpoint holds a matrix.

    ``smoothed``: factors of 16 bits a column, of all matrices or of closing ones.
    """

    number: NumberFormat
    smoothed: str = ""


_FP8 = grouped("fp8", 8, 0, 32, tensor=32, compute="fp8")
_NVFP4 = grouped("nvfp4", 4, 16, 8, tensor=64, compute="fp4")
_INT4 = grouped("int4-awq", 4, 128, 32)
_MXFP4 = grouped("mxfp4", 4, 32, 8, compute="fp4")
_BLOCKS = NumberFormat(name="fp8-block", element_bits=8, block=(128, 128), scale_bits=32, compute="fp8")
_ROWS = grouped("fp8-channel", 8, -1, 32, compute="fp8")
_INT8 = grouped("int8", 8, -1, 32, tensor=32, compute="int8")
_ALGORITHMS: Mapping[str, _Algorithm] = {
    "fp8": _Algorithm(_FP8),
    "fp8_per_channel_per_token": _Algorithm(_ROWS),
    "fp8_pc_pt": _Algorithm(_ROWS),
    "fp8_pb_wo": _Algorithm(replace(_BLOCKS, compute=None)),
    "fp8_pb_real": _Algorithm(_BLOCKS),
    "nvfp4": _Algorithm(_NVFP4),
    "nvfp4_static": _Algorithm(_NVFP4),
    "nvfp4_awq": _Algorithm(_NVFP4, smoothed="closing"),
    "w4a16_nvfp4": _Algorithm(replace(_NVFP4, tensor_bits=32, compute=None)),
    "w4a8_nvfp4_fp8": _Algorithm(replace(_NVFP4, group_size=32, compute="fp8")),
    "mxfp4": _Algorithm(_MXFP4),
    "w4a8_mxfp4_fp8": _Algorithm(replace(_MXFP4, compute="fp8")),
    "mxfp8": _Algorithm(grouped("mxfp8", 8, 32, 8, compute="fp8")),
    "int8_sq": _Algorithm(_INT8, smoothed="all"),
    "w8a8_sq_per_channel": _Algorithm(_INT8, smoothed="all"),
    "int8_wo": _Algorithm(grouped("int8", 8, -1, 32)),
    "w8a16": _Algorithm(grouped("int8", 8, -1, 32)),
    "int4_awq": _Algorithm(_INT4, smoothed="closing"),
    "w4a16_awq": _Algorithm(_INT4, smoothed="closing"),
    "w4a8_awq": _Algorithm(replace(_INT4, tensor_bits=64), smoothed="closing"),
}
CLOSING = ("o_proj", "down_proj")
"""Matrices before which no norm stands that could take in their smoothing factors."""
_SMOOTHING_BITS = 16.0


def modelopt(said: Said) -> Scheme:
    """One algorithm for all linear layers, or one for each listed module.

    Raises:
        InvalidInputError: an algorithm that is not understood.
    """
    ignored = left_out(said, "ignore", "exclude_modules")
    kv_cache = kv_cache_of(said)
    stated = str(said.raw(ALGORITHM) or "").lower()
    if stated == MIXED:
        return _mixed(said, ignored, kv_cache)
    if not stated and isinstance(said.values.get("config_groups"), Mapping):
        return compressed_tensors(said)
    if not stated and said.values.get("quantized_layers") is None:
        return _cache_alone(said, kv_cache)
    algorithm = _of_groups(said, _algorithm(said))
    number = _smoothed_all(algorithm)
    if not ignored:
        said.assume(f"{_short(said)}.ignore names nothing: the head was taken as left alone")
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=number_words(number),
        choices=ignored,
        covers=LINEAR | HEAD if ignored and not names_head(ignored) else LINEAR,
        by_name=_closing(algorithm),
        kv_cache=kv_cache,
        activations=number.compute,
    )


def _cache_alone(said: Said, kv_cache: str | None) -> Scheme:
    """Weights as they were: only the cache has a format."""
    if kv_cache is None:
        said.assume(f"{_short(said)} names no {ALGORITHM}: weights were taken as they were")
    return replace(listed_only(said, ()), kv_cache=kv_cache)


def _algorithm(said: Said) -> _Algorithm:
    """The algorithm of an object, with the group that it names."""
    found = said.word(ALGORITHM, {**_ALGORITHMS}, "")
    size = _group_size(said, found.number)
    said.read("awq_block_size")
    smoothing = said.flag("pre_quant_scale", default=True)
    if said.flag("has_zero_point"):
        said.assume(f"{_short(said)}.has_zero_point: offsets of groups were not counted")
    number = found.number
    if size > 0 and number.group_size:
        number = replace(number, group_size=size)
    elif size > 0 and not number.block:
        said.assume(f"{_short(said)}.group_size: {number.name} has no groups; it was ignored")
    smoothed = found.smoothed if smoothing else ""
    if smoothed == "all" and "pre_quant_scale" not in said.values:
        said.assume(
            f"{_short(said)}.{ALGORITHM} stands for integers with and without smoothing "
            "factors: factors of 16 bits a column were counted"
        )
    return _Algorithm(number, smoothed)


def _short(said: Said) -> str:
    return said.path.removeprefix("model.hf_config.")


def _group_size(said: Said, number: NumberFormat) -> int:
    """The group size that is stated; 0 where none is, or where the file leaves the usual one to the reader."""
    size = said.integer("group_size", 0)
    if size < 0:
        raise said.refusal("group_size", "a positive whole number")
    if size == 0 and said.values.get("group_size") is not None and number.group_size:
        said.assume(
            f"{_short(said)}.group_size is 0: groups of {number.group_size} were taken, "
            f"as is usual for {number.name}"
        )
    return size


def _of_groups(said: Said, algorithm: _Algorithm) -> _Algorithm:
    """The algorithm with the group size of ``config_groups``, where that alone says it."""
    groups = said.values.get("config_groups")
    sizes = {
        weights.get("group_size")
        for group in (groups.values() if isinstance(groups, Mapping) else ())
        if isinstance(group, Mapping) and isinstance(weights := group.get("weights"), Mapping)
    }
    size = sizes.pop() if len(sizes) == 1 else None
    if (
        said.values.get("group_size") is None
        and isinstance(size, int)
        and 0 < size <= MAX_SIDE
        and algorithm.number.group_size
    ):
        algorithm = replace(algorithm, number=replace(algorithm.number, group_size=size))
    _compare_groups(said, algorithm.number)
    return algorithm


def _smoothed_all(algorithm: _Algorithm) -> NumberFormat:
    number = algorithm.number
    return replace(number, column_bits=_SMOOTHING_BITS) if algorithm.smoothed == "all" else number


def _closing(algorithm: _Algorithm) -> tuple[tuple[str, NumberFormat], ...]:
    if algorithm.smoothed == "all":
        return (("experts", algorithm.number),)
    if algorithm.smoothed != "closing":
        return ()
    return tuple((name, replace(algorithm.number, column_bits=_SMOOTHING_BITS)) for name in CLOSING)


def _compare_groups(said: Said, number: NumberFormat) -> None:
    """Names what ``config_groups`` say that differs from the algorithm, which they repeat."""
    for key, group in said.parts("config_groups").items():
        where = f"{_short(said)}.config_groups.{key}"
        if _differs(group, number):
            said.assume(f"{where} contradicts {ALGORITHM}, which was followed")
        targets = [target for target, _ in group.strings("targets") if target != "Linear"]
        said.notes.add_all(targets, f"{where}.targets: {{}} was ignored, {ALGORITHM} is one for all")


def _mixed(said: Said, ignored: tuple[Choice, ...], kv_cache: str | None) -> Scheme:
    """A format for each listed module; where the list was cut off, the common mixture is assumed and said so."""
    layers = said.parts("quantized_layers")
    if not layers and isinstance(said.values.get("config_groups"), Mapping):
        return replace(compressed_tensors(said), kv_cache=kv_cache)
    if not layers:
        said.assume(
            "quantization_config says MIXED_PRECISION but lists no quantized_layers: feed-forward layers and "
            "experts were taken as nvfp4, everything else as 16 bits"
        )
        return Scheme(
            storage="nvfp4",
            number=_NVFP4,
            words="mixed precision whose list of layers is missing",
            choices=ignored,
            covers=frozenset(("mlp", "experts", "shared_experts")),
            kv_cache=kv_cache,
            activations="fp4",
        )
    listed = listed_modules(said, layers)
    numbers = [choice.number for choice in listed if choice.number]
    main = min(
        (_algorithm(entry).number for entry in layers.values()), key=lambda number: number.bits_per_element
    )
    kinds = sorted({number.name for number in numbers})
    return Scheme(
        storage=storage_of(main),
        number=main,
        words=f"mixed precision by layer: {', '.join(kinds)}",
        choices=(*ignored, *listed),
        covers=frozenset(),
        kv_cache=kv_cache,
        activations=main.compute,
    )


def listed_modules(said: Said, layers: Mapping[str, Said], *also: str) -> tuple[Choice, ...]:
    """The format of each listed module; ``also``: targets of ``config_groups`` that mean them as well."""
    numbers = {path: _listed(path, _algorithm(entry)) for path, entry in layers.items()}
    _repeated(said, {**dict.fromkeys(also, next(iter(numbers.values()))), **numbers})
    return tuple(
        Choice(pattern=path, number=number, role="listed", said="quantized_layers")
        for path, number in numbers.items()
    )


def experts_beside_fp8(said: Said) -> tuple[Choice, ...]:
    """Experts that Model Optimizer quantized in a file whose other matrices stay in fp8 (DeepSeek-V4 in NVFP4).

    ``moe_quant_algo`` names their algorithm, ``quantized_layers`` the experts, ``ignore`` what it left in fp8, and the
    group of all linear layers is what is left.

    Raises:
        InvalidInputError: an algorithm that is not understood.
    """
    layers = said.parts("quantized_layers")
    if said.values.get("moe_quant_algo") is None and not layers:
        return ()
    said.read("ignore")
    stated = said.word("moe_quant_algo", {**_ALGORITHMS}, "nvfp4").number
    said.word(ALGORITHM, {MIXED: MIXED}, MIXED)
    size = said.integer("group_size", stated.group_size)
    number = replace(stated, group_size=size) if size > 0 and stated.group_size else stated
    if not layers:
        return (Choice(pattern="experts", number=number, role="listed", said="moe_quant_algo"),)
    return listed_modules(said, layers, "Linear")


def _repeated(said: Said, numbers: Mapping[str, NumberFormat]) -> None:
    """Names what ``config_groups`` list beyond the listed modules, which they repeat."""
    groups = said.parts("config_groups")
    for key, group in groups.items():
        targets = [target for target, _ in group.strings("targets") if target not in numbers]
        where = f"quantization_config.config_groups.{key}"
        said.notes.add_all(targets, f"{where}: {{}} is not in quantized_layers, which were followed")
        same = next((numbers[target] for target, _ in group.strings("targets") if target in numbers), None)
        if same is not None and _differs(group, same):
            said.assume(f"{where} contradicts quantized_layers, which were followed")


def _differs(group: Said, number: NumberFormat) -> bool:
    """Whether the weights of a group are said to be other numbers."""
    weights = group.part("weights")
    if weights is None:
        return True
    bits, size = weights.bits("num_bits", 8), weights.integer("group_size", number.group_size)
    kind = weights.word("type", {"int": "int", "float": "float"}, "float")
    own = "int" if number.name.startswith("int") else "float"
    return bits != number.element_bits or kind != own or size != number.group_size


def _listed(path: str, algorithm: _Algorithm) -> NumberFormat:
    closing = dict(_closing(algorithm))
    return closing.get(path.rpartition(".")[2]) or _smoothed_all(algorithm)
