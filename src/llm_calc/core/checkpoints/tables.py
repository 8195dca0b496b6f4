"""What readers of checkpoints take from the catalog: number formats by name, and keys that change nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llm_calc.core.formats import NumberFormat

EVERY_TOOL = "every"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FormatTables:
    """``numbers``: formats by their names; ``neutral``: keys by tool that change no format and no size.

    ``name.*`` among them stands for all that stands under a name; the tool ``every`` for all tools.
    """

    numbers: Mapping[str, NumberFormat]
    neutral: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def says_nothing(self, tool: str, path: str) -> bool:
        """Whether a key of a tool, by its dotted path, is known to change no format and no size."""
        keys = self.neutral.get(EVERY_TOOL, frozenset()) | self.neutral.get(tool, frozenset())
        *parents, last = path.split(".")
        return last in keys or any(f"{parent}.*" in keys for parent in parents)
