"""Fits the efficiencies to the measurements; writes the catalog files and docs/accuracy.md.

usage: python tools/calibrate [family ...]
"""

import sys
import time

from evaluate import evaluate
from families import FAMILIES, cases_by_family
from report import write_report
from writing import write_family


def main() -> None:
    """Fits every family, or those that are named."""
    chosen = sys.argv[1:] or [family.name for family in FAMILIES]
    cases = cases_by_family()
    fitted = []
    for family in FAMILIES:
        if family.name in chosen:
            start = time.monotonic()
            fitted.append(evaluate(family, cases[family.name]))
            write_family(fitted[-1])
            print(f"{family.name}: {len(cases[family.name])} measurements, {time.monotonic() - start:.0f} s", flush=True)
    if len(fitted) == len(FAMILIES):
        write_report(fitted)


if __name__ == "__main__":
    main()
