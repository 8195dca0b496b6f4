"""Recorded answers of engines' own code: one CSV file an engine, which tests hold the product to."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "conformance"

Row = Mapping[str, str | int | float]


def write(engine: str, rows: Sequence[Row]) -> None:
    """Puts an engine's answers into its file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{engine}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(engine: str) -> list[dict[str, str]]:
    """An engine's recorded answers."""
    with (FOLDER / f"{engine}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def recorded_engines() -> list[str]:
    """Engines with recorded answers."""
    return sorted(path.stem for path in FOLDER.glob("*.csv"))
