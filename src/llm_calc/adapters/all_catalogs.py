"""Everything that is data, read and checked at once."""

from pathlib import Path
from typing import get_args

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.catalog.files import catalog_root, choose_catalogs
from llm_calc.adapters.catalog.kept import keep, kept

SOUND = "sound"
"""The name of the file that says of which catalogs everything was found right."""


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
    if is_own and kept(SOUND, catalogs.digest):
        return catalogs
    _load_others()
    if is_own:
        keep(SOUND, catalogs.digest, SOUND)
    return catalogs


def _load_others() -> None:
    """Read what stands beside models, GPUs, links and prices; what reads it is loaded with it."""
    from llm_calc.adapters.acceptance import load_acceptances
    from llm_calc.adapters.calibration import Family, load_calibration_file
    from llm_calc.adapters.drafts import load_heads
    from llm_calc.adapters.engine_catalog import load_engine_rules
    from llm_calc.adapters.formats import format_catalog
    from llm_calc.adapters.images import load_images
    from llm_calc.adapters.planning.launch_catalog import load_launch_rules, load_resources
    from llm_calc.adapters.planning.owned import load_owner_defaults
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
    for family in get_args(Family):
        load_calibration_file(family)
