"""Inference calculator for large language models.

Importing the package costs nothing: each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_calc.client import Client, ServiceError
    from llm_calc.core.errors import CalcError
    from llm_calc.library import (
        calculate,
        calibrate,
        compare,
        estimate,
        gpus,
        inspect_model,
        memory_plan,
        models,
        plan,
        recommend,
        sweep,
    )

__version__ = "0.1.0"

__all__ = [
    "CalcError",
    "Client",
    "ServiceError",
    "calculate",
    "calibrate",
    "compare",
    "estimate",
    "gpus",
    "inspect_model",
    "memory_plan",
    "models",
    "plan",
    "recommend",
    "sweep",
]

_HOMES = {"CalcError": "core.errors", "Client": "client", "ServiceError": "client"}


def __getattr__(name: str) -> object:
    """A public name, loaded on first use."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'library')}"), name)
