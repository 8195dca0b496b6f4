"""Everything that is data, read and checked at once."""

from pathlib import Path
from typing import get_args

from llm_calc.adapters.calibration import Family, load_calibration_file
from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.formats import format_catalog
from llm_calc.adapters.planning.launch_catalog import load_launch_rules
from llm_calc.adapters.runs_on import load_runs_on


def load_all_catalogs(path: Path | None = None) -> Catalogs:
    """Reads every catalog, so that a wrong file is found at start and not by the request that first needs it.

    Args:
        path: directory of GPUs, models, links and prices; formats, engines, launch, runs_on and calibration are
            those of ``LLM_CALC_CATALOGS_PATH`` where it has them, else the package's.

    Raises:
        CatalogError: a file or row is wrong; names file and key.
    """
    catalogs = load_catalogs(path)
    format_catalog()
    load_engine_rules()
    load_launch_rules()
    load_runs_on()
    for family in get_args(Family):
        load_calibration_file(family)
    return catalogs
