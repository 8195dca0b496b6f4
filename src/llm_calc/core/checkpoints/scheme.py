"""``Scheme``: what a ``quantization_config`` says, in one form whatever tool wrote it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from llm_calc.core.checkpoints.ledger import MAX_SIDE, Said
from llm_calc.core.formats import NumberFormat
from llm_calc.core.weights import Component

FIELD = "model.hf_config.quantization_config"
Coverage = frozenset[Component]
LINEAR: Coverage = frozenset(("attention", "mlp", "experts", "shared_experts", "ssm"))
"""Components whose matrices quantizers take; embedding, head, router and towers only where a scheme says so."""
NO_EXPERTS: Coverage = LINEAR - {"experts"}
HEAD: Coverage = frozenset(("lm_head",))
ENDS: Coverage = frozenset(("lm_head", "embedding"))
TOWERS: Coverage = frozenset(("vision",))
EVERYTHING: Coverage = LINEAR | HEAD | frozenset(("embedding", "router"))

Role = Literal["listed", "left out", "target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Modules of a pattern and their format (None: not quantized); ``said``: the key that says so.

    ``role``: what is ``listed`` goes before what is ``left out``, and that before a ``target``. ``written``: the
    pattern as it stands in the file, where it is read in its own way. ``otherwise``: what it means to other readers.
    ``holds``: whether what is said of the module can be of a matrix of so many inputs and outputs.
    """

    pattern: str
    number: NumberFormat | None
    role: Role
    said: str
    written: str = ""
    otherwise: str = ""
    holds: Callable[[int, int], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Numbers, and what they apply to.

    ``number``: the format of quantized matrices. ``covers``: components that are quantized where no choice says
    otherwise. ``gates``: so are the gates of shared experts. ``kv_cache``, ``activations``: number formats that the
    checkpoint asks for. ``by_name``: further formats of tensors, by component or tensor name, before the scheme's own.
    ``skipped_rows``: rows that are not whole groups stay as they are. ``dense``: the file itself is not quantized.
    ``engine_names``: the tool writes names of its own. ``own_modules``: transformers replaced the modules itself, and
    passed by what it keeps in 32 bits.
    """

    storage: str
    number: NumberFormat
    words: str
    choices: tuple[Choice, ...] = ()
    covers: Coverage = LINEAR
    gates: bool = False
    by_name: tuple[tuple[str, NumberFormat], ...] = ()
    skipped_rows: bool = False
    kv_cache: str | None = None
    activations: str | None = None
    dense: bool = False
    engine_names: bool = False
    own_modules: bool = False


def number_of(said: Said, name: str) -> NumberFormat:
    """A number format of the catalog."""
    return said.notes.tables.numbers[name]


def left_out(said: Said, *keys: str) -> tuple[Choice, ...]:
    """Choices for modules that are left as they are."""
    return tuple(
        Choice(pattern=pattern, number=None, role="left out", said=key)
        for pattern, key in said.strings(*keys)
    )


def listed_only(said: Said, listed: tuple[Choice, ...]) -> Scheme:
    """What is not quantized but for listed modules."""
    main = next((choice.number for choice in listed if choice.number), None)
    number = main or said.notes.own
    return Scheme(
        storage=storage_of(number),
        number=number,
        words="listed modules alone" if main else "nothing quantized",
        choices=listed,
        covers=frozenset(),
        dense=main is None,
    )


def names_head(choices: tuple[Choice, ...]) -> bool:
    """Whether a list of what is left out speaks of the head."""
    return any("lm_head" in choice.pattern for choice in choices)


def block_of(said: Said, key: str) -> tuple[int, int] | None:
    """A two-dimensional block that shares a scale; None where the key is absent or null.

    Raises:
        InvalidInputError: it is no pair of positive whole numbers.
    """
    block = said.raw(key)
    if block is None:
        return None
    sides = block if isinstance(block, list) and len(block) == 2 else [0]
    if not all(
        isinstance(side, int) and not isinstance(side, bool) and 0 < side <= MAX_SIDE for side in sides
    ):
        raise said.refusal(key, "a pair of positive whole numbers, such as [128, 128]")
    return int(sides[0]), int(sides[1])


def grouped(
    name: str,
    bits: float,
    group: int,
    scale: float,
    *,
    zero: float = 0.0,
    tensor: float = 0.0,
    compute: str | None = None,
) -> NumberFormat:
    """A number format with a scale for every group of a row, a row (-1) or a tensor (0)."""
    number = NumberFormat(name=name, element_bits=bits, compute=compute, tensor_bits=tensor)
    if group > 0:
        return replace(number, group_size=group, scale_bits=scale, zero_bits=zero)
    if group < 0:
        return replace(number, row_bits=scale + zero)
    return replace(number, tensor_bits=tensor + scale + zero)


def storage_of(number: NumberFormat) -> str:
    """The kind of numbers, as recipes of the catalog name it."""
    for kind in ("nvfp4", "mxfp4", "mxfp8", "mxfp6", "fp8", "nf4"):
        if number.name.startswith(kind):
            return kind
    return number.name.partition("-")[0]


def number_words(number: NumberFormat) -> str:
    """A number format in words."""
    if number.block:
        return f"{number.name} with a scale for every {number.block[0]} x {number.block[1]} block"
    if number.group_size:
        return f"{number.name} with a scale for every {number.group_size} numbers"
    return f"{number.name} with a scale a {'channel' if number.row_bits else 'tensor'}"


KV_ALGORITHMS: Mapping[str, str | None] = {
    "": None,
    "none": None,
    "auto": None,
    "fp8": "fp8",
    "fp8_e4m3": "fp8",
    "fp8_affine": "fp8",
    "nvfp4": "nvfp4",
    "nvfp4_affine": "nvfp4",
    "int8": "int8",
    "nvfp4_rotate": "nvfp4",
}


KV_STRATEGIES = {each: each for each in ("tensor", "channel", "attn_head")}
"""Scales of a cache that do not grow with its tokens; one a token or a group would."""


def kv_cache_of(said: Said) -> str | None:
    """The number format that the checkpoint asks for in the KV cache, if any.

    Raises:
        InvalidInputError: a format that is not understood.
    """
    stated = said.word("kv_cache_quant_algo", KV_ALGORITHMS, "")
    if isinstance(said.values.get("kv_cache_scheme"), str):
        return said.word("kv_cache_scheme", KV_ALGORITHMS, "") or stated
    scheme = said.part("kv_cache_scheme")
    if scheme is None or not scheme.values:
        return stated
    bits = scheme.bits("num_bits", 8)
    kind = scheme.word("type", {"float": "float", "int": "int"}, "float")
    if scheme.values.get("type") is None:
        where = scheme.path.removeprefix("model.hf_config.")
        scheme.assume(f"{where}.type is absent: float was taken")
    known = {("float", 8): "fp8", ("int", 8): "int8", ("float", 4): "nvfp4"}
    if (kind, bits) not in known:
        raise scheme.refusal("num_bits", "8 (float or int) or 4 (float)")
    scheme.word("strategy", KV_STRATEGIES, "tensor")
    scheme.flag("symmetric")  # an offset a tensor at most: no byte grows with the tokens
    return known[kind, bits]
