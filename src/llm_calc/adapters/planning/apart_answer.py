"""From both sides in full to a plan of the answer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from llm_calc.adapters.apart_words import reuse_words
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.planning.answer import percentiles_by_name
from llm_calc.adapters.planning.apart import Apart, apart_plans, rank, rent_of
from llm_calc.adapters.planning.beside_words import beside_values, draft_word, way_notes
from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.held import unchecked_words
from llm_calc.adapters.planning.launched import Chosen, command_notes, launch_of, served_of
from llm_calc.adapters.planning.names import Names
from llm_calc.adapters.planning.rows import Candidates
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.serving_words import placed_warnings
from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.apart_plans import ApartPlan
from llm_calc.adapters.wire.parts import ParallelismPart
from llm_calc.adapters.wire.plan_parts import ManifestKind
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.core.checkpoints.recipes.properties import is_recurrent
from llm_calc.core.engines import traits_of
from llm_calc.core.launching.command import Launch, Value, launch_command
from llm_calc.core.launching.manifests.both import both_manifests
from llm_calc.core.launching.manifests.served import Served
from llm_calc.core.model import Model
from llm_calc.core.planning.bounded import NEVER

SIDES = ("prefill", "decode")
NIXL_ADDRESS = (
    "vLLM's NIXL: set VLLM_NIXL_SIDE_CHANNEL_HOST to each host's address where the servers lie on several (by default "
    "localhost), and a VLLM_NIXL_SIDE_CHANNEL_PORT of its own (5600) for each server of one host"
)
"""Source: docs/features/nixl_connector_usage.md of vllm-project/vllm; checked: 2026-11-30."""
NIXL_STATES = (
    "vLLM's NIXL moves recurrent state only with VLLM_SSM_CONV_STATE_LAYOUT=DS in the environment of every server, "
    "which manifests set"
)
"""Source: an assertion in nixl/base_worker.py of vllm-project/vllm@b41095b0; checked: 2026-11-30."""
STATE_LAYOUT = (("VLLM_SSM_CONV_STATE_LAYOUT", "DS"),)
SAME = 1e-9
"""Scores that differ by no greater part than this are equal: the same rate is summed in another order."""


NONE_APART = (
    "prefill_apart: no pair of layouts of the plans' GPUs and formats keeps all limits, or their engines do not run "
    "both apart"
)


def apart_answers(
    request: DeploymentPlansRequest,
    search: Search,
    candidates: Sequence[Candidates],
    plans: Sequence[Evaluated],
    names: Names,
) -> list[ApartPlan]:
    """Plans with prefill and decode apart, best first, where they are asked for."""
    if not request.prefill_apart:
        return []
    best = min((search.rank(plan)[0] for plan in plans), default=NEVER)
    found = enumerate(apart_plans(search, candidates, plans), start=1)
    return [apart_answer(search, each, at, names, best, request.manifests or ()) for at, each in found]


def without_any(request: DeploymentPlansRequest, found: Sequence[ApartPlan]) -> list[str]:
    """What to say where they are asked for and none keeps the limits."""
    return [NONE_APART] if request.prefill_apart and not found else []


def _beats(score: float, best: float) -> bool:
    """Whether a score is lower by more than sums of floats differ."""
    return score < best and not math.isclose(score, best, rel_tol=SAME)


def apart_answer(
    search: Search, each: Apart, place: int, names: Names, best: float, kinds: Sequence[ManifestKind]
) -> ApartPlan:
    """The plan with everything that the answer says of it; ``best``: the score of the best with both together."""
    request, found, usd, gpus = each.request, each.found, rent_of(search, each), each.all_gpus
    output = float(found.output_tokens_per_s)
    known = usd < NEVER
    chosen = tuple(_chosen(search, each))
    launches = [_launch(search, one, names, side) for one, side in zip(chosen, SIDES, strict=True)]
    served = [_served(one, launch, names) for one, launch in zip(chosen, launches, strict=True)]
    made, notes = both_manifests(served[0], served[1], kinds)
    return ApartPlan(
        rank=place,
        better=_beats(rank(search, each)[0], best),
        hardware=request.hardware,
        parallelism=request.parallelism or ParallelismPart(),
        disaggregated=request.disaggregated or DisaggregatedPart(),
        precision=request.precision,
        engine=request.engine,
        release=release_of(request.engine).answered,
        workload=request.workload,
        speculative=request.speculative,
        lora=request.lora,
        gpus=gpus,
        ttft_s=float(found.ttft_s),
        tpot_s=float(found.tpot_s),
        request_latency_s=float(found.request_latency_s),
        percentiles=percentiles_by_name(found),
        classes=list(each.classes),
        output_tokens_per_s=output,
        requests_per_s=float(found.requests_per_s),
        output_tokens_per_s_per_gpu=output / gpus,
        usd_per_hour=usd if known else None,
        usd_per_million_output_tokens_all_in=usd / 3600 / output * 1e6 if known else None,
        launch_prefill=launch_command(launches[0]),
        launch_decode=launch_command(launches[1]),
        manifests=made if kinds else None,
        notes=list(
            dict.fromkeys([*_notes(search.scene, each), *command_notes(chosen[1], launches[1]), *notes])
        ),
    )


def _chosen(search: Search, each: Apart) -> Iterator[Chosen]:
    """A replica of each side."""
    part = each.request.disaggregated or DisaggregatedPart()
    sides = (
        (each.first, each.sides.prefill, part.prefill_replicas),
        (
            each.second,
            each.sides.decode,
            part.decode_replicas,
        ),
    )
    for row, placed, replicas in sides:
        yield Chosen(
            gpu=row.gpu,
            model=placed.subject.setup.model,
            engine=each.request.engine,
            choice=row.choice,
            layout=row.layout,
            gpus_per_node=search.scene.gpus_per_node,
            replicas=replicas,
            placed=placed,
            catalogs=search.scene.catalogs,
        )


def _served(chosen: Chosen, launch: Launch, names: Names) -> Served:
    """A side as a cluster runs it."""
    found = served_of(chosen, launch, names.checkpoint_bytes)
    return (
        replace(found, environment=STATE_LAYOUT) if _moves_states(chosen.engine.name, chosen.model) else found
    )


def _moves_states(engine: str, model: Model) -> bool:
    return traits_of(engine).nixl and is_recurrent(model)


def _launch(search: Search, chosen: Chosen, names: Names, side: str) -> Launch:
    base, way = launch_of(chosen, names), chosen.choice.way
    beside: Mapping[str, Value] = {"side": side}
    if chosen.placed is not None:
        draft = draft_word(way, names.repository, search.scene.catalogs)
        beside = {**beside_values(chosen.placed, way, draft), **beside}
    return replace(base, beside=beside)


def _notes(scene: Scene, each: Apart) -> Iterator[str]:
    way = each.way
    yield (
        "prefill and decode apart were never measured: all is formula; a router sends each prompt to a prefill server "
        "and its answer to one that decodes"
    )
    yield from _reuse_notes(each)
    yield from unchecked_words(
        scene.targets_kept_fraction, each.request.workload, each.request.engine.name, each.classes
    )
    yield f"caches travel at {way.bytes_per_s / 1e9:.4g} GB/s a GPU: {way.words}"
    if each.mixed:
        yield (
            f"two kinds of GPU: prefill on {each.first.gpu.id}, decode on {each.second.gpu.id}, on hosts of their own; "
            "caches are taken to have one layout on both, which engines do not promise; in manifests add a "
            "nodeSelector to each side"
        )
    if traits_of(each.request.engine.name).nixl:
        yield NIXL_ADDRESS
        if _moves_states(each.request.engine.name, each.sides.decode.subject.setup.model):
            yield NIXL_STATES
    for name, placed in zip(SIDES, (each.sides.prefill, each.sides.decode), strict=True):
        yield from (f"{name} side: {words}" for words in placed_warnings(placed))
    yield from way_notes(each.sides.decode, each.planned.engine)


def _reuse_notes(each: Apart) -> Iterator[str]:
    """What is found of prompts of sessions, and the memories below the GPU's that this plan is without."""
    load = each.request.workload
    if not load.grows:
        return
    yield from reuse_words(each.request.engine.name, each.sides, load)
    if each.first.choice.way.tiers:
        yield (
            "kv_tiers: with prefill and decode apart no memory below the GPU's is followed; this plan has none"
        )
