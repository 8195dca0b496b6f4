"""What engines' switches of expert parallelism and data-parallel attention make of the sizes of a layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from llm_calc.core.errors import InvalidInputError

Stated = dict[str, tuple[str, int]]
"""Sizes of the layout, each with the flag that says it."""
Meant = Callable[[Stated, Mapping[str, int], bool], Stated]


def as_stated(stated: Stated, _said: Mapping[str, int], _on: bool) -> Stated:  # noqa: FBT001
    """The sizes as flags say them [GPUs].

    Definition: what is stated.
    """
    return stated


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutFlags:
    """Flags of an engine that say how the model is laid over GPUs.

    ``sizes``: flags and their names here. ``switches``: flags that say how the sizes are meant. ``switched``: the size
    that a switch makes larger than 1 where it does anything. ``meant``: the sizes with the switch on or off.
    ``joins``: whether the switch makes one server of data-parallel groups, which are servers of their own without it.
    ``mixtures_joined``: groups of a mixture of experts are always one server, dealt experts or cut ones.
    ``own_feed_forward``: each group of one server has dense feed-forward parts of its own.
    ``nodes``, ``node_size``: flags that say over how many hosts the GPUs are, or how many each has.
    """

    sizes: Mapping[str, str] = field(default_factory=dict)
    switches: tuple[str, ...] = ()
    switched: str = ""
    meant: Meant = as_stated
    joins: bool = False
    mixtures_joined: bool = False
    own_feed_forward: bool = False
    nodes: str = ""
    node_size: str = ""


def with_dealt_experts(stated: Stated, said: Mapping[str, int], on: bool) -> Stated:  # noqa: FBT001
    """vLLM: with experts dealt, they are over all GPUs of a stage, else over none [GPUs].

    Definition: ``tensor x data`` with the switch on, else 1.
    """
    spread = said.get("tensor", 1) * said.get("data", 1) if on else 1
    if on or "expert" in said:
        stated["expert"] = ("enable_expert_parallel", spread)
    return stated


def with_shared_attention(stated: Stated, said: Mapping[str, int], on: bool) -> Stated:  # noqa: FBT001
    """SGLang: with data-parallel attention ``tp_size`` counts all GPUs of a stage [GPUs].

    Definition: ``tp_size / dp_size`` with the switch on.

    Raises:
        InvalidInputError: they are no multiple of the groups.
    """
    if on and "tensor" in stated:
        flag, all_gpus = stated["tensor"]
        groups = said.get("data", 1)
        if all_gpus % groups:
            raise InvalidInputError(
                f"engine.{flag}: must be a multiple of dp_size {groups}", field=f"engine.{flag}"
            )
        stated["tensor"] = (flag, all_gpus // groups)
    return stated


def with_attention_of_each(stated: Stated, said: Mapping[str, int], on: bool) -> Stated:  # noqa: FBT001
    """TensorRT-LLM: with data-parallel attention every GPU of a stage is a group of its own [GPUs].

    Definition: ``data = tp_size``, ``tensor = 1`` with the switch on.
    """
    if on and "tensor" in stated:
        flag, all_gpus = stated["tensor"]
        stated["data"], stated["tensor"] = ("enable_attention_dp", all_gpus), (flag, 1)
    elif on and "tensor" in said:
        stated["tensor"] = ("enable_attention_dp", 1)
    return stated
