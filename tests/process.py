"""A real server process for tests and benchmarks: started, found ready by its own word, stopped by signal."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0
SERVE = (sys.executable, "-m", "llm_calc", "serve", "--port", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service."""

    process: subprocess.Popen[str]
    url: str
    port: int

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_LIMIT_S)


@contextmanager
def running(
    command: Sequence[str] = SERVE, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Service]:
    """Run ``command`` until the block ends; the block begins when the service says that it is ready."""
    with subprocess.Popen(
        command,
        env={**os.environ, "LLM_CALC_LOG_LEVEL": "warning", **(environment or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = _ready_url(process)
            yield Service(process=process, url=url, port=int(url.rpartition(":")[2]))
        finally:
            if process.poll() is None:
                process.kill()


def _ready_url(process: subprocess.Popen[str]) -> str:
    """Wait for the line that says where the service listens."""
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(
        target=lambda out: lines.put(out.readline()), args=(process.stdout,), daemon=True
    ).start()
    found = re.search(r"ready at (http://\S+)", lines.get(timeout=START_LIMIT_S))
    assert found, f"the service ended with {process.wait(STOP_LIMIT_S)}"
    return found[1]
