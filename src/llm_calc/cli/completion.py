"""What the shell offers on the tab key: names of the catalogs, read from its files without loading it."""

import os
import re
from collections.abc import Callable
from pathlib import Path

_RECIPE = re.compile(r"^\[recipes\.([^\].]+)\]", re.MULTILINE)


def model_names(incomplete: str) -> list[str]:
    """Names of catalog models that begin so; none where only a file can be meant."""
    return _beginning(_stems("models"), incomplete)


def gpu_names(incomplete: str) -> list[str]:
    """Ids of catalog GPUs that begin so."""
    return _beginning(_stems("gpus"), incomplete)


def engine_names(incomplete: str) -> list[str]:
    """Engines that begin so."""
    return _beginning([*_stems("engines", "*.toml"), *_stems("presets", "*.toml")], incomplete)


def format_names(incomplete: str) -> list[str]:
    """Formats of weights that begin so."""
    files = [_catalog() / "formats" / name for name in ("checkpoints.toml", "gguf.toml")]
    try:
        found = [name for file in files for name in _RECIPE.findall(file.read_text(encoding="utf-8"))]
    except OSError:
        return []
    return _beginning(found, incomplete)


def one_of(*names: str) -> Callable[[str], list[str]]:
    """What completes one of a few words."""

    def beginning(incomplete: str) -> list[str]:
        return _beginning(list(names), incomplete)

    return beginning


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete.lower()))


def _stems(folder: str, pattern: str = "*") -> list[str]:
    return [file.stem for file in (_catalog() / folder).glob(pattern)]


def _catalog() -> Path:
    """The folder of the catalogs; one that is not there holds nothing."""
    from llm_calc.adapters.catalog.files import catalog_root
    from llm_calc.core.errors import CatalogError

    path = os.environ.get("LLM_CALC_CATALOGS_PATH")
    try:
        return catalog_root(Path(path) if path else None)
    except CatalogError:
        return Path(os.devnull)
