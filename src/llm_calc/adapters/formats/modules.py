"""Names of modules as checkpoints spell them, to match what a ``quantization_config`` leaves out."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import lru_cache

from llm_calc.adapters.formats.scheme import FIELD
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.weights import Component

MAX_PATTERNS = 500
MAX_UNBOUNDED = 3
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d+,")

_ROOTS = ("model", "model.language_model", "language_model.model", "backbone")
_HOLDERS: dict[Component, tuple[str, ...]] = {
    "attention": ("self_attn", "attn", "mixer"),
    "mlp": ("mlp", "feed_forward", "mixer"),
    "experts": ("mlp.experts.0", "mlp.experts", "block_sparse_moe.experts.0", "mixer.experts.0", "experts.0"),
    "shared_experts": ("mlp.shared_experts", "mlp.shared_expert", "mixer.shared_experts"),
    "ssm": ("linear_attn", "mixer", "mamba", "self_attn"),
}
_OUTSIDE: dict[Component, tuple[str, ...]] = {
    "lm_head": ("lm_head", "language_model.lm_head"),
    "embedding": ("model.embed_tokens", "model.language_model.embed_tokens"),
    "vision": ("visual", "model.visual", "vision_tower", "model.vision_tower", "mm_projector"),
}
_ROUTERS = ("mlp.gate", "mlp.router", "block_sparse_moe.gate", "mixer.gate")
_OTHER_NAMES = {
    "kv_a_proj": "kv_a_proj_with_mqa",
    "indexer_q_proj": "indexer.wq_b",
    "indexer_k_proj": "indexer.wk",
    "indexer_weights_proj": "indexer.weights_proj",
}
_SPECIAL_NAMES = {"shared_expert_gate": ("mlp.shared_expert_gate",)}


@lru_cache(maxsize=65536)
def module_paths(component: Component, name: str, layer: int) -> tuple[str, ...]:
    """The paths that a tensor's module has in the families that are published."""
    if component in _OUTSIDE:
        return _OUTSIDE[component]
    return tuple(f"{root}.layers.{layer}.{tail}" for root in _ROOTS for tail in _tails(component, name))


def _tails(component: Component, name: str) -> Iterator[str]:
    if component == "router":
        yield from _ROUTERS
    elif name in _SPECIAL_NAMES:
        yield from _SPECIAL_NAMES[name]
    else:
        for holder in _HOLDERS.get(component, ()):
            yield f"{holder}.{_OTHER_NAMES.get(name, name)}"


class ModulePatterns:
    """Patterns of module names in the spellings that quantizers write.

    ``re:…`` is a regular expression from the path's start; ``*`` stands for anything; whatever else is whole
    parts of a path (``gate`` is in ``mlp.gate``, not in ``mlp.gate_proj``).

    Raises:
        InvalidInputError: a regular expression that is wrong or could take long, or too many patterns.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        given = tuple(patterns)
        self._plain = frozenset(each for each in given if not each.startswith("re:") and "*" not in each)
        others = [each for each in given if each not in self._plain]
        if len(others) > MAX_PATTERNS:
            raise InvalidInputError(
                f"{FIELD}: at most {MAX_PATTERNS} patterns of modules; got {len(others)}", field=FIELD
            )
        self._compiled = tuple(_compiled(each) for each in others)

    def __len__(self) -> int:
        """How many patterns cost a search for every path."""
        return len(self._compiled)

    def match(self, paths: Iterable[str]) -> bool:
        """Whether any of the paths is named."""
        return any(self._names(path) for path in paths)

    def _names(self, path: str) -> bool:
        if self._plain and any(part in self._plain for part in _parts(path)):
            return True
        return any(pattern.match(path) for pattern in self._compiled)


@lru_cache(maxsize=65536)
def _parts(path: str) -> tuple[str, ...]:
    """Every run of whole parts of a dotted path."""
    names = path.split(".")
    ends = range(1, len(names) + 1)
    return tuple(".".join(names[start:end]) for end in ends for start in range(end))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    if not pattern.startswith("re:"):
        around = (pattern, f"*.{pattern}", f"{pattern}.*", f"*.{pattern}.*")
        return re.compile("|".join(translate(each) for each in around))
    expression = pattern.removeprefix("re:")
    if _REPEATED_GROUP.search(expression) or len(_UNBOUNDED.findall(expression)) > MAX_UNBOUNDED:
        limits = f"no repeated groups, at most {MAX_UNBOUNDED} * or +"
        msg = f"{FIELD}: the pattern {pattern[:80]!r} is too complex: {limits}"
        raise InvalidInputError(msg, field=FIELD)
    try:
        return re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidInputError(
            f"{FIELD}: the pattern {pattern[:80]!r} is wrong: {error}", field=FIELD
        ) from error
