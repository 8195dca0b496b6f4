"""What several tests share: the running application in process and as a service, and options of the test run."""

import os
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from math import ceil

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import is_hypothesis_test, settings

from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings
from tests.process import Service, running

# Machines are noisy: how long an example takes says nothing of whether it is right. The same examples every time, so
# that a change is judged by what it changed; `HYPOTHESIS_SEARCH=1 make unit` looks for others.
settings.register_profile("untimed", deadline=None, derandomize="HYPOTHESIS_SEARCH" not in os.environ)
settings.load_profile("untimed")

# Ages of prices and rules count to a day of their own: what was recorded stays right.
os.environ["SOURCE_DATE_EPOCH"] = str(int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()))

# Settings of the developer's shell must not change what the tests see.
for _name in [name for name in os.environ if name.startswith("LLM_CALC_")]:
    del os.environ[_name]

# What a shell begins in the background is deaf to Ctrl-C, and so is whatever it starts: tests of Ctrl-C would wait.
signal.signal(signal.SIGINT, signal.default_int_handler)


RECORDED = os.environ.get("COVERED") == "most"
"""Where mutants ask which tests reach a line: all but ``no_cover`` are measured, in more cases of a test."""
MIRRORED = (
    {"tests/core": 16, "tests/adapters": 4} if not RECORDED else {"tests/core": 32, "tests/adapters": 32}
)
"""Tests that mirror what coverage is asked of. Under coverage a test takes three to five times as long: the others go
without, and so do searches of properties and those of these that say ``repeats`` or ``no_cover``, since they run the
same lines many times. Beside each folder the cases of one test that are measured, spread over all: what these reach is
a lower bound of what all of them do. Cases of the core are short, and each may be the only one of a class."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where coverage is measured, measure it in the mirrored tests alone, and of those with many cases in some."""
    mirrored = {config.rootpath / folder: most for folder, most in MIRRORED.items()}
    for _, cases in groupby(items, key=lambda item: item.nodeid.partition("[")[0]):
        uncovered = list(cases)
        first = uncovered[0]
        most = next((most for folder, most in mirrored.items() if first.path.is_relative_to(folder)), 0)
        if most and not repeats(first):
            uncovered = between(uncovered, most)
        for item in uncovered:
            item.add_marker(pytest.mark.no_cover)


def repeats(case: pytest.Item) -> bool:
    """Whether the test runs the same lines many times, such as examples of a property, and a plain run is measured."""
    said = case.get_closest_marker("repeats") is not None
    return not RECORDED and (said or is_hypothesis_test(getattr(case, "obj", None)))


def between(cases: Sequence[pytest.Item], most: int) -> list[pytest.Item]:
    """Those of a test's cases that are left out where so many at most are taken, evenly."""
    step = ceil(len(cases) / most)
    return [case for place, case in enumerate(cases) if place % step]


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


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """A service with default settings, in a process of its own; not to be stopped by a test."""
    with running() as started:
        yield started
