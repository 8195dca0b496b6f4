"""From fields to a model: by the family of their ``model_type``, else by what their keys tell."""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.generic import read_generic
from llm_calc.core.architectures.registry import read_known
from llm_calc.core.architectures.towers.table import read_tower
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight

TOWER_PARTS = ("vision_config", "audio_config")
TEXT_PARTS = ("text_config", "llm_config", "language_config", "language_model_config")


def read_model(f: Fields) -> Model:
    """The model that fields describe; what had to be guessed is noted in them.

    Raises:
        InvalidInputError: if a key that sizes depend on is missing or cannot be right.
    """
    known = read_known(f)
    if known is not None:
        return known
    f.assume(f"model_type {f.model_type!r} is not known; its structure was inferred from its keys")
    part = next((key for key in TEXT_PARTS if f.given(key)), None)
    if part is None:
        return read_generic(f)
    f.adopt(f.model_type)
    text = f.part(part)
    text.fallbacks = {"tie_word_embeddings": f.flag("tie_word_embeddings", default=False)}
    model = read_model(text)
    return replace(model, outside=model.outside + _towers(f))


def _towers(f: Fields) -> tuple[Weight, ...]:
    """The towers of a wrapper that nobody registered, as far as their types are known."""
    f.assume("projectors between the towers and the text part are not counted")
    towers = (read_tower(f.part(key), "") for key in TOWER_PARTS if f.given(key))
    return tuple(weight for tower in towers if tower is not None for weight in tower.weights)
