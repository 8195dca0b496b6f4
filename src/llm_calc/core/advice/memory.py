"""What would make it fit: single mild changes, and a table of what fits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from llm_calc.core.advice.change import Change, Value
from llm_calc.core.advice.offload import most, offload
from llm_calc.core.advice.slots import enough_slots, lacks_slots
from llm_calc.core.advice.step import longer_step, said_lengths
from llm_calc.core.deployments.question import Asked, serves
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.context_flags import EVERY_CONTEXT_FLAG
from llm_calc.core.engines.positions import positions_of
from llm_calc.core.errors import CalcError
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.hardware import LAPTOP, Gpu
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.names import counted
from llm_calc.core.parallelism import ROUTED, Layout

CONTEXT_STEP = 256
UTILIZATION_OPTIONS = (
    "gpu_memory_utilization",
    "mem_fraction_static",
    "free_gpu_memory_fraction",
    "memory_utilization",
)
HIGHEST_UTILIZATION = 0.95
MARKEDLY_FEWER = 0.95
UNQUANTIZED_BITS = 16
MOST_GPUS = 64
TO_BE_MADE = "; such a checkpoint of this model has to be found or made"
"""Said, and said last, of other formats than the one that a quantized checkpoint came in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Formats by name: of a cache, of weights of a model under an engine, and whether an engine runs them on a GPU."""

    cache: Callable[[str], NumberFormat]
    weights: Callable[[str, Model, str], WeightRecipe]
    runs: Callable[[str, Gpu, str], bool]


def sequences_text(sequences: int, context_tokens: int) -> str:
    """So many sequences of so many tokens, in words."""
    return f"{counted(sequences, 'sequence')} of {context_tokens} tokens"


def changes_that_fit(setup: Setup, engine: Engine, asked: Asked, formats: Formats) -> list[Change]:
    """The mildest value of each field that alone would do, in the order of what they cost in quality.

    ``with_context_said`` gives those that take stated lengths besides.
    """
    tries = (
        _longer_context,
        lambda *of: enough_slots(lambda other: holds(of[0], other, of[2]), *of),
        lambda *of: longer_step(lambda other: holds(of[0], other, of[2]), *of),
        _context_of_the_model,
        _context_that_starts,
        _utilization,
        _more_gpus,
        partial(_cache_format, formats),
        partial(_fewer_bits, formats),
        partial(_fewer_bits_in_both, formats),
        _shorter_context,
        _fewer_sequences,
        lambda *of: offload(lambda other, engine: holds(other, engine, of[2]), *of[:2]),
    )
    found = [change for attempt in tries for change in attempt(setup, engine, asked)]
    return sorted(found, key=lambda change: change.change.endswith(TO_BE_MADE))


def with_context_said(setup: Setup, engine: Engine, asked: Asked, formats: Formats) -> list[Change]:
    """What does where the engine is started for the request's own lengths instead of its defaults."""
    said, text = said_lengths(setup, engine, asked, _option(engine, EVERY_CONTEXT_FLAG))
    try:
        found = changes_that_fit(setup, _with(engine, **said), asked, formats) if said else []
    except CalcError:
        return []
    also: dict[str, Value] = {f"engine.{name}": value for name, value in said.items()}
    return [
        replace(change, also=also, change=change.change + text)
        for change in found
        if change.field not in also
    ]


def holds(setup: Setup, engine: Engine, asked: Asked) -> bool:
    """Whether a deployment starts and holds what was asked for; one that cannot be does not."""
    if lacks_slots(setup, engine, asked):
        return False
    try:
        return serves(engine.plan(setup), asked)
    except CalcError:
        return False


def _option(engine: Engine, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if hasattr(engine, name)), None)


def _with(engine: Engine, **options: float) -> Engine:
    return replace(engine, **options)  # type: ignore[type-var]


def _longer_context(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    """The engine started with as much context as a request needs."""
    name, size = _option(engine, EVERY_CONTEXT_FLAG), asked.context_tokens
    if name is None or size <= engine.plan(setup).max_model_len_tokens:
        return
    if holds(setup, _with(engine, **{name: size}), asked):
        yield Change(
            field=f"engine.{name}", value=size, change=f"start the engine with {size} tokens of context"
        )


def _context_of_the_model(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    """Where the context that is said is beyond the model's positions: as many as those are."""
    name, own = (
        _option(engine, EVERY_CONTEXT_FLAG),
        positions_of(setup.model),
    )
    if name is None or own is None or engine.plan(setup).max_model_len_tokens <= own:
        return
    if holds(setup, _with(engine, **{name: own}), asked):
        text = f"start the engine with {own} tokens of context, the most that the model has positions for"
        yield Change(field=f"engine.{name}", value=own, change=text)


def _context_that_starts(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    """Where the default context does not start: the longest that does, at least the request's own."""
    name, plan = _option(engine, EVERY_CONTEXT_FLAG), engine.plan(setup)
    if (
        name is None
        or plan.context_chosen
        or plan.starts
        or asked.context_tokens >= plan.max_model_len_tokens
    ):
        return
    first, last = asked.context_tokens, plan.max_model_len_tokens

    def context(step: int) -> int:
        return (first // CONTEXT_STEP + step) * CONTEXT_STEP if step else first

    def starts(step: int) -> bool:
        return holds(setup, _with(engine, **{name: context(step)}), asked)

    if not starts(0):
        return
    longest = context(most(last // CONTEXT_STEP - first // CONTEXT_STEP, starts))
    text = f"start the engine with {longest} tokens of context, the longest that starts"
    yield Change(field=f"engine.{name}", value=longest, change=text)


def _utilization(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    name = _option(engine, UTILIZATION_OPTIONS)
    now = getattr(engine, name) if name else None
    if name is None or (now is not None and now >= HIGHEST_UTILIZATION):
        return
    if holds(setup, _with(engine, **{name: HIGHEST_UTILIZATION}), asked):
        text = f"let the engine use {HIGHEST_UTILIZATION:.0%} of the memory"
        yield Change(field=f"engine.{name}", value=HIGHEST_UTILIZATION, change=text)


def _more_gpus(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    """Twice as many GPUs in each step, by tensor parallelism, else by replicas; llama.cpp deals layers instead.

    A laptop and a chip with its own memory hold one.
    """
    alone = setup.gpu.form_factor == LAPTOP or (setup.gpu.unified_memory and setup.gpu.link_kind is None)
    if setup.unlike or alone:
        return
    for field in ("pipeline",) if engine.traits.deals_layers else ("tensor", "pipeline", "data"):
        layout = _grown(setup, engine, asked, field)
        if layout is not None:
            text = f"hardware.count {layout.gpus} instead of {setup.layout.gpus}"
            yield Change(field=f"parallelism.{field}", value=getattr(layout, field), change=text)
            return


def _grown(setup: Setup, engine: Engine, asked: Asked, field: str) -> Layout | None:
    size = now = getattr(setup.layout, field)
    while (
        size := size + 1 if engine.traits.deals_layers else 2 * size
    ) * setup.layout.gpus // now <= MOST_GPUS:
        layout: Layout = replace(setup.layout, stage_layers=(), **{field: size})
        if holds(replace(setup, layout=layout), engine, asked):
            return layout
    return None


def _cache_format(formats: Formats, setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    for name, narrower in _narrower_caches(formats, setup, engine):
        if holds(narrower, engine, asked):
            text = f"keys and values in {name} instead of {setup.numbers.cache.name}"
            yield Change(field="precision.kv_cache", value=name, change=text)
            return


def _narrower_caches(formats: Formats, setup: Setup, engine: Engine) -> Iterator[tuple[str, Setup]]:
    """The same with keys and values in fewer bits, widest first."""
    for name in engine.traits.formats.advised_caches:
        cache = formats.cache(name)
        if cache.bytes_per_element < setup.numbers.cache.bytes_per_element:
            yield name, replace(setup, numbers=replace(setup.numbers, cache=cache))


def _fewer_bits(formats: Formats, setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    for name, narrower in _narrower_weights(formats, setup, engine):
        if holds(narrower, engine, asked):
            text = f"weights in {name} instead of {setup.numbers.recipe.name}{_to_be_made(setup, engine)}"
            yield Change(field="precision.weights", value=name, change=text)
            return


def _narrower_weights(formats: Formats, setup: Setup, engine: Engine) -> Iterator[tuple[str, Setup]]:
    """The same with weights in markedly fewer bits, experts as well, and in fewer bytes, widest first."""
    for name in engine.traits.formats.advised_weights:
        recipe = formats.weights(name, setup.model, engine.name)
        if _is_narrower(setup, recipe, engine) and formats.runs(engine.name, setup.gpu, name):
            yield name, replace(setup, numbers=replace(setup.numbers, recipe=recipe))


def _is_narrower(setup: Setup, recipe: WeightRecipe, engine: Engine) -> bool:
    """Experts of a checkpoint may have fewer bits than its other weights; kinds of GGUF files may leave them so."""
    model, now = setup.model, setup.numbers.recipe
    pairs = [(recipe.default.bits_per_element, now.default.bits_per_element)]
    if not engine.traits.formats.own_files:
        pairs += [(_expert_bits(model, recipe), _expert_bits(model, now))]
    fewer = all(bits < MARKEDLY_FEWER * own or not own for bits, own in pairs)
    return fewer and weights_bytes(model, recipe) < weights_bytes(model, now)


def _expert_bits(model: Model, recipe: WeightRecipe) -> float:
    """Bits of the widest matrix of routed experts; 0 without experts [bit]."""
    experts = (placed for placed in model.placed if placed.weight.component == ROUTED)
    return max(
        (recipe.format_of(each.weight, (each.indices or (0,))[0]).bits_per_element for each in experts),
        default=0.0,
    )


def _to_be_made(setup: Setup, engine: Engine) -> str:
    """What to say of a format that is not the one of a quantized checkpoint."""
    quantized = setup.numbers.recipe.default.bits_per_element < UNQUANTIZED_BITS
    return TO_BE_MADE if quantized and not engine.traits.formats.own_files else ""


def _fewer_bits_in_both(formats: Formats, setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    """Weights and cache in fewer bits together, where neither is enough."""
    weights = tuple(_narrower_weights(formats, setup, engine))
    alone = (*weights, *_narrower_caches(formats, setup, engine))
    if any(holds(narrower, engine, asked) for _, narrower in alone):
        return
    for first, narrower in weights:
        for second, narrowest in _narrower_caches(formats, narrower, engine):
            if holds(narrowest, engine, asked):
                text = f"weights in {first} and keys and values in {second}{_to_be_made(setup, engine)}"
                yield Change(field="precision", value=f"weights {first}, kv_cache {second}", change=text)
                return


def _shorter_context(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    """The longest context that the engine can be started with and still hold the sequences."""
    name = _option(engine, EVERY_CONTEXT_FLAG)
    plan = engine.plan(setup)
    longest = (
        min(plan.max_context_tokens(asked.sequences), asked.context_tokens) if plan.available_bytes > 0 else 0
    )
    context = longest // 256 * 256 or longest
    if name is None or context < 1 or context >= asked.context_tokens:
        return
    shorter = replace(asked, context_tokens=context)
    if holds(setup, _with(engine, **{name: context}), shorter):
        text = f"{sequences_text(asked.sequences, context)} at once"
        yield Change(field=f"engine.{name}", value=context, change=text)


def _fewer_sequences(setup: Setup, engine: Engine, asked: Asked) -> Iterator[Change]:
    plan = engine.plan(setup)
    if asked.sequences == 1 or not plan.can_start:
        return
    most = int(plan.max_concurrency(asked.context_tokens))
    if 1 <= most < asked.sequences:
        text = f"{sequences_text(most, asked.context_tokens)} at once; further ones wait"
        yield Change(field="workload.concurrency", value=most, change=text)
