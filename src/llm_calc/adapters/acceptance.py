"""What was measured of drafts: tokens gained a step, by model, method and number of tokens drafted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.adapters.wire.speculative import Method, SpeculativePart
from llm_calc.core.errors import CatalogError
from llm_calc.core.serving.speculation import acceptance_of


class Acceptance(BaseModel):
    """One measured mean of tokens gained a step; ``none``: the model never thinks."""

    model_config = TEXT

    model: str
    method: Method
    reasoning: Literal["on", "off", "none"]
    draft_tokens: int = Field(ge=1)
    acceptance_length: float = Field(ge=1)
    source: str = Field(min_length=1)
    checked: date


Key = tuple[str, Method, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measurement that comes nearest, and what differs from what was asked."""

    row: Acceptance
    differs: str = ""

    @property
    def share(self) -> float:
        """Share of proposals accepted that gives the measured length with its number of tokens."""
        return acceptance_of(self.row.acceptance_length, self.row.draft_tokens)


@cache
def load_acceptances(path: Path | None = None) -> Mapping[Key, Acceptance]:
    """``catalogs/workloads/acceptance.csv`` by model, method, reasoning and draft tokens, read once.

    Raises:
        CatalogError: two rows for one case.
    """
    found: dict[Key, Acceptance] = {}
    for row in read_csv(Acceptance, catalog_folder("workloads", path) / "acceptance.csv"):
        key = (row.model, row.method, row.reasoning, row.draft_tokens)
        if key in found:
            raise CatalogError(f"workloads/acceptance.csv: two rows for {', '.join(map(str, key))}")
        found[key] = row
    return found


def measured_of(part: SpeculativePart, name: str, methods: tuple[Method, ...]) -> Measured | None:
    """The measurement of this model and methods: of what was asked, else of the nearest number of tokens or other way.

    ``methods``: the one that is named, else those that the engine has; None where the request says what is accepted.
    """
    if part.acceptance_fraction is not None or part.acceptance_length is not None:
        return None
    rows = [row for row in load_acceptances().values() if row.model == name and row.method in methods]
    if not rows:
        return None
    row = min(rows, key=lambda each: _distance(part, each))
    return Measured(row=row, differs=_differs(part, row))


def _distance(part: SpeculativePart, row: Acceptance) -> tuple[bool, int, int]:
    gap = row.draft_tokens - part.draft_tokens
    return _other_way(part, row), abs(gap), gap


def _other_way(part: SpeculativePart, row: Acceptance) -> bool:
    return row.reasoning not in (part.reasoning, "none")


def _differs(part: SpeculativePart, row: Acceptance) -> str:
    """What the measurement is of in place of what was asked."""
    tokens = "" if row.draft_tokens == part.draft_tokens else f"with {row.draft_tokens} draft tokens"
    way = f"with reasoning {row.reasoning}" if _other_way(part, row) else ""
    return " and ".join(each for each in (tokens, way) if each)
