"""Change one place of the core at a time and count how often a test notices: ``make mutants``, outside of the CI.

cosmic-ray makes the mutants; a seeded sample of them is run in a copy of the checkout. The tests of core and adapters
are run once to record which of them reach which line; against a mutant run those that reach its line, an even spread of
them where they are many (``tools.mutant_tests``). Left out are changes of annotations, which nothing can notice,
and operators of bits. A mutant that is equivalent to the original counts as not noticed.
"""

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
COSMIC_RAY = (sys.executable, "-m", "uv", "tool", "run", "--from", "cosmic-ray==8.7.0", "cosmic-ray")
LEFT_OUT_OPERATORS = ("Bit", "Shift")
"""``X | None`` is an operator to cosmic-ray; floats refuse operators of bits: any test notices."""
ALL = "select job_id, operator_name from mutation_specs order by module_path, operator_name, occurrence"
CORE = "src/llm_calc/core/"
LEFT_TO_COUNTS = "architectures"
"""Readings of classes, which are held by counts of the classes themselves."""
UNDER = sorted(
    path.name for path in (ROOT / CORE).iterdir() if path.name[0] != "_" and path.name != LEFT_TO_COUNTS
)
CONFIG = """
[cosmic-ray]
module-path = {paths}
timeout = 90.0
excluded-modules = []
test-command = "{python} -m tools.mutant_tests {pristine}"
[cosmic-ray.distributor]
name = "local"
"""
LEFT_OUT = (".git", ".venv", ".*cache*", "_build", ".hypothesis", "node_modules")
RECORD = ("-q", "-p", "no:cacheprovider", "--cov=llm_calc.core", "--cov-context=test", "--cov-report=")


def sample(session: Path, most: int, seed: int) -> int:
    """Keep a seeded sample of a session's mutants; return how many there were."""
    with sqlite3.connect(session) as database:
        every = database.execute(ALL).fetchall()
        jobs = [job for job, operator in every if not any(part in operator for part in LEFT_OUT_OPERATORS)]
        kept = set(random.Random(seed).sample(jobs, min(most, len(jobs))))
        for table in ("mutation_specs", "work_items"):
            there = {row[0] for row in database.execute(f"select job_id from {table}")}
            database.executemany(f"delete from {table} where job_id = ?", [(job,) for job in there - kept])
    return len(jobs)


def results(session: Path) -> list[tuple[str, str, int, str]]:
    """Return outcome, file, line and change of every mutant that was run."""
    query = """select test_outcome, module_path, start_pos_row, diff from work_results
        join mutation_specs using (job_id) order by module_path, start_pos_row"""
    with sqlite3.connect(session) as database:
        return [tuple(row) for row in database.execute(query)]


def changed(diff: str) -> str:
    """Return the line that a mutant puts in."""
    lines = [line for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return " / ".join(line[1:].strip() for line in lines)


def prepared(folder: Path, tests: list[str]) -> tuple[str, Path]:
    """Copy the checkout twice and record in one what each test reaches; return how to run Python, and the other."""
    pristine, copy = folder / "pristine", folder / "copy"
    shutil.copytree(ROOT, pristine, ignore=shutil.ignore_patterns(*LEFT_OUT))
    command = [sys.executable, "-m", "pytest", *RECORD, *tests]
    recording = {**os.environ, "PYTHONPATH": str(pristine / "src"), "COVERED": "most"}
    subprocess.run(command, cwd=pristine, env=recording, check=True)
    shutil.copytree(pristine, copy)
    return f"env PYTHONPATH={copy / 'src'} {sys.executable}", copy


def main() -> None:
    """Run the sample and print what survived, and the share that was noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100, help="mutants to run")
    parser.add_argument("--seed", type=int, default=20261130)
    parser.add_argument("--under", nargs="+", default=UNDER, help="folders or files of the core")
    parser.add_argument(
        "--tests", nargs="+", default=["tests/core", "tests/adapters"], help="what may notice"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        config, session = Path(name) / "config.toml", Path(name) / "session.sqlite"
        paths = [f"{CORE}{path}" for path in options.under]
        python, copy = prepared(Path(name), options.tests)
        config.write_text(
            CONFIG.format(python=python, pristine=Path(name) / "pristine", paths=paths), encoding="utf-8"
        )
        subprocess.run([*COSMIC_RAY, "init", config, session], cwd=copy, check=True)
        everything = sample(session, options.most, options.seed)
        subprocess.run([*COSMIC_RAY, "exec", config, session], cwd=copy, check=True)
        found = results(session)
    survivors = [row for row in found if row[0].lower().endswith("survived")]
    for _, file, line, diff in survivors:
        print(f"survived: {file}:{line}: {changed(diff)}")
    noticed = len(found) - len(survivors)
    print(f"{noticed} of {len(found)} noticed ({noticed / len(found):.0%}), a sample of {everything}")


if __name__ == "__main__":
    main()
