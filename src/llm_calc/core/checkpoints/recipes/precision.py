"""From the formats that a request names to the number formats of a calculation, every ``auto`` decided and named."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.checkpoints.checkpoint import CheckpointFormat
from llm_calc.core.checkpoints.recipes.quantizer import KEPT
from llm_calc.core.checkpoints.recipes.rules import FormatCatalog, RecipeEntry
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.footprint import Numbers
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.model import Model

AUTO = "auto"
TOWERS_APART = "a GGUF file holds no vision or audio towers: they come in a file of their own, uncounted"
SINGLE = "fp32"
ACTIVATIONS = (
    "fp32",
    "fp16",
    "bf16",
    "fp8",
    "fp8-channel",
    "fp8-block",
    "int8",
    "int8-channel",
    "mxfp8",
    "nvfp4",
)
"""Number formats that inputs of a product are quantized to."""
USUAL_KIND = "q4_k_m"
"""The kind of GGUF file that is taken where nothing names one and the checkpoint's own format has none."""
LATENT_FILES = frozenset(("deepseek_v2", "deepseek_v3", "kimi_k2", "kimi_k25", "kimi_linear"))
SPLIT_LATENT = (
    "a GGUF file as converted since April 2025, with the decompression of keys and values in two tensors; with older "
    "ones llama.cpp keeps keys and values of all heads"
)
PREDICTION = "a block of the file that guesses further tokens is not counted: llama.cpp does not load it"
FALCON_HEAD = (
    "the file shares embedding and output, as the configuration ties them; with output.weight it is larger"
)
OVERRIDDEN = (
    "quantization_config: the checkpoint's own format ({}) is not counted: weights are taken in another"
)
USUAL_MIXTURE = "what such checkpoints usually leave in 16 bits was taken; a given checkpoint may differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWeights:
    """How a model's weights are stored: the recipe, its name, its description in words, what was assumed.

    ``storage``: the kind of numbers. ``kv_cache``: the format that the checkpoint asks for in the cache.
    ``guessed``: the sizes rest on something that the file did not say. ``is_gguf``: tensors of a GGUF file.
    ``method``: the tool that wrote the checkpoint, of its own formats alone. ``unread``: in place of those.
    """

    recipe: WeightRecipe
    name: str
    words: str
    storage: str
    kv_cache: str | None = None
    assumptions: tuple[str, ...] = ()
    guessed: bool = False
    is_gguf: bool = False
    method: str | None = None
    unread: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Formats of weights, KV cache and activations with their names, ``auto`` replaced by what it stands for."""

    numbers: Numbers
    weights: StoredWeights
    kv_cache: str
    activations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatWishes:
    """What a request asks for: names of formats, ``auto``, or None for the checkpoint's own weights."""

    weights: str | None = None
    kv_cache: str = AUTO
    activations: str = AUTO
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """What is known of formats: by name, of a model, and as a ``quantization_config`` says; each raises for others.

    ``number``: by name, for a field. ``find``: by name, as an engine stores it. ``recipe``: of a name for a model under
    an engine, from a checkpoint's own format. ``read``: what a ``quantization_config`` says of a model.
    ``prediction_blocks``: families whose files hold blocks that guess further tokens.
    """

    catalog: FormatCatalog
    number: Callable[[str, str], NumberFormat]
    find: Callable[[str, str | None], RecipeEntry]
    recipe: Callable[[str, Model, str | None, str | None], WeightRecipe]
    read: Callable[[Mapping[str, object], Model], CheckpointFormat]
    prediction_blocks: tuple[str, ...]


def sixteen_bit(model: Model) -> str:
    """The model's own 16-bit type."""
    return "fp16" if model.dtype == "fp16" else "bf16"


def resolve_precision(
    book: Book,
    model: Model,
    wishes: FormatWishes,
    quantization: Mapping[str, object] | None = None,
    stored: StoredWeights | None = None,
) -> Precision:
    """The formats of a calculation; ``stored``: weights that are known tensor by tensor already.

    ``auto`` is the model's 16-bit type; a KV cache format that the checkpoint itself asks for comes first
    (vLLM, SGLang), weights asked for in fp32 make it fp32 there; TensorRT-LLM keeps cache and activations in fp8
    with fp8 and nvfp4 weights; llama.cpp's cache is fp16.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: a ``quantization_config`` that cannot be read, where it is needed.
    """
    weights = stored or stored_weights(book, model, wishes.weights, quantization, wishes.engine)
    single = wishes.weights == SINGLE and traits_of(wishes.engine).formats.typed_by_weights
    own_cache = SINGLE if single else _auto_cache(model, weights, wishes.engine)
    kv_cache = own_cache if wishes.kv_cache == AUTO else wishes.kv_cache
    own = SINGLE if single else _auto_activations(model, weights, wishes.engine)
    activations = own if wishes.activations == AUTO else wishes.activations
    return Precision(
        numbers=Numbers(
            recipe=weights.recipe,
            cache=book.number(kv_cache, "precision.kv_cache"),
            activations=_activation_format(book, activations),
        ),
        weights=weights,
        kv_cache=kv_cache,
        activations=activations,
    )


def _activation_format(book: Book, name: str) -> NumberFormat:
    """A number format that some GPU multiplies by itself.

    Raises:
        UnknownNameError: no such format.
        InvalidInputError: only weights are stored so.
    """
    found = book.number(name, "precision.activations")
    catalog = book.catalog
    is_file = name in catalog.names and catalog.names[name].is_gguf
    if is_file or found.name not in ACTIVATIONS:
        msg = (
            f"precision.activations: {name} stores weights alone; accepted are auto, {', '.join(ACTIVATIONS)}"
        )
        raise InvalidInputError(msg, field="precision.activations", accepted=["auto", *ACTIVATIONS])
    return found


def _auto_cache(model: Model, weights: StoredWeights, engine: str | None) -> str:
    formats = traits_of(engine).formats
    if formats.cache is not None:
        return formats.cache
    if weights.storage in formats.fp8_with:
        return "fp8"
    return weights.kv_cache or sixteen_bit(model)


def _auto_activations(model: Model, weights: StoredWeights, engine: str | None) -> str:
    if weights.storage in traits_of(engine).formats.fp8_with:
        return "fp8"
    return sixteen_bit(model)


def stored_weights(
    book: Book,
    model: Model,
    name: str | None,
    quantization: Mapping[str, object] | None = None,
    engine: str | None = None,
) -> StoredWeights:
    """How the weights are stored: as asked for, else as the checkpoint says, else in the model's own type.

    A checkpoint that is already quantized to the kind of numbers that is asked for keeps its own mixture.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: a ``quantization_config`` that cannot be read, where no format was asked for.
    """
    if name is None:
        if quantization is None:
            return _catalog_weights(book, model, model.dtype, engine)
        return _default_weights(book, book.read(quantization, model), model, engine)
    entry = book.find(name, engine)
    own = None if quantization is None else _readable(book, quantization, model)
    if own is not None and not entry.is_gguf and own.storage == entry.row.storage:
        return _own_weights(own)
    found = _catalog_weights(book, model, name, engine, None if own is None else kept_format(own, model))
    return found if quantization is None else _overriding(found, own)


def _overriding(found: StoredWeights, own: CheckpointFormat | None) -> StoredWeights:
    """Another format than the checkpoint's own, which says so."""
    said = OVERRIDDEN.format("not understood" if own is None else own.storage)
    return replace(found, assumptions=(*found.assumptions, said), unread=True)


def kept_format(own: CheckpointFormat, model: Model) -> str | None:
    """The format of a checkpoint's experts, where llama.cpp's converter takes it over as it is: MXFP4, else None.

    Source: llama.cpp v0.5.0, conversion/gpt_oss.py, deepseek.py, kimi_k3.py (MXFP4 blocks are repacked, never decoded);
    checked: 2026-11-30, the first read.
    """
    experts = (placed for placed in model.placed if placed.weight.component == "experts")
    found = next((own.recipe.format_of(each.weight, each.indices[0]).name for each in experts), None)
    return found if found in KEPT else None


def _default_weights(book: Book, own: CheckpointFormat, model: Model, engine: str | None) -> StoredWeights:
    """The checkpoint's own; for llama.cpp the kind of GGUF file that holds the same numbers, else the usual kind."""
    if not traits_of(engine).formats.gguf_alone:
        return _own_weights(own)
    kept = kept_format(own, model)
    if kept is not None:
        return _catalog_weights(book, model, kept, engine, kept)
    said = f"weights: {USUAL_KIND}: llama.cpp runs GGUF files, of which no kind holds {own.storage}"
    usual = _catalog_weights(book, model, USUAL_KIND, engine)
    return replace(usual, assumptions=(said, *usual.assumptions))


def _readable(book: Book, quantization: Mapping[str, object], model: Model) -> CheckpointFormat | None:
    try:
        return book.read(quantization, model)
    except InvalidInputError:
        return None


def _own_weights(own: CheckpointFormat) -> StoredWeights:
    return StoredWeights(
        recipe=own.recipe,
        name=own.recipe.name,
        words=f"the checkpoint's own: {own.words}",
        storage=own.storage,
        kv_cache=own.kv_cache,
        assumptions=own.guesses,
        guessed=bool(own.guesses),
        method=own.method,
    )


@lru_cache(maxsize=512)
def _catalog_weights(
    book: Book, model: Model, name: str, engine: str | None, kept: str | None = None
) -> StoredWeights:
    entry = book.find(name, engine)
    recipe = book.recipe(name, model, engine, kept)
    assumptions = list(_file_notes(book, entry, model, kept)) if entry.is_gguf else []
    if not entry.is_gguf and entry.rules:
        assumptions.append(f"{name}: {USUAL_MIXTURE}")
    return StoredWeights(
        recipe=recipe,
        name=entry.name,
        words=_recipe_words(entry.name, recipe, is_gguf=entry.is_gguf),
        storage=entry.row.storage,
        assumptions=tuple(assumptions),
        is_gguf=entry.is_gguf,
    )


def _file_notes(book: Book, entry: RecipeEntry, model: Model, kept: str | None) -> Iterator[str]:
    """What is taken for granted of a GGUF file that is known by its kind alone."""
    if any(weight.component == "vision" for weight in model.outside):
        yield TOWERS_APART
    if kept is not None and entry.row.keeps_mxfp4:
        yield f"{entry.name}: experts stay in the checkpoint's own {kept}, as llama.cpp's converter leaves them"
    elif kept is not None:
        yield f"{entry.name}: made from the weights in 16 bits, experts as well; the checkpoint has them in {kept}"
    if model.model_type in book.prediction_blocks:
        yield PREDICTION
    if model.model_type in LATENT_FILES:
        yield SPLIT_LATENT
    if model.model_type == "falcon" and model.head_tied:
        yield FALCON_HEAD


def _recipe_words(name: str, recipe: WeightRecipe, *, is_gguf: bool) -> str:
    """The recipe's name, the bits of its main format, and what else it holds."""
    bits = f"{recipe.default.bits_per_element:.4g} bits an element"
    others = dict.fromkeys(rule.format.name for rule in recipe.rules if rule.format.element_bits)
    others.pop(recipe.default.name, None)
    mixed = f", with {', '.join(others)} for some tensors" if others else ""
    return f"{'GGUF ' if is_gguf else ''}{name}: {bits}{mixed}"
