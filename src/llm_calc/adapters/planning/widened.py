"""Every choice in every way that a request allows, and those that an engine does not take."""

from collections.abc import Sequence
from dataclasses import replace

from llm_calc.adapters.planning.beside_words import says_draft
from llm_calc.adapters.planning.choices import Choice, layouts_on
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.planning.ways import PLAIN, Way
from llm_calc.adapters.sessions import keeps_prefixes
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu

NOT_DEALT = "context_parallel: {} is not tried under {}, which deals a cache so over no layout of this model"
Widened = tuple[tuple[Choice, ...], tuple[str, ...]]


def widened(
    request: DeploymentPlansRequest, scene: Scene, options: Sequence[Choice], gpus: Sequence[Gpu]
) -> Widened:
    """Choices in all ways, and what was not tried.

    Raises:
        InvalidInputError: memories below the GPU's for a load that keeps nothing; adapters that no engine takes.
    """
    _check(request)
    asked = request.speculative or request.lora or request.kv_tiers or set(request.context_parallel) - {1}
    if not asked:
        return tuple(options), ()
    found, left_out = list[Choice](), dict[str, None]()
    for choice in options:
        ways, words = _ways(request, scene, choice, gpus)
        found += [replace(choice, way=way) for way in ways]
        left_out |= dict.fromkeys(words)
    if not found:
        raise InvalidInputError("; ".join(left_out), field=next(iter(left_out)).partition(":")[0])
    return tuple(found), tuple(left_out)


def _check(request: DeploymentPlansRequest) -> None:
    if request.kv_tiers and not request.workload.reuses:
        msg = "kv_tiers: they keep contexts for later prompts; give workload.sessions, or leave them out"
        raise InvalidInputError(msg, field="kv_tiers")
    if request.kv_tiers and request.workload.prefix_cache_hit_fraction is not None:
        msg = "kv_tiers: workload.prefix_cache_hit_fraction states what is found; leave one of the two out"
        raise InvalidInputError(msg, field="kv_tiers")


def _ways(
    request: DeploymentPlansRequest, scene: Scene, choice: Choice, gpus: Sequence[Gpu]
) -> tuple[list[Way], list[str]]:
    """The ways of one choice, and words on those that its engine does not take."""
    gpu = next((gpu for gpu in gpus if choice.refusal(gpu) is None), None)
    if gpu is None:
        return [replace(PLAIN, lora=request.lora)], []
    try:
        plain = _plain(request, scene, choice, gpu)
    except CalcError as error:
        return [], [f"lora: not served by {choice.engine}: {error.message}"]
    wanted = {contexts: replace(plain, contexts=contexts) for contexts in request.context_parallel}
    bases = [way for way in wanted.values() if _is_dealt(scene, choice, gpu, way)]
    words = [NOT_DEALT.format(size, choice.engine) for size, way in wanted.items() if way not in bases]
    if request.kv_tiers and not _keeps(scene, choice):
        words.append(f"kv_tiers: {choice.engine} keeps no contexts of this model")
    elif request.kv_tiers:
        bases += [replace(way, tiers=tuple(request.kv_tiers)) for way in bases]
    found = list(bases)
    if request.speculative is not None:
        try:
            found += [_drafting(request, scene, choice, gpu, way) for way in bases]
        except CalcError as error:
            words.append(f"speculative: not tried under {choice.engine}: {error.message}")
    return found, words


def _plain(request: DeploymentPlansRequest, scene: Scene, choice: Choice, gpu: Gpu) -> Way:
    """With adapters, if any."""
    subject = scene.subject_on(choice, gpu)
    plain = replace(PLAIN, lora=request.lora, setup=subject.setup)
    plain.beside(subject, scene.catalogs, choice.engine)
    return plain


def _is_dealt(scene: Scene, choice: Choice, gpu: Gpu, way: Way) -> bool:
    """Whether some layout deals contexts over so many GPUs."""
    if way.contexts == 1:
        return True
    most = int(scene.limits.gpus)
    found = layouts_on(gpu, scene.source.model, choice.rules, most, scene.gpus_per_node)
    dealt = traits_of(choice.engine).options.contexts is not None
    return dealt and any(way.takes(choice.engine, layout) for layout in found)


def _keeps(scene: Scene, choice: Choice) -> bool:
    return keeps_prefixes(scene.started(choice.engine, {}).part, scene.source.model)


def _drafting(request: DeploymentPlansRequest, scene: Scene, choice: Choice, gpu: Gpu, way: Way) -> Way:
    subject = scene.subject_on(choice, gpu)
    drafting = replace(way, speculative=request.speculative)
    beside = drafting.beside(subject, scene.catalogs, choice.engine)
    if not says_draft(choice.rules, method := beside.draft.method or "draft_model"):
        msg = f"the launch command has no word for {method}, and a plan without one would not be as fast"
        raise UnsupportedError(msg, field="speculative.method")
    return replace(drafting, draft=beside.draft.draft)
