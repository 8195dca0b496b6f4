"""Write what the container image is made of as a CycloneDX bill of materials: ``python -m tools.sbom [file]``.

Everything is read from the pinned requirements and the record of third-party browser files; nothing is asked over a
network.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*)$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")

Component = dict[str, Any]


def pins(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, version and SHA-256 hashes of each pin of a requirements file."""
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        found = PIN.match(line)
        if found:
            yield found[1].lower().replace("_", "-"), found[2], HASH.findall(line)


def python_component(name: str, version: str, hashes: list[str]) -> Component:
    """Return the entry of one Python package."""
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
    }


def browser_components() -> Iterator[Component]:
    """Yield the entries of the third-party scripts of the page and of the API's documentation."""
    vendor = ROOT / "src/llm_calc/api/static/vendor"
    for file in sorted(vendor.rglob("versions.json")) + sorted(vendor.rglob("libraries.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        for key, entry in found.get("packages", found).items():
            name = entry.get("package", key)
            purl = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
            yield {"type": "library", "name": name, "version": entry["version"], "purl": purl}


def bill() -> dict[str, Any]:
    """Return the whole bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": project["name"],
                "version": project["version"],
                "purl": f"pkg:pypi/{project['name']}@{project['version']}",
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [*(python_component(*pin) for pin in pins(runtime)), *browser_components()],
    }


def main() -> None:
    """Write the bill to the file that is named, else to standard output."""
    text = json.dumps(bill(), indent=1) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
