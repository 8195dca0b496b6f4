"""The command in a real terminal of some width, through a pseudo-terminal."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LIMIT_S = 120


@dataclass(frozen=True)
class Shown:
    """What a terminal was sent, and how the command ended."""

    raw: str
    code: int

    @property
    def text(self) -> str:
        """What is left on the screen, without colours: a line that is written again counts once."""
        lines = ESCAPES.sub("", self.raw).split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


ONE_BY_ONE = r"""
import fcntl, json, struct, sys, termios
from llm_calc.__main__ import main
for columns, arguments in json.loads(sys.argv[1]):
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    sys.argv, code = ["llm-calc", *arguments], 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    sys.stderr.flush()
    print(f"\v{code}\f", flush=True)
"""


def one_by_one(asked: Sequence[tuple[int, Sequence[object]]]) -> list[Shown]:
    """What the command shows in a terminal of some width with some arguments, all by one process, and its codes."""
    given = json.dumps([[columns, [str(each) for each in arguments]] for columns, arguments in asked])
    shown = in_terminal(given, program=("-c", ONE_BY_ONE))
    parts = [part.rpartition("\v") for part in shown.raw.split("\f")[:-1]]
    return [Shown(raw.removeprefix("\r\n"), int(code)) for raw, _, code in parts]


def in_terminal(
    *arguments: object,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "llm_calc"),
) -> Shown:
    """Run the command with input, output and errors on a terminal."""
    own, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    unset = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "PY_COLORS")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    with subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**inherited, "TERM": "xterm-256color", **(environment or {})},
        start_new_session=True,
    ) as process:
        os.close(its)
        pieces = []
        while True:
            try:
                piece = os.read(own, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            pieces.append(piece)
        code = process.wait(LIMIT_S)
    os.close(own)
    return Shown(b"".join(pieces).decode(), code)
