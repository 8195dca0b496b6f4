"""Tables of number formats and engines."""

import json
from collections.abc import Iterable, Iterator

from docutils import nodes
from tables import Cells, link

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engine_catalog import EngineRules, load_engine_rules
from llm_calc.adapters.formats import format_catalog, recipe_for
from llm_calc.adapters.runs_on import EngineRunsOn, load_runs_on
from llm_calc.adapters.runs_on_rows import NEWEST
from llm_calc.core.checkpoints.recipes.rules import RecipeEntry
from llm_calc.core.memory import total_parameters, weights_bytes
from llm_calc.core.model import Model


def formats(catalogs: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row a format of weights, with what it makes of a model of 8 billion parameters."""
    model = read_config(catalogs.model("llama-3.1-8b").config).model
    header = ("format", "aliases", "main numbers [bits]", "Llama 3.1 8B [bits a weight]", "native arithmetic")
    return header, (_format_cells(entry, model) for entry in format_catalog().recipes)


def _format_cells(entry: RecipeEntry, model: Model) -> Cells:
    recipe = recipe_for(entry.name, model)
    bits = 8 * weights_bytes(model, recipe) / total_parameters(model)
    main = recipe.default
    native = main.compute or "none: 16 bits"
    return entry.name, ", ".join(entry.row.aliases), f"{main.bits_per_element:.4g}", f"{bits:.3f}", native


def engines(_: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row an engine: the version of its rules, what it runs on, what it was read from."""
    runs_on = load_runs_on()
    header = ("engine", "name", "version", "runs on", "formats", "read from", "on")
    return header, (_engine_cells(row, runs_on.get(row.name)) for row in load_engine_rules().values())


def _engine_cells(row: EngineRules, runs_on: EngineRunsOn | None) -> Cells:
    rows = [each for each in runs_on.hardware if not each.missing(NEWEST)] if runs_on else []
    vendors = dict.fromkeys(each.vendor for each in rows) or {"any": None}
    known = dict.fromkeys(name for each in rows for name in each.formats) or {"all": None}
    pages = nodes.bullet_list()
    for address in row.links:
        pages += nodes.list_item("", link(address.removeprefix("https://"), address))
    return row.name, row.title, row.version, ", ".join(vendors), ", ".join(known), pages, row.read_on


def engine_options(_: Catalogs) -> tuple[Cells, Iterable[Cells]]:
    """One row an option of an engine."""
    return ("engine", "option", "default", "meaning"), _options()


def _options() -> Iterator[Cells]:
    for row in load_engine_rules().values():
        for option in row.options:
            default = "" if option.default is None else json.dumps(option.default)
            yield row.name, option.name, default, option.meaning
