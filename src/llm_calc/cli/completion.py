"""What the shell offers on the tab key: ids of the catalogs, read from the names of their files."""

import os
from pathlib import Path


def model_names(incomplete: str) -> list[str]:
    """Names of catalog models that begin so."""
    return _stems("models", incomplete)


def gpu_names(incomplete: str) -> list[str]:
    """Ids of catalog GPUs that begin so."""
    return _stems("gpus", incomplete)


def _stems(folder: str, incomplete: str) -> list[str]:
    from llm_calc.adapters.catalog.files import CatalogError, catalog_root

    path = os.environ.get("LLM_CALC_CATALOGS_PATH")
    try:
        files = (catalog_root(Path(path) if path else None) / folder).iterdir()
        return sorted(file.stem for file in files if file.stem.startswith(incomplete.lower()))
    except (CatalogError, OSError):
        return []
