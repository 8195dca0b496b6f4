"""``catalogs/formats/keys.toml``: keys of quantizers that change no format and no size, each with its reason."""

from functools import cache

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml
from llm_calc.adapters.formats.rows import Name, SourceRow
from llm_calc.core.errors import CatalogError


class NeutralRow(BaseModel):
    """Keys that change nothing here, of these tools; ``name.*``: all that stands under a name."""

    model_config = STRICT

    tools: Many[str]
    keys: Many[str]
    reason: str
    source: str


class KeysFile(BaseModel):
    """``keys.toml``."""

    model_config = STRICT

    sources: dict[Name, SourceRow]
    neutral: Many[NeutralRow]


@cache
def neutral_keys() -> dict[str, frozenset[str]]:
    """Keys by tool.

    Raises:
        CatalogError: a row names a source that the file lacks.
    """
    file = read_toml(KeysFile, catalog_folder("formats", None) / "keys.toml")
    found: dict[str, set[str]] = {}
    for row in file.neutral:
        if row.source not in file.sources:
            raise CatalogError(f"formats/keys.toml: {row.reason}: there is no source {row.source!r}")
        for tool in row.tools:
            found.setdefault(tool, set()).update(row.keys)
    return {tool: frozenset(keys) for tool, keys in found.items()}
