"""What a GPU costs by the hour: the caller's own price, else the catalog's typical one, with date and source."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
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
    owned: OwnedCosts | None = None

    @property
    def answered(self) -> PlanPrice:
        """As answers tell it."""
        parts = None if self.owned is None else OwnedPrice(**asdict(self.owned))
        return PlanPrice(
            usd_per_gpu_hour=self.usd_per_gpu_hour,
            kind=self.kind,
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

    ``own`` is keyed by catalog ids. ``rental``: on demand, or spot.
    """
    if gpu_id in own:
        return GpuPrice(usd_per_gpu_hour=own[gpu_id], provider=OWN, as_of="", source=OWN, kind="own")
    row = catalogs.typical_price(gpu_id)
    if row is None or _usd(row, rental) is None:
        row = _middle(catalogs.prices_of_gpu(gpu_id), rental)
    usd = None if row is None else _usd(row, rental)
    if row is None or usd is None:
        return None
    return GpuPrice(
        usd_per_gpu_hour=usd, provider=row.provider, as_of=row.as_of, source=row.source, kind=rental
    )


def _usd(row: RentalPrice, rental: RentalKind) -> float | None:
    """USD an hour of one GPU of a row."""
    return row.usd_per_gpu_hour if rental == "on_demand" else row.spot_usd_per_gpu_hour


def _middle(rows: tuple[RentalPrice, ...], rental: RentalKind) -> RentalPrice | None:
    """Of several prices the median one (the lower of two)."""
    prices = {usd: row for row in rows if (usd := _usd(row, rental)) is not None}
    return prices[median_low(prices)] if prices else None


def rental_words(rental: RentalKind) -> str:
    """What is taken for a rent where the request names none."""
    if rental == "on_demand":
        return "typical on-demand prices of the catalog"
    return (
        "spot prices of the catalog, of the typical provider or the median; what is rented so may be taken back at any "
        "time, which no figure counts"
    )


def own_prices(catalogs: Catalogs, given: Mapping[str, float]) -> dict[str, float]:
    """The request's prices by catalog id.

    Raises:
        UnknownNameError: a name that is no GPU; offers the nearest.
    """
    return {catalogs.gpu(name, "prices").id: price for name, price in given.items()}


def unused_prices(
    own: Mapping[str, float], owned: Mapping[str, GpuPrice], searched: Iterable[str]
) -> Iterator[str]:
    """Prices of GPUs that are not looked at; ``own`` and ``owned`` by catalog id."""
    looked = frozenset(searched)
    for field, given in (("prices", own), ("owner.purchase_usd", owned)):
        if idle := sorted(set(given) - looked):
            yield f"{field}: {', '.join(idle)}: not among the GPUs that were looked at; changes nothing"
