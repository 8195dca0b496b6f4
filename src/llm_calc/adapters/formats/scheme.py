"""``Scheme``: what a ``quantization_config`` says, in one form whatever tool wrote it; and how to read its keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat
from llm_calc.core.weights import Component

FIELD = "model.hf_config.quantization_config"
CHANNEL = -1
MAX_SIDE = 1 << 20
Config = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Numbers, and what they apply to.

    ``number``: the format of quantized matrices. ``group_size`` -1 in it: one scale a channel. ``skips``:
    modules left in 16 bits. ``only``: components that are quantized at all (None: every linear layer).
    ``modules``: formats of modules that are listed one by one; ``listed_only``: what is not listed stays in
    16 bits. ``targets``: further patterns with formats of their own, tried first. ``kv_cache``,
    ``activations``: number formats that the checkpoint asks for. ``guesses``: what could not be known.
    """

    storage: str
    number: NumberFormat
    words: str
    skips: tuple[str, ...] = ()
    only: frozenset[Component] | None = None
    modules: Mapping[str, NumberFormat] = field(default_factory=lambda: MappingProxyType({}))
    listed_only: bool = False
    targets: tuple[tuple[str, NumberFormat], ...] = ()
    kv_cache: str | None = None
    activations: str | None = None
    guesses: tuple[str, ...] = ()


def number_of(name: str) -> NumberFormat:
    """A number format of the catalog."""
    return format_catalog().number(name)


def integer(config: Config, key: str, default: int) -> int:
    """An integer under a key.

    Raises:
        InvalidInputError: the key holds something else.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInputError(f"{FIELD}.{key}: must be an integer; got {value!r}", field=f"{FIELD}.{key}")
    if abs(value) > MAX_SIDE**2:
        raise InvalidInputError(f"{FIELD}.{key}: must be at most {MAX_SIDE**2}", field=f"{FIELD}.{key}")
    return value


def element_bits(config: Config, key: str, default: int) -> int:
    """Bits of a number under a key.

    Raises:
        InvalidInputError: not an integer from 1 to 16.
    """
    bits = integer(config, key, default)
    if not 1 <= bits <= 16:
        raise InvalidInputError(f"{FIELD}.{key}: must be 1 to 16; got {bits}", field=f"{FIELD}.{key}")
    return bits


def block_elements(block: object) -> int | None:
    """Elements of a two-dimensional block that shares a scale; None where it is no such block."""
    if not isinstance(block, list) or len(block) != 2:
        return None
    if not all(
        isinstance(side, int) and not isinstance(side, bool) and 0 < side <= MAX_SIDE for side in block
    ):
        return None
    return int(block[0]) * int(block[1])


def strings(config: Config, *keys: str) -> tuple[str, ...]:
    """The texts of every list under these keys."""
    lists = [value for key in keys if isinstance(value := config.get(key), list)]
    return tuple(item for each in lists for item in each if isinstance(item, str))


def kv_cache_of(config: Config) -> str | None:
    """The number format that the checkpoint asks for in the KV cache, if any."""
    scheme = config.get("kv_cache_scheme")
    bits = scheme.get("num_bits") if isinstance(scheme, Mapping) else None
    stated = str(config.get("kv_cache_quant_algo") or "").lower()
    return "fp8" if bits == 8 or stated == "fp8" else "nvfp4" if stated == "nvfp4" else None


def scaled(
    name: str, bits: float, group: int, scale: float, *, zero: float = 0.0, compute: str | None = None
) -> NumberFormat:
    """A number format with scales of its own."""
    return NumberFormat(
        name=name, element_bits=bits, group_size=group, scale_bits=scale, zero_bits=zero, compute=compute
    )


def storage_of(number: NumberFormat) -> str:
    """The kind of numbers, as recipes of the catalog name it."""
    for kind in ("nvfp4", "mxfp4", "fp8", "nf4"):
        if number.name.startswith(kind):
            return kind
    return number.name.partition("-")[0]


def number_words(number: NumberFormat) -> str:
    """A number format in words."""
    scales = {0: "a scale a tensor", CHANNEL: "a scale a channel"}
    return f"{number.name} with {scales.get(number.group_size, f'a scale for every {number.group_size} numbers')}"
