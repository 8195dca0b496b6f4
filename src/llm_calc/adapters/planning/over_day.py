"""Plans for a load that changes over the day."""

from collections.abc import Iterator, Sequence

from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.wire.day import PlanDay
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.workload_catalog import LOADS
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.planning.day import Day, day_usd, replicas_by_hour

ROUNDING = 1e-6


def day_of(request: DeploymentPlansRequest) -> Day | None:
    """The rates of the day; None where the load is the same all day."""
    return None if request.day is None else request.day.day(request.workload.request_rate)


def at_peak(request: DeploymentPlansRequest) -> DeploymentPlansRequest:
    """The request with the load of the day's peak.

    Raises:
        InvalidInputError: the workload names another load, or none for a wave to rise to.
    """
    part, workload = request.day, request.workload
    if part is None:
        return request
    other = [name for name in LOADS if name != "request_rate" and getattr(workload, name) is not None]
    if other:
        msg = f"day: is a rate by the hour; workload.{other[0]} is another load and must be left out"
        raise InvalidInputError(msg, field="day")
    if part.rates_per_s is None and workload.request_rate is None:
        msg = "day.trough_fraction: needs workload.request_rate (or users), the peak of the day"
        raise InvalidInputError(msg, field="day.trough_fraction")
    return (
        request
        if part.rates_per_s is None
        else request.model_copy(update={"workload": _with(workload, part.rates_per_s)})
    )


def _with(workload: WorkloadPart, rates: list[float]) -> WorkloadPart:
    stated, peak = workload.request_rate, max(rates)
    if stated is not None and abs(stated - peak) > ROUNDING * peak:
        msg = f"day.rates_per_s: the largest is {peak:g}, but workload.request_rate is {stated:g}; leave one out"
        raise InvalidInputError(msg, field="day.rates_per_s")
    return workload.model_copy(update={"request_rate": peak})


def plan_day(day: Day | None, plan: Evaluated, price: GpuPrice | None) -> PlanDay | None:
    """What a plan takes over the day."""
    if day is None:
        return None
    each, gpus = day.peak_per_s / plan.replicas, plan.row.layout.gpus
    replicas = replicas_by_hour(day, each)
    scaled, flat = _day_usd(replicas, gpus, price)
    return PlanDay(
        request_rate_per_replica=each,
        replicas=list(replicas),
        gpus_at_peak=max(replicas) * gpus,
        gpu_hours=sum(replicas) * gpus,
        usd_per_day=None if price is None else scaled,
        usd_per_day_at_peak=None if price is None else flat,
    )


def _day_usd(replicas: Sequence[int], gpus: int, price: GpuPrice | None) -> tuple[float, float]:
    """A day's money, scaled by the hour and not.

    What is reserved is paid for in every hour, what is owned as well, but for its energy.
    """
    if price is None or price.owned is None:
        scaled, flat = day_usd(replicas, 0.0 if price is None else price.usd_per_gpu_hour * gpus)
        return (flat, flat) if price is not None and price.kind == "reserved" else (scaled, flat)
    owned = price.owned
    energy = day_usd(replicas, owned.energy_usd_per_gpu_hour * gpus)
    _, standing = day_usd(replicas, (owned.capital_usd_per_gpu_hour + owned.upkeep_usd_per_gpu_hour) * gpus)
    return energy[0] + standing, energy[1] + standing


def day_assumptions(day: Day | None) -> Iterator[str]:
    """What was taken for granted of a day."""
    if day is not None:
        spare = day.spare_replicas
        run = "replica runs" if spare == 1 else "replicas run"
        yield (
            f"day: plans, and what they cost a token, are those of the peak of {day.peak_per_s:g} requests a second; a "
            "replica is given no more than there in any hour, runs from the beginning of an hour to its end, and one "
            f"runs at least; {spare} spare {run} in every hour beside them, which limits on GPUs and rent hold as well"
        )
