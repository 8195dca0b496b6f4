"""Prices: instances by the hour and hosted models by the token, each with its date and source."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog.files import TEXT
from llm_calc.adapters.catalog.gpus import Count, Slug, Text
from llm_calc.adapters.wire.owner import RentalKind
from llm_calc.core.plausible import RENT_USD_PER_GPU_HOUR

Usd = Annotated[float, Field(gt=0)]
AsOf = Annotated[str, Field(pattern=r"^(\d{4}(-\d\d){0,2}(/\d{4}(-\d\d){0,2})?|undated)$")]
"""The day, month or year that a price stands for, or an interval of such; ``undated`` where unknown."""


class RentalPrice(BaseModel):
    """One instance of a provider: what ``gpus`` devices of one kind cost together [USD/h].

    ``reserved_months`` is the term of the reserved price, None where the source states none; an instance with several
    terms has a row for each. ``typical`` marks the one row of a GPU that stands for its price where the caller names
    no provider.
    """

    model_config = TEXT

    gpu: Slug
    gpus: Count
    instance: Text
    usd_per_hour: Usd | None = None
    spot_usd_per_hour: Usd | None = None
    reserved_usd_per_hour: Usd | None = None
    reserved_months: Annotated[int, Field(ge=1, le=120)] | None = None
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
        if not self._known:
            raise ValueError("usd_per_hour: none of it, spot_usd_per_hour and reserved_usd_per_hour is given")
        for kind, usd in self._known.items():
            low, high = RENT_USD_PER_GPU_HOUR
            if not low <= usd / self.gpus <= high:
                raise ValueError(
                    f"{kind}: {usd:g} USD an hour for {self.gpus} GPUs; the unit is USD an hour for all"
                )
        if self.reserved_months is not None and self.reserved_usd_per_hour is None:
            raise ValueError("reserved_months: needs reserved_usd_per_hour")
        if self.typical and self.usd_per_hour is None:
            raise ValueError("typical: a typical price needs usd_per_hour")
        return self

    @property
    def _known(self) -> dict[RentalKind, float]:
        """Price of the instance by kind of rent [USD/h]; none where it is not known."""
        prices: dict[RentalKind, float | None] = {
            "on_demand": self.usd_per_hour,
            "spot": self.spot_usd_per_hour,
            "reserved": self.reserved_usd_per_hour,
        }
        return {kind: usd for kind, usd in prices.items() if usd is not None}

    @property
    def stated(self) -> frozenset[tuple[str, str, str, str, int | None]]:
        """What no other row may state: the price of a kind of rent, of an instance, for a term."""
        instance = (self.provider, self.instance, self.gpu)
        terms = {"reserved": self.reserved_months}
        return frozenset((*instance, kind, terms.get(kind)) for kind in self._known)

    def of_gpu(self, kind: RentalKind) -> float | None:
        """Price of one device under a kind of rent [USD/h]; None where it is not known."""
        usd = self._known.get(kind)
        return None if usd is None else usd / self.gpus

    @property
    def usd_per_gpu_hour(self) -> float | None:
        """On-demand price of one device [USD/h]; None where none is known."""
        return self.of_gpu("on_demand")

    @property
    def spot_usd_per_gpu_hour(self) -> float | None:
        """Spot price of one device [USD/h]; None where none is known."""
        return self.of_gpu("spot")


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
