"""Which version of the program and of its data answers come from."""

from functools import lru_cache
from typing import get_args

from llm_calc import __version__
from llm_calc.adapters.calibration import Family, load_calibration_file
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.wire.version import VersionAnswer


@lru_cache(maxsize=4)
def data_version(catalogs: Catalogs) -> str:
    """``<newest day>-<digest>``; two answers with one data version rest on the same data.

    The day is the last on which an entry was looked at or measurements were collected.
    """
    fitted = [load_calibration_file(family).fitted_on for family in get_args(Family)]
    return f"{max(catalogs.checked.isoformat(), *fitted)}-{catalogs.digest}"


def answer_version(catalogs: Catalogs) -> VersionAnswer:
    """The versions of program and data."""
    return VersionAnswer(version=__version__, data_version=data_version(catalogs))
