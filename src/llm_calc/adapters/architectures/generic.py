"""Configurations of types that nobody registered, read by what their keys tell. Never exact."""

from llm_calc.adapters.architectures.fields import Fields
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import Model


def read_generic(f: Fields) -> Model:
    raise UnsupportedError(
        f"{f.path}.model_type: {f.model_type!r} is not known", field=f"{f.path}.model_type"
    )
