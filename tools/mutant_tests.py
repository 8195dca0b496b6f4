"""Run the tests that reach the one line in which two copies of the core differ: the test command of ``tools.mutants``.

Which tests reach a line was recorded beforehand (coverage with a context for each test). Of many, an even spread over
them is run, those of the core first, so that a mutant takes seconds. A line that is only reached while modules are
imported is tried against the tests that reach anything else of its file. Where nothing was recorded, the files of tests
that import the changed module are run, then all of the folder that mirrors its room.
"""

import difflib
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from coverage import CoverageData

CORE = Path("src/llm_calc/core")
MOST_TESTS = 120
"""As many as run in a few seconds."""


def changed_line(pristine: Path, mutated: Path) -> tuple[Path, int] | None:
    """Return the file, relative to the checkout, and the line that differ; None where nothing does."""
    for file in sorted((pristine / CORE).rglob("*.py")):
        before = file.read_text(encoding="utf-8").splitlines()
        after = (mutated / file.relative_to(pristine)).read_text(encoding="utf-8").splitlines()
        for tag, start, *_ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                return file.relative_to(pristine), start + 1
    return None


def spread(names: Iterable[str], most: int = MOST_TESTS) -> list[str]:
    """Return at most so many of the names, evenly spread, those of the core first."""
    ordered = sorted(set(names))
    step = max(1, -(-len(ordered) // most))
    return sorted(ordered[::step], key=lambda name: not name.startswith("tests/core"))


def tests_of(recorded: CoverageData, file: str, line: int) -> list[str]:
    """Return the tests that reach a line, or else its file."""
    by_line = recorded.contexts_by_lineno(file)
    reached = _tests(by_line.get(line, ())) or _tests(name for names in by_line.values() for name in names)
    return spread(reached)


def importing(tree: Path, file: Path) -> list[str]:
    """Return the files of tests that import a module of the core by its name, then those that mirror its room."""
    module = ".".join(file.relative_to("src").with_suffix("").parts).removesuffix(".__init__")
    package, _, name = module.rpartition(".")
    named = re.compile(rf"import {module}\b|from {module} import|from {package} import .*\b{name}\b")
    every = sorted((tree / "tests").glob("[ac]*/**/test_*.py"))
    direct = [path for path in every if named.search(path.read_text(encoding="utf-8"))]
    room = file.relative_to(CORE).parts[0]
    homes = ((room,), (f"test_{room}",))
    mirrored = [
        path for path in every if path.relative_to(tree).parts[1:3] in [("core", *home) for home in homes]
    ]
    return [str(path.relative_to(tree)) for path in dict.fromkeys([*direct, *mirrored])]


def _tests(contexts: Iterable[str]) -> set[str]:
    return {name.rpartition("|")[0] for name in contexts if "|" in name and "\n" not in name}


def chosen(pristine: Path, file: Path, line: int) -> list[str]:
    """Return the tests of a changed line: by what was recorded, else by what they import."""
    if not (pristine / ".coverage").exists():
        return importing(pristine, file)
    recorded = CoverageData(str(pristine / ".coverage"))
    recorded.read()
    if str(pristine / file) not in recorded.measured_files():
        sys.exit(f"{file} was not recorded")
    return tests_of(recorded, str(pristine / file), line)


def main() -> int:
    """Run the tests of the change between two checkouts: ``PRISTINE`` and the working directory."""
    pristine, arguments = Path(sys.argv[1]), Path("mutant-tests.txt")
    found = changed_line(pristine, Path())
    if found is None:
        return 0
    names = chosen(pristine, *found)
    if not names:
        return 0
    arguments.write_text("\n".join(names), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return subprocess.run([*command, f"@{arguments}"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
