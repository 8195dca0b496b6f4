"""The service's own description, made once for all tests whose cases come from it."""

from functools import cache
from typing import Any

from llm_calc.api.app import create_app


@cache
def described() -> dict[str, Any]:
    """The OpenAPI description of an application with the usual settings."""
    return create_app().openapi()
