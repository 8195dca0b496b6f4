"""The service's description as a file, and the generators that ``make unit`` installs."""

import json
import sys
from pathlib import Path

import pytest

from llm_calc.api.app import create_app

VENV = Path(sys.prefix)


def tool(*parts: str) -> str:
    """Return the path of a generator; skip the test where ``make unit`` could not install it."""
    path = VENV.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path.name} is not installed: run make unit")
    return str(path)


@pytest.fixture(scope="session")
def openapi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI description as a file."""
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(create_app().openapi()), encoding="utf-8")
    return path
