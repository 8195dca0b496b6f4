"""An earlier build of this project, in a folder of its own, to be measured beside the present one."""

import io
import subprocess
import tarfile
from pathlib import Path

COMMIT = "a63e795"
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache/bench"


def earlier_build(commit: str = COMMIT) -> Path | None:
    """Return the folder that holds the sources and catalogs of a commit; None where the history lacks it."""
    folder = FOLDER / commit
    if (folder / "src").is_dir():
        return folder
    packed = subprocess.run(
        ["git", "archive", "--format=tar", commit, "src", "catalogs", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder
