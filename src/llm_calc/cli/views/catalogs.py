"""Lists of engines, formats, prices and links, a row each."""

from collections.abc import Iterable

from rich.console import Console

from llm_calc.adapters.wire.listings import AvailableEngine, AvailableFormat, AvailableLink, AvailablePrice
from llm_calc.cli.tables import listing
from llm_calc.cli.text import NONE, number, seconds, significant

SHOWN_GPUS = 3


def show_engines(console: Console, engines: Iterable[AvailableEngine]) -> None:
    """Engines, a row a release."""
    rows = [
        (
            each.name if release is each.releases[0] else "",
            release.version,
            release.since if release.since == release.until else f"{release.since} to {release.until}",
            release.rules_read_on,
            ", ".join(dict.fromkeys(row.hardware.split()[0] for row in each.runs_on)) or "all",
        )
        for each in engines
        for release in each.releases
    ]
    listing(
        console, ("Engine", " release", " rules hold for", " read on", " runs on"), rows, spare=("runs on",)
    )


def show_formats(console: Console, formats: Iterable[AvailableFormat]) -> None:
    """Number formats, a row each."""
    rows = [
        (
            each.name,
            f"{significant(each.bits_per_element)} bits",
            each.arithmetic or "16 bits",
            ", ".join(each.engines) or NONE,
            ", ".join(each.aliases),
        )
        for each in formats
    ]
    columns = ("Format", "a number", " arithmetic", " engines", " also called")
    listing(console, columns, rows, spare=("also called", "arithmetic"))


def show_prices(console: Console, prices: Iterable[AvailablePrice]) -> None:
    """Rental prices, a row each."""
    rows = [
        (
            each.gpu,
            each.provider,
            f"{each.gpus} x {each.instance}" if each.gpus > 1 else each.instance,
            NONE if each.usd_per_gpu_hour is None else f"${each.usd_per_gpu_hour:.2f}",
            NONE if each.spot_usd_per_hour is None else f"${each.spot_usd_per_hour / each.gpus:.2f}",
            _reserved(each),
            "typical" if each.typical else "",
            each.checked,
        )
        for each in prices
    ]
    columns = ("GPU", " provider", " instance", "a GPU and hour", "spot", "reserved", " ", " checked")
    listing(console, columns, rows, spare=("instance", "checked"))


def _reserved(price: AvailablePrice) -> str:
    """Of a GPU and hour, and the term where it is stated."""
    if price.reserved_usd_per_hour is None:
        return NONE
    term = f", {price.reserved_months} months" if price.reserved_months else ""
    return f"${price.reserved_usd_per_hour / price.gpus:.2f}{term}"


def show_links(console: Console, links: Iterable[AvailableLink]) -> None:
    """Links, a row each."""
    rows = [
        (
            each.id,
            each.scope,
            NONE if each.bytes_per_s_each_way is None else f"{number(each.bytes_per_s_each_way / 1e9)} GB/s",
            seconds(each.latency_s),
            ", ".join(each.gpus[:SHOWN_GPUS]) + (" …" if len(each.gpus) > SHOWN_GPUS else ""),
        )
        for each in links
    ]
    listing(console, ("Link", " joins", "each way", "latency", " GPUs"), rows, spare=("GPUs",))
