"""Tables of the documentation that are read from the catalogs, so that they cannot drift from them."""

from collections.abc import Callable, Iterable, Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from llm_calc.adapters.architectures import read_config
from llm_calc.adapters.catalog import CatalogGpu, Catalogs, load_catalogs
from llm_calc.adapters.formats import RecipeEntry, format_catalog, recipe_for
from llm_calc.core.memory import total_parameters, weights_bytes
from llm_calc.core.model import Model

Cells = Sequence[str]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _gpu_cells(row: CatalogGpu) -> Cells:
    peaks = row.peak_tflops_per_s
    usable = f"{row.usable_memory_gib:g} ({row.source_of('usable_memory_gib').kind})"
    rates = [_number(peaks.get(name)) for name in ("bf16", "fp16", "fp8", "int8", "fp4")]
    return [
        row.id,
        _number(row.memory_gib),
        usable,
        _number(row.memory_bandwidth_gb_per_s),
        *rates,
        _number(row.tdp_w),
    ]


def gpus(catalogs: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row a GPU."""
    header = ["id", "GiB", "usable GiB", "GB/s", "bf16", "fp16", "fp8", "int8", "fp4", "W"]
    return header, map(_gpu_cells, catalogs.gpu_entries)


def models(catalogs: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row a model."""
    rows = (
        [
            m.name,
            m.family,
            f"{m.nominal_parameters_billions:g}",
            str(m.context_length_tokens),
            ", ".join(m.aliases),
        ]
        for m in catalogs.models
    )
    return ["name", "family", "billions", "context [tokens]", "aliases"], rows


def links(catalogs: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row a kind of link."""
    rows = (
        [k.id, k.name, k.scope, _number(k.gb_per_s_each_way), f"{k.latency_us:g} ({k.latency_kind})"]
        for k in catalogs.links.values()
    )
    return ["id", "name", "scope", "GB/s each way", "latency [µs]"], rows


def prices(catalogs: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row a GPU whose price is known: the typical one."""
    rows = (
        [p.gpu, _number(p.usd_per_gpu_hour), p.provider, p.instance, p.as_of]
        for gpu in catalogs.gpus
        if (p := catalogs.typical_price(gpu.id))
    )
    return ["GPU", "USD per GPU hour", "provider", "instance", "as of"], rows


def formats(catalogs: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row a format of weights, with what it makes of a model of 8 billion parameters."""
    model = read_config(catalogs.model("llama-3.1-8b").config).model
    header = ["format", "aliases", "main numbers [bits]", "Llama 3.1 8B [bits a weight]", "native arithmetic"]
    return header, (_format_cells(entry, model) for entry in format_catalog().recipes)


def _format_cells(entry: RecipeEntry, model: Model) -> Cells:
    recipe = recipe_for(entry.name, model)
    bits = 8 * weights_bytes(model, recipe) / total_parameters(model)
    main = recipe.default
    native = main.compute or "none: 16 bits"
    return [entry.name, ", ".join(entry.row.aliases), f"{main.bits_per_element:.4g}", f"{bits:.3f}", native]


TABLES: dict[str, Callable[[Catalogs], tuple[Cells, Iterable[Cells]]]] = {
    "gpus": gpus,
    "models": models,
    "links": links,
    "prices": prices,
    "formats": formats,
}


class CatalogTable(SphinxDirective):
    """``catalog-table`` with one of the names of ``TABLES``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table as document nodes."""
        header, rows = TABLES[self.arguments[0]](load_catalogs())
        group = nodes.tgroup(cols=len(header))
        group += [nodes.colspec(colwidth=1) for _ in header]
        group += nodes.thead("", _row(header))
        group += nodes.tbody("", *map(_row, rows))
        return [nodes.table("", group, classes=["catalog"])]


def _row(cells: Cells) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=cell)) for cell in cells))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directive."""
    app.add_directive("catalog-table", CatalogTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
