"""What answers say of prices: whose were taken, of what day, and which are not known."""

from collections.abc import Iterable, Iterator, Mapping

from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.release_days import old_prices
from llm_calc.adapters.wire.owner import RentalKind

KINDS: Mapping[RentalKind, str] = {"on_demand": "", "spot": "spot ", "reserved": "reserved "}
"""A kind of rent before the word price."""
RENTS: Mapping[RentalKind, str] = {
    "on_demand": "typical on-demand prices of the catalog",
    "spot": (
        "spot prices of the catalog, of the typical provider or the median; what is rented so may be taken back at any "
        "time, which no figure counts"
    ),
    "reserved": (
        "reserved prices of the catalog, of the typical provider, else the median of those with the shortest stated "
        "term, else of those without one; what is rented so is paid for in every hour of its term"
    ),
}
MOST_NAMED = 12


def rental_words(rental: RentalKind) -> str:
    """What is taken for a rent where the request names none."""
    return RENTS[rental]


def price_warnings(rental: RentalKind, prices: Iterable[tuple[str, GpuPrice | None]]) -> Iterator[str]:
    """GPUs, by id, whose price is not known or old; another kind of rent never takes a price's place."""
    found = dict(prices)
    if unknown := sorted(gpu for gpu, price in found.items() if price is None):
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        named = f"{', '.join(unknown[:MOST_NAMED])}{more}"
        yield f"prices: no {KINDS[rental]}price is known of {named}; give it in prices"
    yield from old_prices((gpu, price.as_of) for gpu, price in found.items() if price is not None)


def unused_prices(
    own: Mapping[str, float], owned: Mapping[str, GpuPrice], searched: Iterable[str]
) -> Iterator[str]:
    """Prices of GPUs that are not looked at; ``own`` and ``owned`` by catalog id."""
    looked = frozenset(searched)
    for field, given in (("prices", own), ("owner.purchase_usd", owned)):
        if idle := sorted(set(given) - looked):
            yield f"{field}: {', '.join(idle)}: not among the GPUs that were looked at; changes nothing"
