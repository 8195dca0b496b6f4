"""Fits the efficiencies to the measurements; writes the catalog files and docs/accuracy.md.

usage: python -m tools.calibrate [family ...]
       python -m tools.calibrate seen
       python -m tools.calibrate offsets

Naming families fits only those, and leaves the page as it is. ``seen`` fits nothing: it writes anew what the fits have
seen, from the measurements that they take; ``offsets`` those of stacks and layouts, at the efficiencies as they stand.
"""

import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context

from tools.calibrate.cases import Case
from tools.calibrate.evaluate import Fitted, evaluate
from tools.calibrate.families import FAMILIES, Family, cases_by_family
from tools.calibrate.refit_offsets import offsets_anew
from tools.calibrate.report import write_report
from tools.calibrate.writing import rewrite_offsets, rewrite_seen, write_family

PROCESSES = 2


def main() -> None:
    """Fits every family, or those that are named; or writes only what they have seen."""
    if sys.argv[1:] == ["seen"]:
        for name, members in cases_by_family().items():
            rewrite_seen(name, members)
        return
    if sys.argv[1:] == ["offsets"]:
        cases = cases_by_family()
        for family in FAMILIES:
            rewrite_offsets(family.name, offsets_anew(family, cases[family.name]))
        return
    chosen = sys.argv[1:] or [family.name for family in FAMILIES]
    cases = cases_by_family()
    tasks = [(family, cases[family.name]) for family in FAMILIES if family.name in chosen]
    with get_context("fork").Pool(PROCESSES) as pool:
        fitted = pool.map(_evaluated, tasks, chunksize=1)
    for each in fitted:
        write_family(each)
    if len(fitted) == len(FAMILIES):
        write_report(fitted)


def _evaluated(task: tuple[Family, Sequence[Case]]) -> Fitted:
    family, cases = task
    start = time.monotonic()
    fitted = evaluate(family, cases)
    print(f"{family.name}: {len(cases)} measurements, {time.monotonic() - start:.0f} s", flush=True)
    return fitted


if __name__ == "__main__":
    main()
