"""What several tests share: the running application in process, and options of the test run."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import settings

from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings

# Machines are noisy: how long an example takes says nothing of whether it is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Ages of prices and rules count to a day of their own: what was recorded stays right.
os.environ["SOURCE_DATE_EPOCH"] = str(int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()))

# Settings of the developer's shell must not change what the tests see.
for _name in [name for name in os.environ if name.startswith("LLM_CALC_")]:
    del os.environ[_name]


MIRRORED = ("tests/core", "tests/adapters")
"""Tests that mirror what coverage is asked of. Under coverage a test takes twice as long, so the others go without."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Measure coverage in the mirrored tests alone."""
    mirrored = [config.rootpath / folder for folder in MIRRORED]
    for item in items:
        if not any(item.path.is_relative_to(folder) for folder in mirrored):
            item.add_marker(pytest.mark.no_cover)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the length of the search for wrong answers."""
    parser.addoption(
        "--schemathesis-cases", type=int, default=800, help="generated requests, over all operations"
    )


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The application with default settings."""
    return create_app(Settings())


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the started application, in process."""
    with TestClient(app) as started:
        yield started
