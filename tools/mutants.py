"""Change one place of the core at a time and count how often a test notices: ``make mutants``, outside of the CI.

cosmic-ray makes the mutants; a seeded sample of them is run in a copy of the checkout. The tests of core and adapters
are run once to record which of them reach which line; against a mutant run those that reach its line, an even spread of
them where they are many (``tools.mutant_tests``). Left out are changes of annotations, which nothing can notice,
and operators of bits. A mutant that is equivalent to the original counts as not noticed, and one whose tests do not
end in time is counted apart. Left out as well is what changes no answer by what it is: whether a result is kept
(``lru_cache``), what a dataclass or ``zip`` refuses (``slots``, ``kw_only``, ``strict``), and ``is`` for ``==``.

``--each N`` draws so many of every room instead, ``--imported`` records nothing and runs the files of tests that import
the changed module, then all that mirror its room: minutes instead of an hour, and a stricter question.
"""

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
COSMIC_RAY = (sys.executable, "-m", "uv", "tool", "run", "--from", "cosmic-ray==8.7.0", "cosmic-ray")
LEFT_OUT_OPERATORS = ("Bit", "Shift", "_Eq_Is", "_Is_Eq", "_NotEq_IsNot", "_IsNot_NotEq")
"""``X | None`` is an operator to cosmic-ray; floats refuse operators of bits: any test notices. Small constants, and
None, are the same by ``is`` and ``==``."""
KEPT_RESULT = "lru_cache"
REFUSALS = ("slots=", "kw_only=", "strict=")
"""What only tells apart calls that nobody makes: a mutant behind one of these is equivalent."""
ALL = """select job_id, operator_name, module_path, start_pos_row, start_pos_col from mutation_specs
    order by module_path, operator_name, occurrence"""
CORE = "src/llm_calc/core/"
UNDER = sorted(path.name for path in (ROOT / CORE).iterdir() if path.name[0] != "_")
CONFIG = """
[cosmic-ray]
module-path = {paths}
timeout = {limit_s}
excluded-modules = []
test-command = "{python} -m tools.mutant_tests {pristine}"
[cosmic-ray.distributor]
name = "local"
"""
LEFT_OUT = (".git", ".venv", ".*cache*", "_build", ".hypothesis", "node_modules")
RECORD = ("-q", "-p", "no:cacheprovider", "--cov=llm_calc.core", "--cov-context=test", "--cov-report=")


def room_of(path: str) -> str:
    """Return the folder or file of the core that a module is in."""
    return path.partition(CORE)[2].partition("/")[0]


def drawn(jobs: list[tuple[str, str]], options: argparse.Namespace) -> set[str]:
    """Return a seeded sample of (job, room): over all of them, or so many of each room."""
    chance = random.Random(options.seed)
    if options.each is None:
        return {job for job, _ in chance.sample(jobs, min(options.most, len(jobs)))}
    rooms: dict[str, list[str]] = {}
    for job, room in jobs:
        rooms.setdefault(room, []).append(job)
    return {job for each in rooms.values() for job in chance.sample(each, min(options.each, len(each)))}


def changes_an_answer(operator: str, line: str, column: int) -> bool:
    """Tell whether a change at this place of a line could be noticed by what is answered."""
    if any(part in operator for part in LEFT_OUT_OPERATORS) or KEPT_RESULT in line:
        return False
    return not line[:column].rstrip().endswith(REFUSALS)


@cache
def lines_of(path: str) -> list[str]:
    """Return the lines of a file of the checkout."""
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def line_of(path: str, row: int) -> str:
    """Return one line of a file of the checkout, counted from 1."""
    return lines_of(path)[row - 1]


def sample(session: Path, options: argparse.Namespace) -> int:
    """Keep a seeded sample of a session's mutants; return how many there were."""
    with sqlite3.connect(session) as database:
        jobs = [
            (job, room_of(path))
            for job, operator, path, row, column in database.execute(ALL).fetchall()
            if changes_an_answer(operator, line_of(path, row), column)
        ]
        kept = drawn(jobs, options)
        for table in ("mutation_specs", "work_items"):
            there = {row[0] for row in database.execute(f"select job_id from {table}")}
            database.executemany(f"delete from {table} where job_id = ?", [(job,) for job in there - kept])
    return len(jobs)


def results(session: Path) -> list[tuple[str, str, int, str]]:
    """Return outcome, file, line and change of every mutant that was run."""
    query = """select case when output = 'timeout' then 'late' else test_outcome end, module_path, start_pos_row, diff
        from work_results
        join mutation_specs using (job_id) order by module_path, start_pos_row"""
    with sqlite3.connect(session) as database:
        return [tuple(row) for row in database.execute(query)]


def changed(diff: str) -> str:
    """Return the line that a mutant puts in."""
    lines = [line for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return " / ".join(line[1:].strip() for line in lines)


def prepared(folder: Path, options: argparse.Namespace) -> tuple[str, Path]:
    """Copy the checkout twice and record in one what each test reaches; return how to run Python, and the other."""
    pristine, copy = folder / "pristine", folder / "copy"
    shutil.copytree(ROOT, pristine, ignore=shutil.ignore_patterns(*LEFT_OUT))
    if not options.imported:
        command = [sys.executable, "-m", "pytest", *RECORD, *options.tests]
        recording = {**os.environ, "PYTHONPATH": str(pristine / "src"), "COVERED": "most"}
        subprocess.run(command, cwd=pristine, env=recording, check=True)
    shutil.copytree(pristine, copy)
    return f"env PYTHONPATH={copy / 'src'} {sys.executable}", copy


def ran(folder: Path, options: argparse.Namespace) -> tuple[int, list[tuple[str, str, int, str]]]:
    """Make the mutants and run the sample; return how many there were, and the results."""
    config, session = folder / "config.toml", folder / "session.sqlite"
    python, copy = prepared(folder, options)
    paths = [f"{CORE}{path}" for path in options.under]
    settings = {"python": python, "pristine": folder / "pristine", "paths": paths, "limit_s": options.limit_s}
    config.write_text(CONFIG.format(**settings), encoding="utf-8")
    subprocess.run([*COSMIC_RAY, "init", config, session], cwd=copy, check=True)
    everything = sample(session, options)
    subprocess.run([*COSMIC_RAY, "exec", config, session], cwd=copy, check=True)
    return everything, results(session)


def asked() -> argparse.Namespace:
    """Read what is to be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100, help="mutants to run")
    parser.add_argument("--each", type=int, help="mutants of every folder and file under the core, instead")
    parser.add_argument("--seed", type=int, default=20261130)
    parser.add_argument("--limit-s", type=float, default=90.0, help="longest time of one mutant's tests")
    parser.add_argument("--under", nargs="+", default=UNDER, help="folders or files of the core")
    parser.add_argument(
        "--imported", action="store_true", help="run tests by what they import; record nothing"
    )
    parser.add_argument(
        "--tests", nargs="+", default=["tests/core", "tests/adapters"], help="what may notice"
    )
    return parser.parse_args()


def main() -> None:
    """Run the sample and print what survived, and the share that was noticed, by room and of all."""
    with tempfile.TemporaryDirectory() as name:
        everything, found = ran(Path(name), asked())
    for outcome, file, line, diff in found:
        if "killed" not in outcome.lower():
            print(f"{outcome.lower()}: {file}:{line}: {changed(diff)}")
    decided = [
        (room_of(file), "killed" in outcome.lower()) for outcome, file, *_ in found if outcome != "late"
    ]
    for room in sorted({room for room, _ in decided}):
        noticed = [killed for each, killed in decided if each == room]
        print(f"{room}: {sum(noticed)} of {len(noticed)}")
    noticed = [killed for _, killed in decided]
    print(
        f"{sum(noticed)} of {len(decided)} noticed ({sum(noticed) / len(decided):.0%}), a sample of {everything}"
    )
    if len(found) > len(decided):
        print(f"{len(found) - len(decided)} more had tests that did not end in time")


if __name__ == "__main__":
    main()
