"""Where the package asks for an engine's name, outside of what is the engine's own.

``python -m tools.engine_names`` prints each line that holds one as a text, or asks which engine's class a value is of.
An engine's own are its modules of
``core/engines`` (``<engine>*.py``), the table of engines, and its part of requests.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import llm_calc
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.core.engines import ENGINES
from llm_calc.core.engines.ollama import OLLAMA

ROOT = Path(llm_calc.__file__).parent
NAMES = frozenset((*ENGINES, OLLAMA))
CLASSES = frozenset(each.__name__ for each in (*ENGINES.values(), *ENGINE_PARTS.values()))
OWN = frozenset(
    (
        *(f"core/engines/{name.replace('.', '_')}" for name in NAMES),
        "core/engines/__init__",
        "adapters/wire/vllm",
        "adapters/wire/sglang",
        "adapters/wire/mlx",
        "adapters/wire/engines",
    )
)
"""Beginnings of files that are an engine's own, and the two lists of all engines."""


def texts_with_names() -> Iterator[tuple[str, int]]:
    """File and line of each text that is an engine's name, but for documentation and examples of requests."""
    for path in sorted(ROOT.rglob("*.py")):
        file = str(path.relative_to(ROOT))
        if not file.startswith(tuple(OWN)):
            yield from ((file, line) for line in _lines(ast.parse(path.read_text(encoding="utf-8"))))


def _lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMES:
            yield node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            asked = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)}
            yield from [node.lineno] * bool(asked & CLASSES)


def main() -> None:
    """Prints the places and their number."""
    found = list(texts_with_names())
    for file, line in found:
        print(f"{file}:{line}")
    print(len(found))


if __name__ == "__main__":
    main()
