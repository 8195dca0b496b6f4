"""A load over the day in a request for plans, and what a plan says of it."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from llm_calc.adapters.wire.base import LEAST_PER_S, Answer, StrictRequest
from llm_calc.core.planning.day import HOURS, Day, wave


def _none_or_enough(rate: float) -> float:
    if 0 < rate < LEAST_PER_S:
        raise ValueError(f"must be 0 or at least {LEAST_PER_S:g}")
    return rate


Rate = Annotated[float, Field(ge=0, le=1e9), AfterValidator(_none_or_enough)]


class DayPart(StrictRequest):
    """A load over the day: 24 rates, or a wave up to the workload's request_rate."""

    rates_per_s: Annotated[list[Rate], Field(min_length=HOURS, max_length=HOURS)] | None = Field(
        None, description="Requests a second in each of 24 hours; plans are made for the largest [requests/s]"
    )
    trough_fraction: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Lowest load of the day over workload.request_rate, its peak [-]"
    )
    peak_hour: Annotated[float, Field(ge=0, lt=HOURS)] = Field(14.0, description="Hour of the peak [h]")
    spare_replicas: Annotated[int, Field(ge=0, le=1000)] = Field(
        1, description="Replicas beside those that an hour needs: N+1 [replicas]"
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> "DayPart":
        if (self.rates_per_s is None) == (self.trough_fraction is None):
            raise ValueError("one of rates_per_s (24 of them) and trough_fraction must be given")
        if self.rates_per_s is not None and "peak_hour" in self.model_fields_set:
            raise ValueError("peak_hour goes with trough_fraction; rates_per_s say their hours themselves")
        if self.rates_per_s is not None and not max(self.rates_per_s):
            raise ValueError("rates_per_s must not all be 0")
        return self

    def day(self, request_rate: float | None) -> Day:
        """The rates themselves; ``request_rate``: the peak of a wave."""
        peak = request_rate or 0.0
        rates = self.rates_per_s or wave(peak, self.trough_fraction or 0.0, self.peak_hour)
        return Day(rates_per_s=tuple(rates), planned_peak_per_s=peak, spare_replicas=self.spare_replicas)


class PlanDay(Answer):
    """What a plan takes over the day."""

    request_rate_per_replica: float = Field(
        description="Requests that one replica is given at most, as at the peak [requests/s]"
    )
    replicas: list[int] = Field(description="Replicas in each of 24 hours, spare ones included [replicas]")
    gpus_at_peak: int = Field(
        description="GPUs of the hour with the most, spare replicas included; gpus_with_spares where an hour is at the "
        "planned peak [GPUs]"
    )
    gpu_hours: int = Field(description="GPU hours of the day [h]")
    usd_per_day: float | None = Field(description="Rent of a day, scaled by the hour [USD]")
    usd_per_day_at_peak: float | None = Field(description="The same with the peak's replicas all day [USD]")
