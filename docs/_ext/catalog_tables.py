"""Tables of the documentation that are read from the catalogs, so that they cannot drift from them."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from docutils import nodes
from format_tables import engine_options, engines, formats
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from tables import Cell, Cells, link, number, sourced, table

from llm_calc.adapters.catalog import CatalogGpu, CatalogModel, Catalogs, load_catalogs
from llm_calc.adapters.catalog.prices import RentalPrice, TokenPrice
from llm_calc.adapters.config_file import read_config
from llm_calc.core.memory import total_parameters

Rows: TypeAlias = tuple[Cells, Iterable[Cells]]
PEAKS = ("bf16", "fp16", "fp8", "int8", "fp4")


def gpus(catalogs: Catalogs) -> Rows:
    """One row a GPU."""
    header = (
        *("id", "name", "GiB", "usable GiB", "GB/s", *PEAKS),
        *("W", "link", "GB/s each way", "USD/h", "year"),
    )
    return header, (_gpu_cells(catalogs, row) for row in catalogs.gpu_entries)


def _gpu_cells(catalogs: Catalogs, row: CatalogGpu) -> Cells:
    price = catalogs.typical_price(row.id)
    return (
        row.id,
        row.name,
        number(row.memory_gib),
        f"{row.usable_memory_gib:g} ({row.source_of('usable_memory_gib').kind})",
        number(row.memory_bandwidth_gb_per_s),
        *(number(row.peak_tflops_per_s.get(name)) for name in PEAKS),
        number(row.tdp_w),
        row.link.kind if row.link else "",
        number(row.link.gb_per_s_each_way) if row.link else "",
        number(price.usd_per_gpu_hour) if price else "",
        str(row.release_year),
    )


def gpu_sources(catalogs: Catalogs) -> Rows:
    """One row a source of numbers of GPUs: how it is known, which fields of which GPUs rest on it."""
    found: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for row in catalogs.gpu_entries:
        for each in row.sources:
            fields, ids = found.setdefault((each.source, each.kind), ({}, {}))
            fields.update(dict.fromkeys(each.fields))
            ids[row.id] = None
    rows = (
        (sourced(source), kind, ", ".join(fields), ", ".join(ids))
        for (source, kind), (fields, ids) in sorted(found.items(), key=lambda item: -len(item[1][1]))
    )
    return ("source", "kind", "numbers", "GPUs"), rows


def models(catalogs: Catalogs) -> Rows:
    """One row a model."""
    header = ("name", "family", "parameters", "read", "context [tokens]", "aliases", "configuration from")
    return header, map(_model_cells, catalogs.models)


def _model_cells(row: CatalogModel) -> Cells:
    reading = read_config(row.config)
    return (
        row.name,
        row.family,
        f"{total_parameters(reading.model):,}",
        reading.confidence,
        f"{row.context_length_tokens:,}",
        ", ".join(row.aliases),
        _config_link(row),
    )


def _config_link(row: CatalogModel) -> Cell:
    source = row.source
    if source.commit is None:
        return link(source.repository, f"https://huggingface.co/{source.repository}")
    path = (source.path or "").partition("#")[0]
    return link(source.repository, f"https://github.com/{source.repository}/blob/{source.commit}/{path}")


def links(catalogs: Catalogs) -> Rows:
    """One row a kind of link."""
    header = ("id", "name", "scope", "GB/s each way", "latency [µs]", "source")
    rows = (
        (
            each.id,
            each.name,
            each.scope,
            number(each.gb_per_s_each_way) or "by slot",
            f"{each.latency_us:g} ({each.latency_kind})",
            sourced(each.source),
        )
        for each in catalogs.links.values()
    )
    return header, rows


def prices(catalogs: Catalogs) -> Rows:
    """One row a GPU whose price is known: the typical one."""
    header = ("GPU", "USD per GPU hour", "provider", "instance", "region", "as of", "how known", "source")
    typical = (catalogs.typical_price(gpu.id) for gpu in catalogs.gpus)
    return header, (_price_cells(price) for price in typical if price)


def _price_cells(price: RentalPrice) -> Cells:
    return (
        price.gpu,
        number(price.usd_per_gpu_hour),
        price.provider,
        price.instance,
        price.region,
        price.as_of,
        price.confidence,
        sourced(price.source),
    )


def reserved(catalogs: Catalogs) -> Rows:
    """One row a reserved price."""
    header = ("GPU", "USD per GPU hour", "term in months", "provider", "instance", "as of", "source")
    return header, (
        (
            price.gpu,
            number(price.of_gpu("reserved")),
            "not stated" if price.reserved_months is None else str(price.reserved_months),
            price.provider,
            price.instance,
            price.as_of,
            sourced(price.source),
        )
        for price in sorted(catalogs.rental_prices, key=lambda each: each.gpu)
        if price.reserved_usd_per_hour is not None
    )


def clouds(catalogs: Catalogs) -> Rows:
    """One row a provider."""
    by_provider: dict[str, list[RentalPrice]] = {}
    for price in catalogs.rental_prices:
        by_provider.setdefault(price.provider, []).append(price)
    rows = (
        (
            provider,
            str(len(found)),
            ", ".join(sorted({price.gpu for price in found})),
            ", ".join(sorted({price.as_of for price in found})),
        )
        for provider, found in sorted(by_provider.items())
    )
    return ("provider", "instances", "GPUs", "as of"), rows


def token_prices(catalogs: Catalogs) -> Rows:
    """One row a hosted model: its cheapest provider for as many prompt as answer tokens."""
    header = ("model", "providers", "cheapest", "USD per million in", "out", "checked", "source")
    rows = (
        (
            model.name,
            str(len(known)),
            best.provider,
            number(best.usd_per_million_input_tokens),
            number(best.usd_per_million_output_tokens),
            best.checked.isoformat(),
            best.source,
        )
        for model in catalogs.models
        if (known := catalogs.prices_of_model(model.name))
        for best in [min(known, key=_both)]
    )
    return header, rows


def _both(price: TokenPrice) -> float:
    return price.usd_per_million_input_tokens + price.usd_per_million_output_tokens


TABLES: dict[str, Callable[[Catalogs], Rows]] = {
    each.__name__: each
    for each in (
        *(gpus, gpu_sources, models, links, prices, reserved, clouds, token_prices),
        *(formats, engines, engine_options),
    )
}


class CatalogTable(SphinxDirective):
    """``catalog-table`` with one of the names of ``TABLES``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table as document nodes."""
        return [table(*TABLES[self.arguments[0]](load_catalogs()))]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directive."""
    app.add_directive("catalog-table", CatalogTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
