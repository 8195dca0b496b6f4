"""What a GPU costs by the hour: the caller's own price, else the catalog's typical one, with date and source."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low

from llm_calc.adapters.catalog import Catalogs, RentalPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuPrice:
    """USD per hour of one GPU, and where the figure comes from."""

    usd_per_gpu_hour: float
    provider: str
    as_of: str
    source: str


OWN = "the request's own price"


def gpu_price(catalogs: Catalogs, gpu_id: str, own: Mapping[str, float]) -> GpuPrice | None:
    """The request's price; else the catalog's typical row; else the median of on-demand rows; None where none is known.

    ``own`` is keyed by catalog ids.
    """
    if gpu_id in own:
        return GpuPrice(usd_per_gpu_hour=own[gpu_id], provider=OWN, as_of="", source=OWN)
    row = catalogs.typical_price(gpu_id) or _middle(catalogs.prices_of_gpu(gpu_id))
    if row is None or row.usd_per_gpu_hour is None:
        return None
    return GpuPrice(
        usd_per_gpu_hour=row.usd_per_gpu_hour, provider=row.provider, as_of=row.as_of, source=row.source
    )


def _middle(rows: tuple[RentalPrice, ...]) -> RentalPrice | None:
    """Of several on-demand prices the median one (the lower of two)."""
    prices = {row.usd_per_gpu_hour: row for row in rows if row.usd_per_gpu_hour is not None}
    return prices[median_low(prices)] if prices else None


def own_prices(catalogs: Catalogs, given: Mapping[str, float]) -> dict[str, float]:
    """The request's prices by catalog id.

    Raises:
        UnknownNameError: a name that is no GPU; offers the nearest.
    """
    return {catalogs.gpu(name, "prices").id: price for name, price in given.items()}
