"""Inference calculator for large language models.

The functions of ``llm_calc.library``, the client of a running service, and the errors that both raise; each is loaded
when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_calc.client import Client, ServiceError
    from llm_calc.core.errors import CalcError, InvalidInputError, RefusedError
    from llm_calc.library import (
        calculate,
        calibrate,
        compare,
        estimate,
        inspect_model,
        memory_plan,
        plan,
        recommend,
        sweep,
    )
    from llm_calc.lists import engines, formats, gpus, links, models, prices
    from llm_calc.own_machine import fit, models_for

__version__ = "0.1.0"

__all__ = [
    "CalcError",
    "Client",
    "InvalidInputError",
    "RefusedError",
    "ServiceError",
    "calculate",
    "calibrate",
    "compare",
    "engines",
    "estimate",
    "fit",
    "formats",
    "gpus",
    "inspect_model",
    "links",
    "memory_plan",
    "models",
    "models_for",
    "plan",
    "prices",
    "recommend",
    "sweep",
]

_ELSEWHERE = {
    "CalcError": "llm_calc.core.errors",
    "Client": "llm_calc.client",
    "InvalidInputError": "llm_calc.core.errors",
    "fit": "llm_calc.own_machine",
    "models_for": "llm_calc.own_machine",
    "RefusedError": "llm_calc.core.errors",
    "ServiceError": "llm_calc.client",
    **dict.fromkeys(("engines", "formats", "gpus", "links", "models", "prices"), "llm_calc.lists"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Load what is exported when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_ELSEWHERE.get(name, "llm_calc.library")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Every exported name."""
    return [*__all__, "__version__"]
