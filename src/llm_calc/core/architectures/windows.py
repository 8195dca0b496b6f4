"""Which layers see a window, and how wide: the rules by which classes fill or read ``layer_types``."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from llm_calc.core.architectures.fields import Fields

LayerTypes = Callable[[Fields, int], tuple[str, ...]]
"""Types of the first n layers where the file has none."""
Window: TypeAlias = "tuple[int | None, bool]"
"""Keys that a query sees (None: all), and whether they are a chunk."""
Windows = Callable[[Fields, int], Callable[[int], Window]]
"""For n layers: the window of each."""

FULL, SLIDING, CHUNKED = "full_attention", "sliding_attention", "chunked_attention"
LAYER_KINDS = frozenset({FULL, SLIDING, CHUNKED, "attention", "full", "sliding", "global", "local"})
_WINDOWED = frozenset({SLIDING, "sliding", "local"})


def no_window(_: Fields, __: int) -> Callable[[int], Window]:
    """Every query sees every key."""
    return lambda _: (None, False)


def all_sliding(_: Fields, layers: int) -> tuple[str, ...]:
    """Every layer."""
    return (SLIDING,) * layers


def all_full(_: Fields, layers: int) -> tuple[str, ...]:
    """No layer."""
    return (FULL,) * layers


def full_every(period: int, key: str = "") -> LayerTypes:
    """One full layer at the end of each ``period``; ``key`` may hold another period."""

    def types(f: Fields, layers: int) -> tuple[str, ...]:
        if key and isinstance(f.raw(key, period), str):
            return _spelt(f, key, layers)
        step = f.int(key, period) if key else period
        return tuple(SLIDING if (index + 1) % step else FULL for index in range(layers))

    return types


def _spelt(f: Fields, key: str, layers: int) -> tuple[str, ...]:
    """A pattern of letters, L for a window and G for all keys, over and over."""
    letters = f.text(key)
    if not letters or not set(letters) <= {"L", "G"}:
        raise f.refusal(key, "a whole number or letters L and G")
    return tuple(FULL if letters[index % len(letters)] == "G" else SLIDING for index in range(layers))


def full_where(is_full: Callable[[int], bool]) -> LayerTypes:
    """Full layers at the positions that the rule names."""
    return lambda _, layers: tuple(FULL if is_full(index) else SLIDING for index in range(layers))


def full_first(period: int) -> LayerTypes:
    """One full layer at the start of each ``period``."""
    return full_where(lambda index: index % period == 0)


def if_window(types: LayerTypes, key: str = "sliding_window") -> LayerTypes:
    """The rule where the file or the class has a window, else no windows."""
    return lambda f, layers: types(f, layers) if f.known(key) else all_full(f, layers)


def layer_types(default: LayerTypes, *, kinds: frozenset[str] = LAYER_KINDS) -> LayerTypes:
    """``layer_types`` of the file if it has them, else by the rule; refuses kinds outside of ``kinds``."""

    def types(f: Fields, layers: int) -> tuple[str, ...]:
        given = f.texts("layer_types", None)
        if given is None:
            return default(f, layers)
        if len(given) < layers or not kinds.issuperset(given):
            raise f.refusal("layer_types", f"a list of {layers} of {', '.join(sorted(kinds))}")
        if len(given) > layers:
            f.assume(f"layer_types names {len(given)} layers; the first {layers} were taken")
        return given[:layers]

    return types


def by_type(
    types: LayerTypes, key: str = "sliding_window", chunk_key: str = "attention_chunk_size"
) -> Windows:
    """``key`` on sliding layers, ``chunk_key`` on chunked ones, all keys elsewhere."""

    def windows(f: Fields, layers: int) -> Callable[[int], Window]:
        kinds = types(f, layers)
        window = f.optional_int(key) if _WINDOWED & set(kinds) and f.known(key) else None
        chunk = f.optional_int(chunk_key) if CHUNKED in kinds else None
        for name, size in ((key, window), (chunk_key, chunk)):
            if size == 0:
                f.assume(f"{name} is 0: it was taken as no window")
        f.pass_by("when:windows", key, chunk_key)
        f.agree(sliding_window_size=window)

        def of(index: int) -> Window:
            if kinds[index] == CHUNKED:
                return chunk, True
            return (window or None if kinds[index] in _WINDOWED else None), False

        return of

    return windows


sliding_everywhere = by_type(all_sliding)
"""Mistral: ``sliding_window`` on every layer, none if it is null."""


def sizes_by_layer(f: Fields, key: str, names: frozenset[str]) -> dict[int, dict[str, int]]:
    """Sizes of single layers: an object by layer index of objects with some of ``names``; null counts as empty."""
    accepted = f"an object by layer index, of objects with whole numbers for {', '.join(sorted(names))}"
    sizes: dict[int, dict[str, int]] = {}
    for index, values in f.mapping(key, None).items():
        if not index.isdigit() or not isinstance(values, Mapping) or not names.issuperset(values):
            raise f.refusal(key, accepted)
        own = Fields(values, path=f"{f.path}.{key}.{index}")
        sizes[int(index)] = {str(name): own.int(name) for name in values}
    return sizes
