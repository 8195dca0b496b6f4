"""Check the pinned requirements: all have hashes, the files of one environment agree, nothing asked for is missing.

``make audit`` runs this and then asks for known vulnerabilities, which needs a network; what could not be looked up
counts as a failure there.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.sbom import ROOT, pins

REQUIREMENTS = ROOT / "requirements"
APART = {"clients.txt"}
"""Files whose packages have an environment of their own, so that they need not agree with the others."""
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def wanted(file: Path) -> Iterator[str]:
    """Yield the names that a ``.in`` file asks for, those of files that it includes too."""
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from wanted(file.parent / text.removeprefix("-r ").strip())
        elif found := NAME.match(text):
            yield found[0].lower().replace("_", "-")


def faults(folder: Path = REQUIREMENTS) -> list[str]:
    """Return a sentence for each fault of the pins."""
    versions: dict[str, tuple[str, str]] = {}
    found = []
    for file in sorted(folder.glob("*.txt")):
        pinned = {name: (version, hashes) for name, version, hashes in pins(file.read_text(encoding="utf-8"))}
        source = file.with_suffix(".in")
        if source.exists():
            found += [
                f"{file.name}: {name} is asked for and not pinned"
                for name in wanted(source)
                if name not in pinned
            ]
        for name, (version, hashes) in pinned.items():
            if not hashes:
                found.append(f"{file.name}: {name} has no hash")
            other, where = versions.setdefault(name, (version, file.name))
            if other != version and not {file.name, where} & APART:
                found.append(f"{file.name}: {name} is {version}, and {other} in {where}")
    return found


def main() -> None:
    """Print the faults; exit with 1 if there are any."""
    found = faults()
    for fault in found:
        print(fault)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
