"""Prices: instances by the hour and hosted models by the token, each with its date and source."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog.files import TEXT
from llm_calc.adapters.catalog.gpus import Count, Slug, Text

Usd = Annotated[float, Field(gt=0)]
AsOf = Annotated[str, Field(pattern=r"^(\d{4}(-\d\d){0,2}(/\d{4}(-\d\d){0,2})?|undated)$")]
"""The day, month or year that a price stands for, or an interval of such; ``undated`` where unknown."""


class RentalPrice(BaseModel):
    """One instance of a provider: what ``gpus`` devices of one kind cost together [USD/h].

    ``typical`` marks the one row of a GPU that stands for its price where the caller names no provider.
    """

    model_config = TEXT

    gpu: Slug
    gpus: Count
    instance: Text
    usd_per_hour: Usd | None = None
    spot_usd_per_hour: Usd | None = None
    region: Text
    as_of: AsOf
    checked: date
    source: Text
    confidence: Literal["catalogue", "secondary", "recalled"]
    typical: bool = False
    note: Text | None = None
    provider: Text

    @model_validator(mode="after")
    def _some_price(self) -> "RentalPrice":
        if self.usd_per_hour is None and self.spot_usd_per_hour is None:
            raise ValueError("usd_per_hour: neither it nor spot_usd_per_hour is given")
        if self.typical and self.usd_per_hour is None:
            raise ValueError("typical: a typical price needs usd_per_hour")
        return self

    @property
    def usd_per_gpu_hour(self) -> float | None:
        """On-demand price of one device [USD/h]; None where only a spot price is known."""
        return None if self.usd_per_hour is None else self.usd_per_hour / self.gpus

    @property
    def spot_usd_per_gpu_hour(self) -> float | None:
        """Spot price of one device [USD/h]; None where none is known."""
        return None if self.spot_usd_per_hour is None else self.spot_usd_per_hour / self.gpus


class TokenPrice(BaseModel):
    """What a provider asks for a hosted open-weight model [USD per million tokens]."""

    model_config = TEXT

    model: Slug
    provider: Text
    provider_model: Text
    usd_per_million_input_tokens: Annotated[float, Field(ge=0)]
    usd_per_million_output_tokens: Annotated[float, Field(ge=0)]
    usd_per_million_cached_input_tokens: Annotated[float, Field(ge=0)] | None = None
    checked: date
    source: Text
