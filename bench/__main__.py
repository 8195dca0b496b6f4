"""Run every benchmark in a process of its own. Modules whose names begin with ``_`` are helpers."""

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    names = [path.stem for path in sorted(Path(__file__).parent.glob("[!_]*.py"))]
    commands = {name: (sys.executable, "-m", f"bench.{name}") for name in names}
    failed = [name for name in names if subprocess.run(commands[name], check=False).returncode]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
