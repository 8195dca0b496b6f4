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
    lost = (*_missing(index), *_adapter(index), *_gguf(index))
    if lost and index.get("metadata") is None:
        return lost
    stated, counted = total_size_bytes(index), weights_bytes(model, recipe)
    lost = (*lost, *_held(index, stated))
    if abs(counted - stated) <= TOLERANCE * stated:
        return (*lost, *_parameters(index, model, recipe))
    note = (
        f"the weights' files hold {stated} bytes (safetensors_index); {total_parameters(model)} parameters as "
        f"{recipe.name} take "
        f"{round(counted)} ({counted / stated - 1:+.2%}): layers for speculation, a tied head stored twice, or formats "
        "that config.json does not tell"
    )
    return (*lost, note)


def _missing(index: Mapping[str, object]) -> tuple[str, ...]:
    """Names files of the weights that are not there."""
    names = index.get("missing_files")
    if not isinstance(names, list) or not names:
        return ()
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"files of the weights that are not in the folder: {', '.join(map(str, names[:3]))}{more}",)


def _adapter(index: Mapping[str, object]) -> tuple[str, ...]:
    """Names an adapter that lies in the folder."""
    name = index.get("adapter")
    if not isinstance(name, str):
        return ()
    return (
        f"{name} beside config.json: the adapter is not counted; /api/memory_plan takes it as lora.adapter_config",
    )


def _gguf(index: Mapping[str, object]) -> tuple[str, ...]:
    """Names GGUF files that lie beside a configuration."""
    names = index.get("gguf_files")
    if not isinstance(names, list) or not names:
        return ()
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    said = ", ".join(map(str, names[:3]))
    return (f"GGUF files beside config.json ({said}{more}) were not read: name one to have it answered",)


def _held(index: Mapping[str, object], stated: int) -> tuple[str, ...]:
    """Names files that hold another number of bytes than their index says."""
    held = index.get("files_bytes")
    if not isinstance(held, int) or abs(held - stated) <= TOLERANCE * stated:
        return ()
    return (f"the index of the weights' files says {stated} bytes; the files themselves hold {held}",)


def _parameters(index: Mapping[str, object], model: Model, recipe: WeightRecipe) -> tuple[str, ...]:
    """Another number of parameters than counted; files that pack several in one count what they hold."""
    metadata = index.get("metadata")
    stated = metadata.get("total_parameters") if isinstance(metadata, Mapping) else None
    if not isinstance(stated, int) or recipe.default.element_bits < 16 or recipe.rules:
        return ()
    counted = total_parameters(model)
    if abs(counted - stated) <= TOLERANCE * counted:
        return ()
    return (f"safetensors_index says {stated} parameters; {counted} were counted",)
