"""Which layers of a GGUF file see a window alone, and how much of it."""

from dataclasses import dataclass

from llm_calc.core.checkpoints.gguf.keys import Keys
from llm_calc.core.checkpoints.gguf.tables import Window

SIZE, PATTERN = "attention.sliding_window", "attention.sliding_window_pattern"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliding:
    """Layers with a window, what is worth knowing of them, and what is not understood."""

    layers: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def sliding_layers(keys: Keys, window: Window | None, count: int) -> Sliding:
    """Layers with a window: as the file lists them, else as the architecture's code says."""
    size, listed = keys.number(SIZE, 0), keys.raw(PATTERN)
    if window is None:
        return Sliding(notes=(f"{SIZE}: llama.cpp uses none for this architecture",) if size else ())
    period = listed if isinstance(listed, int) and not isinstance(listed, bool) else window.period
    if not window_tokens(keys, window):
        return Sliding()
    if isinstance(listed, list):
        slides = keys.by_layer(PATTERN, keys.layers())
        return Sliding(layers=frozenset(layer for layer, each in enumerate(slides[:count]) if each))
    if period is None:
        return Sliding(doubts=(f"{SIZE} without sliding_window_pattern: no layer has it",))
    full = 0 if window.dense_first else period - 1
    return Sliding(layers=frozenset(each for each in range(count) if period == 0 or each % period != full))


def window_tokens(keys: Keys, window: Window | None) -> int:
    """Tokens that a sliding layer sees; chunks have the size that the code gives them."""
    if window is None:
        return 0
    said = keys.number(SIZE, window.tokens)
    return window.tokens if said and window.chunked else said
