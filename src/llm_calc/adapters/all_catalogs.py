"""Everything that is data, read and checked at once: of a folder, or of the one that the environment chooses."""

import os
from pathlib import Path
from typing import get_args

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.catalog.files import CATALOGS_VARIABLE, catalog_root, choose_catalogs
from llm_calc.adapters.catalog.kept import keep, kept
from llm_calc.core.errors import CatalogError, InvalidInputError

SOUND = "sound"
"""The name of the file that says of which catalogs everything was found right."""
_sound: set[str] = set()
"""Digests of the package's own that were found right in this process."""


def load_all_catalogs(path: Path | None = None) -> Catalogs:
    """Reads every catalog, so that a wrong file is found at start and not by the request that first needs it.

    Of the package's own, what was found right before is read when it is needed.

    Args:
        path: directory of the catalogs; the package's if None; of formats, engines, launch, runs_on and calibration
            the package's where it has none. It becomes that of the whole process.

    Raises:
        CatalogError: a file or row is wrong; names file and key.
    """
    choose_catalogs(path)
    catalogs = load_catalogs(path)
    is_own = catalog_root(path) == catalog_root()
    if is_own and catalogs.digest in _sound:
        return catalogs
    if not (is_own and kept(SOUND, catalogs.digest)):
        _load_others()
        if is_own:
            keep(SOUND, catalogs.digest, SOUND)
    if is_own:
        _sound.add(catalogs.digest)
    return catalogs


def _load_others() -> None:
    """Read what stands beside models, GPUs, links and prices; what reads it is loaded with it."""
    from llm_calc.adapters.acceptance import load_acceptances
    from llm_calc.adapters.calibration import Family, load_calibration_file
    from llm_calc.adapters.drafts import load_heads
    from llm_calc.adapters.engine_catalog import load_engine_rules
    from llm_calc.adapters.formats import format_catalog
    from llm_calc.adapters.hosts import load_platforms, load_reached
    from llm_calc.adapters.images import load_images
    from llm_calc.adapters.passed_options import load_passed_options
    from llm_calc.adapters.planning.launch_catalog import load_launch_rules, load_resources
    from llm_calc.adapters.planning.owned import load_owner_defaults
    from llm_calc.adapters.prediction_layers import load_mtp
    from llm_calc.adapters.presets import load_presets
    from llm_calc.adapters.runs_on import load_runs_on
    from llm_calc.adapters.workload_catalog import load_tiers, load_workloads

    format_catalog()
    load_engine_rules()
    load_launch_rules()
    load_runs_on()
    load_presets()
    load_workloads()
    load_tiers()
    load_resources()
    load_owner_defaults()
    load_acceptances()
    load_heads()
    load_images()
    load_mtp()
    load_platforms()
    load_reached()
    load_passed_options()
    for family in get_args(Family):
        load_calibration_file(family)


def chosen_catalogs() -> Catalogs:
    """The catalogs that ``LLM_CALC_CATALOGS_PATH`` names, else the package's, read once.

    Raises:
        InvalidInputError: they cannot be read.
    """
    path = os.environ.get(CATALOGS_VARIABLE)
    try:
        return load_all_catalogs(Path(path) if path else None)
    except (CatalogError, OSError) as error:
        raise InvalidInputError(unreadable(error, named=bool(path))) from error


def unreadable(error: Exception, *, named: bool) -> str:
    """What is wrong with the catalogs; ``named``: those that ``LLM_CALC_CATALOGS_PATH`` names."""
    sentence = f"the catalogs cannot be read: {error}"
    return f"{CATALOGS_VARIABLE}: {sentence}" if named else sentence
