"""Dotted names of modules: what stands before layers, parents, runs of parts, experts in them."""

import re
from dataclasses import dataclass
from functools import lru_cache

PLAIN_STACK = "model.layers"
TEXT_STACKS = ("model.language_model.layers", "language_model.model.layers")
MIXER_STACK = "backbone.layers"
STACKS = (PLAIN_STACK, *TEXT_STACKS, MIXER_STACK)
"""What stands before the number of a layer in published files: beside towers the text has a name of its own, and some
types have another word."""
TEXT_WORD, MIXER_WORD = "language_model", "backbone"
OTHER_STACKS = (
    "layers",
    "language_model.layers",
    "transformer.h",
    "transformer.layers",
    "transformer.blocks",
    "model.decoder.layers",
    "gpt_neox.layers",
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to name tensors: ``stacks`` before the layer's number; ``own``: tails are those of published files."""

    stacks: tuple[str, ...]
    own: bool


def stacks_of(*, mixers: bool, towers: bool) -> tuple[str, ...]:
    """What stands before the number of a layer in files of a model: of ``mixers`` alone, and with ``towers`` beside."""
    return (PLAIN_STACK, *(TEXT_STACKS if towers else ()), *((MIXER_STACK,) if mixers else ()))


def is_of(path: str, stacks: tuple[str, ...]) -> bool:
    """Whether a module that stands in no layer can be of a model with these stacks."""
    strange = [word for word in (TEXT_WORD, MIXER_WORD) if not any(word in stack for stack in stacks)]
    return not set(strange).intersection(path.split("."))


_ONE_EXPERT = re.compile(r"\bexperts\.(\d{1,6})(?=\.|$)")


def holder_and_name(path: str) -> tuple[str, str]:
    """A name cut behind its last dot."""
    holder, dot, name = path.rpartition(".")
    return holder + dot, name


def beginnings(path: str) -> tuple[str, ...]:
    """The parents of a name and itself."""
    names = path.split(".")
    return tuple(".".join(names[:end]) for end in range(1, len(names) + 1))


@lru_cache(maxsize=8192)
def runs_of(path: str) -> tuple[str, ...]:
    """Every run of whole parts of a dotted path."""
    names = path.split(".")
    ends = range(1, len(names) + 1)
    return tuple(".".join(names[start:end]) for end in ends for start in range(end))


def as_first(path: str) -> str:
    """A name with its expert's number taken for the first."""
    return _ONE_EXPERT.sub("experts.0", path)


def expert_of(path: str) -> int | None:
    """The number of the expert that a name is of."""
    found = _ONE_EXPERT.search(path)
    return None if found is None else int(found[1])
