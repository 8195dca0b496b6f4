"""How often measured servers look for new requests (``catalogs/calibration/polls.csv``): first tokens wait for it."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.core.calibration import ANY, Poll, chip_class
from llm_calc.core.hardware import Gpu

LOOKS = "scheduler_recv_interval"
"""The option of engines that say how often they look."""


class PollRow(BaseModel):
    """A line of ``polls.csv``: steps between looks with few requests in flight and with many.

    ``chip``: class of chips; ``shape`` of a model and ``format`` of its experts (its matrices where it has none), empty
    for all others.
    """

    model_config = TEXT

    engine: str
    chip: str
    model: str = ANY
    shape: str = ANY
    format: str = ANY
    few: int
    many: int
    source: str

    @property
    def poll(self) -> Poll:
        """As the core takes it."""
        return Poll(**self.model_dump(exclude={"source"}))


@cache
def load_polls(path: Path | None = None) -> tuple[PollRow, ...]:
    """The file, read once.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    return tuple(read_csv(PollRow, catalog_folder("calibration", path) / "polls.csv"))


@cache
def polls() -> tuple[Poll, ...]:
    """The lines as the core takes them."""
    return tuple(row.poll for row in load_polls())


def default_looks(engine: str, gpu: Gpu) -> dict[str, int]:
    """The option with the engine's own default, where measured servers on such chips ran with another.

    What a plan starts is timed as it is started.
    """
    chip = chip_class(gpu)
    return {LOOKS: 1} if any(each.engine == engine and each.chip == chip for each in polls()) else {}
