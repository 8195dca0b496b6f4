"""The catalogs of engines, formats, prices and links as lists."""

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import engine_releases
from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.wire.lists import ListedEngine, ListedFormat, ListedLink, ListedPrice, ListedRelease
from llm_calc.core.engines import ENGINES


def listed_engines(_: Catalogs) -> list[ListedEngine]:
    """Every engine with the releases whose rules are known."""
    found = []
    for name in ENGINES:
        releases = engine_releases(name)
        rows = [
            ListedRelease(
                version=each.version,
                since=each.since,
                until=each.until,
                rules_read_on=each.read_on,
                sources=list(each.links),
                options=list(each.defaults),
            )
            for each in releases
        ]
        found.append(ListedEngine(name=name, title=releases[-1].title, releases=rows))
    return found


def listed_formats(_: Catalogs) -> list[ListedFormat]:
    """Every format of weights."""
    return [
        ListedFormat(name=entry.name, aliases=list(entry.row.aliases), is_gguf=entry.is_gguf)
        for entry in format_catalog().recipes
    ]


def listed_prices(catalogs: Catalogs) -> list[ListedPrice]:
    """Every price of rented GPUs."""
    names = ListedPrice.model_fields
    return [ListedPrice(**{name: getattr(row, name) for name in names}) for row in catalogs.rental_prices]


def listed_links(catalogs: Catalogs) -> list[ListedLink]:
    """Every kind of link."""
    names = ListedLink.model_fields
    return [ListedLink(**{name: getattr(row, name) for name in names}) for row in catalogs.links.values()]
