"""From the command to the first answer, and the memory that the process then holds."""

import time
from pathlib import Path
from statistics import median

import httpx

from bench._app import REQUEST
from tests.process import running

STARTS = 5


def start_up() -> tuple[float, float]:
    """Return seconds to the first calculated answer, and resident bytes after a hundred."""
    began_s = time.perf_counter()
    with running() as service, httpx.Client(base_url=service.url) as client:
        client.post("/api/calculate", json=REQUEST).raise_for_status()
        first_answer_s = time.perf_counter() - began_s
        for _ in range(100):
            client.post("/api/calculate", json=REQUEST).raise_for_status()
        status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        service.stop()
    return first_answer_s, int(line.split()[1]) * 1024


def main() -> None:
    """Print the medians."""
    seconds, sizes = zip(*(start_up() for _ in range(STARTS)), strict=True)
    print(f"start-up to the first answer: {median(seconds):.2f} s (below 1.5 s is wanted)")
    print(f"resident memory: {median(sizes) / 1e6:.0f} MB (below 150 MB is wanted)")


if __name__ == "__main__":
    main()
