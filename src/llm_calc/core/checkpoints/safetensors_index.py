"""``model.safetensors.index.json``: the size that a published checkpoint really has, as evidence."""

from collections.abc import Mapping

from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import WeightRecipe
from llm_calc.core.memory import total_parameters, weights_bytes
from llm_calc.core.model import Model

FIELD = "model.safetensors_index"
TOLERANCE = 0.001
"""Scales, buffers and padding that a checkpoint holds beside the parameters."""


def total_size_bytes(index: Mapping[str, object]) -> int:
    """``metadata.total_size`` [bytes].

    Raises:
        InvalidInputError: the index has none, or it is no positive integer.
    """
    metadata = index.get("metadata")
    size = metadata.get("total_size") if isinstance(metadata, Mapping) else None
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        msg = (
            f"{FIELD}.metadata.total_size: must be the bytes of all tensors, a positive integer; got {size!r}"
        )
        raise InvalidInputError(msg, field=f"{FIELD}.metadata.total_size")
    return size


def index_notes(index: Mapping[str, object], model: Model, recipe: WeightRecipe) -> tuple[str, ...]:
    """What contradicts the model: a size more than 0.1 % off.

    Raises:
        InvalidInputError: the index has no total size.
    """
    stated, counted = total_size_bytes(index), weights_bytes(model, recipe)
    if abs(counted - stated) <= TOLERANCE * stated:
        return ()
    note = (
        f"the weights' files hold {stated} bytes (safetensors_index); {total_parameters(model)} parameters as "
        f"{recipe.name} take "
        f"{round(counted)} ({counted / stated - 1:+.2%}): layers for speculation, a tied head stored twice, or formats "
        "that config.json does not tell"
    )
    return (note,)
