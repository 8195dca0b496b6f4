"""Run every benchmark, each in a process of its own: the present build beside an earlier one, with ratios.

Modules whose names begin with ``_`` are helpers; ``load`` takes minutes: ``make load``. Figures with their ratios are
added to ``bench/history.csv``.
"""

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench._before import COMMIT, ROOT, earlier_build
from bench._figures import AS_JSON, Figure

ALONE = {"load"}
NOT_COMPARED = {"page"}
HISTORY = Path(__file__).parent / "history.csv"
Measured = list[Figure]


def measured(name: str, build: Path | None) -> Measured | None:
    """Return the figures of a benchmark under the present build, or under that of a folder; None where it failed."""
    environment = {**os.environ, AS_JSON: "1"}
    if build is not None:
        environment["PYTHONPATH"] = str(build / "src")
    command = (sys.executable, "-m", f"bench.{name}")
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        return None
    return [Figure(**json.loads(line)) for line in ended.stdout.splitlines() if line.startswith("{")]


def line(figure: Figure, before: Figure | None) -> str:
    """Return a figure beside what it was."""
    if before is None:
        return figure.text
    return f"{figure.text}; before {before.value:.4g}, {figure.gain(before.value):.2f} times as good"


def add_history(figures: list[tuple[Figure, Figure | None]]) -> None:
    """Add a row for each figure: when, of which commit, what it is, what it was, how many times as good."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    today, is_new = datetime.now(UTC).date().isoformat(), not HISTORY.exists()
    with HISTORY.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        if is_new:
            rows.writerow(("date", "commit", "figure", "unit", "value", "before", "times_as_good"))
        for figure, before in figures:
            old = () if before is None else (f"{before.value:.4g}", f"{figure.gain(before.value):.3f}")
            rows.writerow(
                (today, commit, figure.title, figure.unit, f"{figure.value:.4g}", *(old or ("", "")))
            )


def main() -> None:
    """Print all figures; end with 1 where a benchmark failed."""
    earlier = earlier_build()
    print(f"beside commit {COMMIT}" if earlier else f"commit {COMMIT} is not in the history: no ratios")
    failed, kept = [], []
    for name in sorted(
        path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem not in ALONE
    ):
        now = measured(name, None)
        if now is None:
            failed.append(name)
            continue
        compared = None if earlier is None or name in NOT_COMPARED else measured(name, earlier)
        before = {figure.title: figure for figure in compared or ()}
        for figure in now:
            print(line(figure, before.get(figure.title)), flush=True)
        kept += [(figure, before.get(figure.title)) for figure in now]
    add_history(kept)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
