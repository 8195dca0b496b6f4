"""The formats that each engine keeps a cache in; llama.cpp's keys and values each in one of its own."""

from dataclasses import replace

from llm_calc.adapters.engines import engine_from
from llm_calc.adapters.formats import number_format
from llm_calc.adapters.runs_on_caches import check_cache, check_only
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart, LlamaCppEngine
from llm_calc.adapters.wire.mlx import MlxEngine
from llm_calc.adapters.wire.parts import PrecisionPart
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.base import context_of
from llm_calc.core.engines.llama_cpp_traits import CACHE_TYPES
from llm_calc.core.engines.mlx import Mlx
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.formats import NumberFormat

_OTHER_NAMES = {"f32": "fp32", "f16": "fp16"}
_KNOWN = frozenset((*CACHE_TYPES, *_OTHER_NAMES.values()))
SIXTEEN_BITS = 16


def kept_formats(engine: str) -> list[str]:
    """Formats that an engine keeps a cache in, as ``precision.kv_cache`` names them."""
    traits = traits_of(engine)
    own = traits.formats.kept or traits.options.cache_types.values()
    return list(dict.fromkeys(["auto", "bf16", "fp16", *(_OTHER_NAMES.get(name, name) for name in own)]))


def with_cache_types(
    subject: Subject, precision: PrecisionPart, engine: EnginePart, longest_tokens: int | None = None
) -> Subject:
    """The subject with the cache types that llama.cpp is told, and MLX's ``kv_bits``; other engines' as it is.

    ``longest_tokens``: of a request; absent: the model's own context.

    Raises:
        InvalidInputError: ``precision.kv_cache`` says another format than an option of the engine.
        UnsupportedError: no type of the engine's cache, or quantized values without flash attention.
    """
    if not isinstance(engine, LlamaCppEngine):
        _check_kept(precision.kv_cache, engine.name, subject.setup.numbers.activations.name)
        format_name, gpu = subject.setup.numbers.cache.name, subject.setup.gpu
        check_only(engine.name, engine.version, gpu, format_name, subject.setup.model.model_type)
        check_cache(engine.name, engine.version, gpu, format_name)
        return _with_bits(subject, engine, longest_tokens) if isinstance(engine, MlxEngine) else subject
    asked = None if precision.kv_cache == "auto" else _type(precision.kv_cache, "precision.kv_cache")
    keys = _agreed(asked, engine.cache_type_k, "engine.cache_type_k")
    values = _agreed(asked, engine.cache_type_v, "engine.cache_type_v")
    numbers = subject.setup.numbers
    cache, kept = keys or numbers.cache, values or numbers.cache
    if engine.flash_attn is False and kept.bits_per_element < SIXTEEN_BITS:
        msg = f"engine.cache_type_v: values in {kept.name} need flash attention (engine.flash_attn)"
        raise UnsupportedError(msg, field="engine.cache_type_v", accepted=["f16", "bf16", "f32"])
    if (cache, kept) == (numbers.cache, numbers.cache):
        return subject
    numbers = replace(numbers, cache=cache, values=None if kept == cache else kept)
    words = cache.name if kept == cache else f"{cache.name} keys, {kept.name} values"
    return replace(
        subject,
        setup=replace(subject.setup, numbers=numbers),
        precision=replace(subject.precision, numbers=numbers, kv_cache=words),
    )


def _with_bits(subject: Subject, engine: MlxEngine, longest_tokens: int | None) -> Subject:
    """MLX's quantized cache; one that never grows beyond ``quantized_kv_start`` stays as it is."""
    built, numbers = engine_from(engine), subject.setup.numbers
    longest = longest_tokens or context_of(subject.setup.model, None)
    if not isinstance(built, Mlx) or built.kv_bits is None or longest <= built.quantized_kv_start:
        return subject
    cache = NumberFormat(
        name=f"mlx-{built.kv_bits}bit",
        element_bits=built.kv_bits,
        group_size=built.kv_group_size,
        scale_bits=SIXTEEN_BITS,
        zero_bits=SIXTEEN_BITS,
    )
    numbers = replace(numbers, cache=cache)
    return replace(
        subject,
        setup=replace(subject.setup, numbers=numbers),
        precision=replace(subject.precision, numbers=numbers, kv_cache=cache.name),
    )


def why_cache(name: str, engine: EnginePart, asked: str | None = None) -> str:
    """Why a cache has its format where the precision leaves it open; ``asked``: what the checkpoint asks for."""
    if isinstance(engine, MlxEngine) and engine.kv_bits is not None:
        return f"KV cache in {name}, by engine.kv_bits and engine.quantized_kv_start"
    if name == asked:
        return f"KV cache in {name}, as the checkpoint asks for and the engine takes by default"
    return f"KV cache in {name}, as the engine does by default"


def with_one_type(precision: PrecisionPart, engine: EnginePart | None) -> PrecisionPart:
    """The precision with the one type that llama.cpp is told for keys and values; as it is where they are two.

    Raises:
        InvalidInputError: ``precision.kv_cache`` says another format than an option of the engine.
        UnsupportedError: no type of the engine's cache.
    """
    if not isinstance(engine, LlamaCppEngine):
        return precision
    asked = None if precision.kv_cache == "auto" else _type(precision.kv_cache, "precision.kv_cache")
    keys = _agreed(asked, engine.cache_type_k, "engine.cache_type_k")
    values = _agreed(asked, engine.cache_type_v, "engine.cache_type_v")
    return precision.model_copy(update={"kv_cache": keys.name}) if keys and keys == values else precision


def _check_kept(name: str, engine: str, activations: str) -> None:
    """Refuses a format that an engine keeps no cache in; 16 bits, and the type of its activations, are kept by all."""
    types = traits_of(engine).options.cache_types
    known = {*types.values(), "fp16", "bf16", activations}
    if name in known or not types:
        return
    if number_format(name, "precision.kv_cache").name not in known:
        names = sorted(known - {"auto"})
        msg = f"precision.kv_cache: {engine} keeps no cache in {name}; its formats: {', '.join(names)}"
        raise UnsupportedError(msg, field="precision.kv_cache", accepted=names)


def _type(name: str, field: str) -> NumberFormat:
    found = number_format(_OTHER_NAMES.get(name.lower(), name), field)
    if found.name not in _KNOWN:
        msg = f"{field}: llama.cpp keeps no cache in {name}; its types: {', '.join(CACHE_TYPES)}"
        raise UnsupportedError(msg, field=field, accepted=[*CACHE_TYPES])
    return found


def _agreed(asked: NumberFormat | None, said: str | None, field: str) -> NumberFormat | None:
    if said is None:
        return asked
    found = _type(said, field)
    if asked is not None and asked != found:
        msg = f"{field}: {said} and precision.kv_cache: {asked.name} say different things; give one"
        raise InvalidInputError(msg, field=field)
    return found
