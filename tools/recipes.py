"""Holds vLLM's own recipes against memory plans: whatever they mark as verified must start.

usage: python -m tools.recipes CHECKOUT [--all]
CHECKOUT is a clone of the public repository vllm-project/recipes. Each recipe in ``models/`` names hardware profiles
that its authors verified (``meta.hardware``), the variants of the model, and what each variant needs. A pair of recipe
and profile is known where the catalogs hold the model and the GPU; each of its variants that the recipe lets run there
must start, with the recipe's own options or those of a command in its guide, in one of the layouts that a user would
try: all GPUs of the profile or fewer, split by tensors, or by experts under attention of its own on each GPU; several
nodes where the recipe has a layout for them. A variant whose stated memory the profile lacks, or that is listed for
other hardware, is not asked. Exits with 1 where a known pair does not start. ``--all`` prints each variant with its
bytes of weights.
"""

import argparse
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from llm_calc.adapters.all_catalogs import chosen_catalogs
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.planned import reason_of
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.core.errors import CalcError, UnknownNameError

GPUS = {
    "h100": "h100-80gb-sxm",
    "h200": "h200-141gb-sxm",
    "h20": "h20-96gb-sxm",
    "b200": "b200-180gb-sxm",
    "gb200": "gb200-186gb",
    "b300": "b300-288gb-sxm",
    "gb300": "gb300-288gb",
    "dgx_spark_gb10": "dgx-spark-gb10",
    "rtx_pro_6000": "rtx-pro-6000-blackwell-workstation",
    "rtx_pro_6000_2x": "rtx-pro-6000-blackwell-workstation",
    "rtx_pro_6000_8x": "rtx-pro-6000-blackwell-server",
    "rtx_4090_2x": "rtx-4090",
    "rtx_5090": "rtx-5090",
    "rtx_5090_2x": "rtx-5090",
    "mi300x": "mi300x",
    "mi325x": "mi325x",
    "mi350x": "mi350x",
    "mi355x": "mi355x",
    "trillium": "tpu-v6e",
    "ironwood": "tpu-v7",
    "arc_pro_b60": "arc-pro-b60",
}
"""Hardware profiles of the recipes and the GPUs that they stand for; profiles of several count by their own number."""
WEIGHTS = {
    "fp8": "fp8",
    "nvfp4": "nvfp4",
    "fp4": "nvfp4",
    "mxfp4": "mxfp4",
    "mxfp8": "mxfp8",
    "bf16": "bf16",
    "int4": "int4-awq",
    "int8": "int8",
}
BLACKWELL_ONLY = ("nvfp4", "fp4")
"""Precisions that the recipes' own page offers on NVIDIA Blackwell alone, unless a variant says otherwise."""
OPTIONS = {
    "--max-model-len": ("max_model_len", int),
    "--gpu-memory-utilization": ("gpu_memory_utilization", float),
    "--max-num-seqs": ("max_num_seqs", int),
    "--max-num-batched-tokens": ("max_num_batched_tokens", int),
    "--kv-cache-dtype": ("kv_cache_dtype", str),
}
NODES = (1, 2, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A variant of a recipe on one hardware profile, as ``verified`` has it, and what came of asking.

    ``known``: the catalogs hold the model. ``words``: the weights on each GPU and what the plan says, or the refusal.
    """

    model: str
    profile: str
    variant: str
    known: bool
    starts: bool
    words: str


class Planner:
    """Memory plans by the catalogs, each question asked once."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._unknown: set[str] = set()

    def outcome(self, question: dict[str, Any]) -> tuple[bool, bool, str]:
        """Whether model and format are known, whether the engine starts, and in words why not."""
        if question["model"] in self._unknown:
            return False, False, ""
        try:
            planned = planned_memory(MemoryPlanRequest.model_validate(expanded(question)), self._catalogs)
        except UnknownNameError as error:
            self._unknown.add(question["model"])
            return False, False, str(error)
        except CalcError as error:
            return True, False, str(error)
        on_gpu = planned.plan.budget.weights_bytes
        return True, planned.plan.starts, f"{on_gpu / 1e9:.1f} GB a GPU; {reason_of(planned)}"


def claims(folder: Path, planner: Planner) -> Iterator[Claim]:
    """Every variant of every recipe on each profile that it is verified for and may run on."""
    profiles = yaml.safe_load((folder / "taxonomy.yaml").read_text(encoding="utf-8"))["hardware_profiles"]
    for file in sorted((folder / "models").glob("*/*.yaml")):
        recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
        verified = [
            key for key, state in (recipe["meta"].get("hardware") or {}).items() if state == "verified"
        ]
        for name in (key for key in verified if key in GPUS and key in profiles):
            for variant, entry in (recipe.get("variants") or {"default": {}}).items():
                if _may_run(entry, name, profiles[name], nodes=_nodes(recipe)[-1]):
                    yield _claim(recipe, variant, entry, name, profiles[name], planner)


def _may_run(entry: dict[str, Any], name: str, profile: dict[str, Any], nodes: int) -> bool:
    """Whether the recipe's page would offer a variant on a profile."""
    only = entry.get("precision_hardware") or {}
    if not only and entry.get("precision") in BLACKWELL_ONLY:
        only = {"brand": "NVIDIA", "generation": "blackwell"}
    listed = entry.get("supported_hardware") or [name]
    fits = entry.get("vram_minimum_gb", 0) <= profile["vram_gb"] * nodes
    return fits and name in listed and all(profile.get(key) == value for key, value in only.items())


def _nodes(recipe: dict[str, Any]) -> tuple[int, ...]:
    several = any(name.startswith("multi_node") for name in recipe.get("compatible_strategies") or ())
    return NODES if several else (1,)


def _claim(
    recipe: dict[str, Any],
    variant: str,
    entry: dict[str, Any],
    name: str,
    profile: dict[str, Any],
    planner: Planner,
) -> Claim:
    """What comes of the questions, up to the first layout that starts."""
    model, known, words = recipe["model"]["model_id"], False, ""
    default = variant == "default"
    for question in questions(recipe, entry, GPUS[name], profile["gpu_count"], default=default):
        seen, starts, words_now = planner.outcome(question)
        known, words = known or seen, words_now if seen else words
        if starts:
            return Claim(model=model, profile=name, variant=variant, known=True, starts=True, words=words_now)
    return Claim(model=model, profile=name, variant=variant, known=known, starts=False, words=words)


def questions(
    recipe: dict[str, Any], entry: dict[str, Any], gpu: str, count: int, *, default: bool
) -> Iterator[dict[str, Any]]:
    """The memory plans that would make a claim true, the likeliest first.

    A variant is asked by its own name and, where the catalog has none, as the model in its format.
    """
    own, name = entry.get("model_id"), recipe["model"]["model_id"]
    stated = [*(recipe["model"].get("base_args") or ()), *(entry.get("extra_args") or ())]
    sets = [
        _options(stated),
        *(_options(words) for words in _commands(recipe.get("guide") or "", own or name)),
    ]
    seen: list[dict[str, Any]] = []
    for options in (each for each in sets if each not in seen):
        seen.append(options)
        yield from _with(options, recipe, entry, gpu, count, default=default)


def _commands(guide: str, model: str) -> Iterator[list[str]]:
    """The options of each command of a recipe's guide that serves a model."""
    for found in re.finditer(rf"vllm serve {re.escape(model)}((?:[^\n\\]|\\\n)*)", guide):
        yield found[1].replace("\\\n", " ").split()


def _with(
    options: dict[str, Any],
    recipe: dict[str, Any],
    entry: dict[str, Any],
    gpu: str,
    count: int,
    *,
    default: bool,
) -> Iterator[dict[str, Any]]:
    own, name = entry.get("model_id"), recipe["model"]["model_id"]
    weights = {"weights": WEIGHTS[entry["precision"]]} if entry.get("precision") in WEIGHTS else {}
    published: list[tuple[str, dict[str, str]]] = [(own or name, {})]
    converted = [(name, weights)] if weights else []
    for model, precision in published + converted if own or default else converted + published:
        for layout in _layouts(count, _nodes(recipe)):
            yield {
                "model": model,
                "precision": precision,
                "hardware": {"gpu": gpu, "count": layout.pop("count"), "gpus_per_node": count},
                "parallelism": layout,
                "engine": {"name": "vllm", **options},
            }


def _layouts(count: int, nodes: tuple[int, ...]) -> Iterator[dict[str, int]]:
    size = count
    while size:
        yield {"count": size, "tensor": size}
        if size > 1:
            yield {"count": size, "data": size, "expert": size}
        size //= 2
    for many in nodes[1:]:
        yield {"count": count * many, "tensor": count, "pipeline": many}
        yield {"count": count * many, "tensor": count * many}
        yield {"count": count * many, "data": count * many, "expert": count * many}


def _options(words: list[str]) -> dict[str, Any]:
    """Options of the command line that bear on memory, in the engine's part of a request."""
    flat = [part for word in words for part in str(word).split("=", 1)]
    found: dict[str, Any] = {}
    for word, value in itertools.pairwise(flat):
        if word in OPTIONS and "$" not in value:
            field, kind = OPTIONS[word]
            found[field] = value if value == "auto" else kind(value)
    return found | ({"enforce_eager": True} if "--enforce-eager" in flat else {})


def report(found: list[Claim], *, everything: bool) -> bool:
    """Print what does not start and how much does; whether all known pairs start."""
    known = [each for each in found if each.known]
    for each in known:
        if everything or not each.starts:
            verdict = "starts" if each.starts else "does not start"
            print(f"  {each.model} [{each.variant}] on {each.profile} {verdict}: {each.words[:240]}")
    pairs = {(each.model, each.profile) for each in known}
    started = len({(each.model, each.profile) for each in known if each.starts})
    unknown = {each.model for each in found} - {each.model for each in known}
    print(f"pairs of model and hardware: {started} of {len(pairs)} start")
    print(f"their variants: {sum(each.starts for each in known)} of {len(known)} start")
    print(f"models that the catalogs lack: {len(unknown)}: {', '.join(sorted(unknown))}")
    return started == len(pairs)


def main() -> int:
    """Print how many known pairs start, and those that do not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--all", action="store_true", dest="everything")
    options = parser.parse_args()
    found = list(claims(options.checkout, Planner(chosen_catalogs())))
    return 0 if report(found, everything=options.everything) else 1


if __name__ == "__main__":
    sys.exit(main())
