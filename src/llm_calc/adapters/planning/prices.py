"""What a GPU costs by the hour: the caller's own price, else the catalog's typical one, with date and source."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from statistics import median_low

from llm_calc.adapters.catalog import Catalogs, RentalPrice
from llm_calc.adapters.wire.owner import OwnedPrice, PriceKind, RentalKind
from llm_calc.adapters.wire.plan_parts import PlanPrice
from llm_calc.core.costs import OwnedCosts


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuPrice:
    """USD per hour of one GPU, and where the figure comes from."""

    usd_per_gpu_hour: float
    provider: str
    as_of: str
    source: str
    kind: PriceKind = "on_demand"
    term_months: int | None = None
    owned: OwnedCosts | None = None

    @property
    def answered(self) -> PlanPrice:
        """As answers tell it."""
        parts = None if self.owned is None else OwnedPrice(**asdict(self.owned))
        return PlanPrice(
            usd_per_gpu_hour=self.usd_per_gpu_hour,
            kind=self.kind,
            term_months=self.term_months,
            provider=self.provider,
            as_of=self.as_of,
            source=self.source,
            owned=parts,
        )


OWN = "the request's own price"


def gpu_price(
    catalogs: Catalogs, gpu_id: str, own: Mapping[str, float], rental: RentalKind = "on_demand"
) -> GpuPrice | None:
    """The request's price; else the catalog's typical row; else the median of such rows; None where none is known.

    ``own`` is keyed by catalog ids. ``rental``: on demand, spot or reserved; no kind stands in for another.
    """
    if gpu_id in own:
        return GpuPrice(usd_per_gpu_hour=own[gpu_id], provider=OWN, as_of="", source=OWN, kind="own")
    return _known_price(catalogs, gpu_id, rental)


@lru_cache(maxsize=1024)
def _known_price(catalogs: Catalogs, gpu_id: str, rental: RentalKind) -> GpuPrice | None:
    """The catalog's."""
    row = catalogs.typical_price(gpu_id)
    if row is None or row.of_gpu(rental) is None:
        row = _middle(catalogs.prices_of_gpu(gpu_id), rental)
    usd = None if row is None else row.of_gpu(rental)
    if row is None or usd is None:
        return None
    return GpuPrice(
        usd_per_gpu_hour=usd,
        provider=row.provider,
        as_of=row.as_of,
        source=row.source,
        kind=rental,
        term_months=row.reserved_months if rental == "reserved" else None,
    )


def _middle(rows: tuple[RentalPrice, ...], rental: RentalKind) -> RentalPrice | None:
    """Of several prices the median one (the lower of two); of reserved ones those of the shortest stated term."""
    known = [row for row in rows if row.of_gpu(rental) is not None]
    shortest = min((_term(row, rental) for row in known), default=0.0)
    prices = {row.of_gpu(rental): row for row in known if _term(row, rental) == shortest}
    return prices[median_low(usd for usd in prices if usd is not None)] if prices else None


def _term(row: RentalPrice, rental: RentalKind) -> float:
    """Months that a rent is taken for; infinite where a reserved one states none."""
    if rental != "reserved":
        return 0.0
    return math.inf if row.reserved_months is None else row.reserved_months


def own_prices(catalogs: Catalogs, given: Mapping[str, float]) -> dict[str, float]:
    """The request's prices by catalog id.

    Raises:
        UnknownNameError: a name that is no GPU; offers the nearest.
    """
    return {catalogs.gpu(name, "prices").id: price for name, price in given.items()}
