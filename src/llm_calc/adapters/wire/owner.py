"""GPUs that are owned in a request for plans, and what an hour of one costs."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.engine_names import typed_word
from llm_calc.adapters.wire.limits import GpuName

Usd = Annotated[float, Field(gt=0, le=1e9)]
RentalKind = Literal["on_demand", "spot", "reserved"]
Rental = Annotated[RentalKind, BeforeValidator(typed_word)]
PriceKind = Literal["on_demand", "spot", "reserved", "own", "owned"]


class OwnerPart(StrictRequest):
    """GPUs that are bought, not rented: what they cost, how long and how much they are used, and their power.

    What is left out is the catalog's, and named in the answer's assumptions.
    """

    purchase_usd: Annotated[dict[GpuName, Usd], Field(min_length=1, max_length=200)] = Field(
        description="What one GPU costs with its part of host and network, by GPU id [USD]; all others are rented"
    )
    years: Annotated[float, Field(gt=0, le=50)] | None = Field(
        None, description="Years until nothing is left of it [years]; 5 if absent"
    )
    busy_fraction: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0,
        description="Part of all hours in which it serves this load; the others are paid for by these [-]",
    )
    upkeep_fraction_per_year: Annotated[float, Field(ge=0, le=10)] = Field(
        0.0, description="Upkeep, room and staff a year, over the purchase price [1/year]"
    )
    host_power_fraction: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None, description="Power of hosts and network over that of their GPUs [-]; 0.82 if absent"
    )
    pue: Annotated[float, Field(ge=1, le=10)] | None = Field(
        None, description="Power of the site over that of its machines [-]; 1.54 if absent"
    )
    usd_per_kwh: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None, description="Price of electricity [USD/kWh]; 0.0806 if absent"
    )


class OwnedPrice(Answer):
    """Of what the price of an owned GPU consists."""

    capital_usd_per_gpu_hour: float = Field(
        description="Purchase over the hours of its life that serve this load [USD/h]"
    )
    upkeep_usd_per_gpu_hour: float = Field(description="Upkeep over the same hours [USD/h]")
    energy_usd_per_gpu_hour: float = Field(
        description="Power of GPU, host and site at the board power limit [USD/h]"
    )
