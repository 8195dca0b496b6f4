"""The documented ``precision``: one number format for weights, KV cache, activations and arithmetic."""

from functools import lru_cache

from llm_calc.core.errors import InvalidInputError
from llm_calc.core.footprint import Numbers
from llm_calc.core.formats import NumberFormat, WeightRecipe

BITS = {"fp32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "int8": 8, "int4": 4}
NARROW = frozenset({"fp8", "int8", "int4"})
NARROW_WARNING = (
    "precision {0} was applied to weights, KV cache and activations alike; "
    "engines usually keep activations, norms and often the KV cache in 16 bits"
)


@lru_cache(maxsize=32)
def uniform_numbers(precision: str) -> Numbers:
    """Every tensor in one plain format, without scales.

    Raises:
        InvalidInputError: an unknown name.
    """
    bits = BITS.get(precision.lower())
    if bits is None:
        msg = f"precision: unknown format {precision!r}; accepted are {', '.join(BITS)}"
        raise InvalidInputError(msg, field="precision", accepted=list(BITS))
    name = precision.lower()
    plain = NumberFormat(name=name, element_bits=bits, compute=name)
    return Numbers(
        recipe=WeightRecipe(name=name, default=plain, vectors=plain), cache=plain, activations=plain
    )


def precision_warnings(precision: str) -> list[str]:
    """What to say about a format that engines do not apply to everything."""
    return [NARROW_WARNING.format(precision)] if precision.lower() in NARROW else []
