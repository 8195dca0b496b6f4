"""Layouts that a model and an engine allow.

Up to ``EVERY_SIZE_UP_TO`` GPUs every division that the model's heads, experts and layers allow is a candidate;
beyond it only powers of two, as clusters are built, with pipeline stages of at least ``SMALLEST_STAGE`` GPUs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.recommend import allowed

EVERY_SIZE_UP_TO = 8
WIDEST_TENSOR = 16
"""Tensor parallelism over more than two hosts is left out: its reductions cross the network in every layer."""

SMALLEST_STAGE = 4

ExpertSplit = Literal["none", "whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRules:
    """What an engine can express.

    ``experts``: experts are never dealt, or dealt to all GPUs of a stage or not at all. ``data``: attention can be
    replicated while experts are shared; ``data_beside_tensor``: also where it is cut as well.
    """

    tensor: bool = True
    pipeline: bool = True
    data: bool = True
    data_beside_tensor: bool = True
    experts: ExpertSplit = "whole"


@lru_cache(maxsize=64)
def layouts(model: Model, rules: LayoutRules, most_gpus: int) -> tuple[Layout, ...]:
    """Every candidate on at most ``most_gpus`` GPUs, fewest GPUs first.

    Groups that share no experts never wait for each other: they are deployments of their own, and ``data`` is 1.
    """
    found = [
        layout
        for tensor, pipeline, data in _shapes(model, rules, most_gpus)
        for layout in _with_experts(model, rules, tensor, pipeline, data)
        if allowed(model, layout)
    ]
    return tuple(sorted(found, key=lambda layout: (layout.gpus, layout.pipeline, layout.data, layout.expert)))


def _shapes(model: Model, rules: LayoutRules, most_gpus: int) -> Iterator[tuple[int, int, int]]:
    tensor_sizes = _sizes(min(most_gpus, WIDEST_TENSOR)) if rules.tensor else [1]
    stage_counts = _sizes(min(most_gpus, model.num_layers)) if rules.pipeline else [1]
    data_sizes = _sizes(most_gpus) if rules.data and model.num_experts else [1]
    for tensor, pipeline, data in product(tensor_sizes, stage_counts, data_sizes):
        if _is_sound(rules, tensor, pipeline, data) and _is_size(tensor * pipeline * data, most_gpus):
            yield tensor, pipeline, data


def _is_sound(rules: LayoutRules, tensor: int, pipeline: int, data: int) -> bool:
    beside = rules.data_beside_tensor or tensor == 1 or data == 1
    small = tensor * pipeline * data <= EVERY_SIZE_UP_TO
    return beside and (small or pipeline == 1 or tensor * data >= SMALLEST_STAGE or not rules.tensor)


def _sizes(most: int) -> list[int]:
    return [size for size in range(1, most + 1) if _is_size(size, most)]


def _is_size(gpus: int, most: int) -> bool:
    return gpus <= most and (gpus <= EVERY_SIZE_UP_TO or gpus & (gpus - 1) == 0)


def _with_experts(
    model: Model, rules: LayoutRules, tensor: int, pipeline: int, data: int
) -> Iterator[Layout]:
    for expert in _expert_sizes(model, rules, tensor * data):
        if data == 1 or expert > 1:
            yield Layout(tensor=tensor, pipeline=pipeline, data=data, expert=expert)


def _expert_sizes(model: Model, rules: LayoutRules, stage: int) -> list[int]:
    whole = stage > 1 and rules.experts == "whole" and model.num_experts and model.num_experts % stage == 0
    return [1, stage] if whole else [1]
