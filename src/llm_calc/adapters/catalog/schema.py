"""JSON schemas of the catalog files, generated from the types; each file names its own for editors."""

import json
from pathlib import Path

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.catalog.links import LinksFile
from llm_calc.adapters.catalog.models import CatalogModel
from llm_calc.adapters.catalog.published_names import PublishedNamesFile
from llm_calc.adapters.formats.gguf_rows import ArchitecturesFile, TensorsFile, TypesFile
from llm_calc.adapters.formats.keys import KeysFile
from llm_calc.adapters.formats.rows import NumbersFile, RecipesFile
from llm_calc.adapters.planning.launch_catalog import LaunchFile
from llm_calc.adapters.runs_on import EngineRunsOn

SCHEMAS: dict[str, type[BaseModel]] = {
    "gpu.schema.json": CatalogGpu,
    "model.schema.json": CatalogModel,
    "links.schema.json": LinksFile,
    "formats-numbers.schema.json": NumbersFile,
    "formats-recipes.schema.json": RecipesFile,
    "formats-keys.schema.json": KeysFile,
    "formats-gguf-architectures.schema.json": ArchitecturesFile,
    "formats-gguf-tensors.schema.json": TensorsFile,
    "formats-gguf-types.schema.json": TypesFile,
    "launch.schema.json": LaunchFile,
    "published_names.schema.json": PublishedNamesFile,
    "runs_on.schema.json": EngineRunsOn,
}
"""File name in the catalog's directory and the type it describes."""
DRAFT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def schema_texts() -> dict[str, str]:
    """The text of each schema file, by file name."""
    schemas = {name: DRAFT | kind.model_json_schema() for name, kind in SCHEMAS.items()}
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}


def write_schemas(root: Path | None = None) -> None:
    """Writes the schema files beside the catalogs."""
    folder = catalog_root(root)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")
