"""From fields to a model: by the family of their ``model_type``, else by what their keys tell."""

from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.generic import read_generic
from llm_calc.adapters.architectures.registry import read_known
from llm_calc.core.model import Model

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
    f.assume(f"only {part} was read: towers and projectors of other modalities are not counted")
    text = f.part(part)
    text.fallbacks = {"tie_word_embeddings": f.flag("tie_word_embeddings", default=False)}
    return read_model(text)
