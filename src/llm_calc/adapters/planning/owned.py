"""What an hour of an owned GPU costs, of the request's figures and the catalog's for what it leaves out."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.wire.owner import OwnerPart
from llm_calc.core.costs import HOURS_PER_YEAR, SECONDS_PER_HOUR, Owner, owned_costs
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.hardware import Gpu

OWNED = "owned"


class DefaultRow(BaseModel):
    """A line of ``catalogs/owners/defaults.csv``."""

    model_config = TEXT

    name: str
    value: float
    unit: str
    checked: date
    source: str
    note: str = ""


@cache
def load_owner_defaults(path: Path | None = None) -> Mapping[str, DefaultRow]:
    """What is taken of owners who do not say.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    rows = read_csv(DefaultRow, catalog_folder("owners", path) / "defaults.csv")
    return {row.name: row for row in rows}


def owned_prices(
    catalogs: Catalogs, owner: OwnerPart | None, own: Mapping[str, float]
) -> dict[str, GpuPrice]:
    """The price of an hour of each owned GPU, by catalog id; ``own``: rental prices of the request.

    Raises:
        UnknownNameError: a name that is no GPU; offers the nearest.
        InvalidInputError: a GPU that is rented as well, or whose power is not known.
    """
    if owner is None:
        return {}
    named = {catalogs.gpu(name, "owner.purchase_usd"): usd for name, usd in owner.purchase_usd.items()}
    for gpu in named:
        if gpu.id in own:
            raise InvalidInputError(
                f"owner.purchase_usd: {gpu.id} has a rent in prices as well; leave one out",
                field="owner.purchase_usd",
            )
    return {gpu.id: _price(gpu, usd, owner) for gpu, usd in named.items()}


def _price(gpu: Gpu, usd: float, owner: OwnerPart) -> GpuPrice:
    if gpu.tdp_w is None:
        msg = (
            f"owner.purchase_usd: no board power of {gpu.id} is known; give its whole price an hour in prices"
        )
        raise InvalidInputError(msg, field="owner.purchase_usd")
    costs = owned_costs(
        Owner(
            purchase_usd=usd,
            life_s=_value(owner, "years") * HOURS_PER_YEAR * SECONDS_PER_HOUR,
            busy_fraction=owner.busy_fraction,
            upkeep_fraction_per_year=owner.upkeep_fraction_per_year,
            host_power_fraction=_value(owner, "host_power_fraction"),
            site_power_fraction=_value(owner, "pue"),
            usd_per_kwh=_value(owner, "usd_per_kwh"),
        ),
        gpu.tdp_w,
    )
    return GpuPrice(
        usd_per_gpu_hour=costs.usd_per_gpu_hour,
        provider=OWNED,
        as_of="",
        source="owner of the request",
        kind="owned",
        owned=costs,
    )


def _value(owner: OwnerPart, name: str) -> float:
    stated: float | None = getattr(owner, name)
    return load_owner_defaults()[name].value if stated is None else stated


def owner_assumptions(owner: OwnerPart | None) -> Iterator[str]:
    """What was taken of an owner who did not say."""
    if owner is None:
        return
    rows = [row for name, row in load_owner_defaults().items() if getattr(owner, name) is None]
    taken = "; ".join(f"{row.name} {row.value:g} ({row.source})" for row in rows)
    yield (
        f"owner: {taken + '; ' if taken else ''}busy_fraction {owner.busy_fraction:g} of all hours; GPUs draw their "
        "board power limit while they serve, and nothing is counted of idle hours; no interest, and no value left at "
        "the end; over a day, owned GPUs are paid for in every hour, their energy as they serve"
    )
