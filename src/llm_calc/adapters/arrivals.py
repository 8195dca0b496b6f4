"""How far off answers about random arrivals were on published runs of that kind, to which nothing is fitted."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from llm_calc.adapters.calibration import ErrorRow
from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_json
from llm_calc.core.calibration import HeldOutError
from llm_calc.core.novelty import widened


class ArrivalsFile(BaseModel):
    """``arrivals.json``: errors over all runs of ``arrivals.csv`` at rates that can be served, and their engines."""

    model_config = STRICT

    runs: int
    engines: Many[str]
    errors: Many[ErrorRow]


@cache
def load_arrivals(path: Path | None = None) -> ArrivalsFile:
    """The file, read once.

    Raises:
        CatalogError: the file is wrong; names the key.
    """
    return read_json(ArrivalsFile, catalog_folder("calibration", path) / "arrivals.json")


def were_measured(engine: str) -> bool:
    """Whether an engine was measured under random arrivals."""
    return engine in load_arrivals().engines


def arrival_errors(engine: str, closed: Sequence[HeldOutError]) -> list[HeldOutError]:
    """Errors under random arrivals, their ranges no narrower than those of closed loops that are as new."""
    known = {error.metric: error for error in closed}
    own = (
        [HeldOutError(**row.model_dump()) for row in load_arrivals().errors] if were_measured(engine) else []
    )
    return [widened(error, known.get(error.metric, error)) for error in own] or list(closed)
