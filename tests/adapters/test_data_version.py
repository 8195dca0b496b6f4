"""The version of the data: a day and a digest, those of the catalogs that answer."""

import re

from llm_calc import __version__
from llm_calc.adapters.calibration import load_calibration_file
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.data_version import answer_version, data_version


def test_it_is_the_newest_day_and_the_digest() -> None:
    catalogs = load_catalogs()
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)-([0-9a-f]{8})", data_version(catalogs))
    assert found is not None
    assert found[1] >= max(catalogs.checked.isoformat(), load_calibration_file("served").fitted_on)
    assert found[2] == catalogs.digest
    assert answer_version(catalogs).version == __version__
