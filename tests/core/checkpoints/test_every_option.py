"""Every option of every reader, changed or taken away: the answer changes, a table has why not, or it is named."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from llm_calc.adapters.formats import format_tables
from llm_calc.core.checkpoints.schemes import METHOD, known_methods
from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.every_option import HEAD, ROWS
from tests.core.checkpoints.test_codebooks import stored

GONE = object()
UNHEARD = "zz-unknown"
Path_ = tuple[str, ...]
Answer = tuple[float, str | None, list[str | None], tuple[str, ...]]

ABSENT_MEANS: Mapping[str, str] = {
    # The constructors of transformers 5.24.0, quantization_config.py, asked for their defaults; 2026-11-30, run.
    "aqlm": "in_group_size out_group_size num_codebooks nbits_per_codebook",
    "auto-round": "group_size",
    "awq": "group_size q_group_size",
    "bitnet": "quantization_mode linear_class",
    "bitsandbytes": "bnb_4bit_quant_storage bnb_4bit_quant_type",
    "eetq": "weights",
    "fp8": "activation_scheme",
    "gemma": "num_bits",
    "gptq": "group_size checkpoint_format method",
    "higgs": "bits group_size",
    "hqq": "nbits group_size weight_quant_params quant_config",
    "metal": "bits group_size",
    "sinq": "nbits group_size tiling_mode method",
    "spqr": "bits beta1 beta2",
    "vptq": "enable_norm enable_perm group_num group_size is_indice_packed",
    # compressed-tensors 0.20.1, QuantizationArgs: 8 bits, integers, symmetric, the strategy by the group's size.
    "compressed-tensors": "num_bits type symmetric strategy scale_dtype actorder format",
    # mlx-lm 0.32.2 writes no mode for affine integers; a module takes what its mode has.
    "mlx": "mode",
}
"""Options of which a tool takes what was stated where they are absent."""
ONE_KIND: Mapping[str, str] = {
    "fp8.fmt": "both kinds of fp8 have 8 bits",
    "mxfp8.fmt": "both kinds of fp8 have 8 bits",
    "mxfp8.scale_fmt": "the scales of MXFP8 are powers of two",
    "mxfp8.activation_scheme": "no file of MXFP8 fixes scales of activations",
    "mxfp8.weight_block_size": "MXFP8 has groups of 32",
    "blockwise_int8.activation_scheme": "no such file fixes scales of activations",
    "auto-round.data_type": "integers are what AutoRound quantizes to",
    "auto-round.packing_format": "the numbers' type says how they are packed",
    "auto-round.block_name_to_quantize": "layers of the text model are what is quantized",
    "gptq.block_name_to_quantize": "layers of the text model are what is quantized",
    "modelopt.group_size": "NVFP4 has groups of 16, AWQ of 128 unless it says otherwise",
    "modelopt.pre_quant_scale": "AWQ smooths",
    "quark.qscheme": "MXFP4 has a scale a group",
    "quark.group_size": "MXFP4 has groups of 32",
    "quark.scale_format": "the scales of MXFP4 are powers of two",
    "quark.scale_type": "scales are floats of 32 bits unless it says otherwise",
    "quark.symmetric": "numbers are symmetric unless it says otherwise",
    "fouroversix.dtype": "a module's own kind is NVFP4 unless it says otherwise",
    "torchao.weight_dtype": "one byte a number whatever its width",
    "torchao.intx_packing_format": "numbers of any width lie in bytes",
    "compressed-tensors.sparsity_config": "dense is what is not sparse",
    "spqr.modules_to_not_convert": "shapes list the modules",
    "mxfp4.modules_to_not_convert": "experts alone are quantized",
    "aqlm.linear_weights_not_to_quantize": "the head is left alone either way",
    "kv_cache_scheme.num_bits": "8 bits unless it says otherwise",
    "kv_cache_scheme.strategy": "scales do not grow with the tokens",
    "kv_cache_scheme.symmetric": "an offset a tensor at most",
    "weight_dtype._data": "one byte a number whatever its width",
    "intx_packing_format._data": "numbers of any width lie in bytes",
}
"""Options that say what is so without them, by tool, with the reason."""
NO_MATTER: Mapping[str, str] = {
    "bitsandbytes.bnb_4bit_quant_type": "codes of both kinds have 4 bits; 8-bit integers have none",
    "bitsandbytes.llm_int8_has_fp16_weight": "of 8-bit files alone",
    "kv_cache_scheme.symmetric": "an offset a tensor at most; no byte grows with the tokens",
    "kv_cache_scheme.strategy": "scales a tensor, channel or head do not grow with the tokens",
    "global_quant_config.input_tensors": "activations: what they are is said by the weights' kind",
}
"""Options whose known values all have one size, with the reason."""


def paths(said: Mapping[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, object]]:
    for key, value in said.items():
        yield (*above, key), value
        if isinstance(value, Mapping):
            yield from paths(value, (*above, key))


def absences(value: object) -> Iterator[object]:
    yield GONE
    if value is not None:
        yield None
    if isinstance(value, str | list | Mapping) and value:
        yield {} if isinstance(value, Mapping) else type(value)()


def others(value: object) -> Iterator[object]:
    """Other values of the kind, and one that nobody knows."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from {0, -1, 3 * value} - {value}
    yield UNHEARD if not isinstance(value, list) else [*value, UNHEARD]
    if not isinstance(value, Mapping):
        yield {UNHEARD: 1}


def changed(said: Mapping[str, Any], path: Path_, value: object) -> dict[str, Any]:
    copied = copy.deepcopy(dict(said))
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copied


def answer(config: dict[str, Any], said: dict[str, Any]) -> Answer:
    size, found = stored(config, said)
    arithmetic = [found.activations, *(rule.format.compute for rule in found.recipe.rules)]
    return size, found.kv_cache, arithmetic, found.guesses


def drops(config: dict[str, Any], said: dict[str, Any], path: Path_, value: object, before: Answer) -> bool:
    """Whether the changed option leaves the whole answer as it was, without a word."""
    try:
        return answer(config, changed(said, path, value)) == before
    except InvalidInputError:
        return False


def says_nothing(method: str, path: Path_, value: object) -> bool:
    """Whether the table holds the option, or its value is that of an absent one."""
    off = value in (None, False, {}, [], HEAD) or value == "dense"
    return off or format_tables().says_nothing(method, ".".join(path))


def among(table: Mapping[str, str], method: str, path: Path_) -> bool:
    return bool({f"{method}.{path[-1]}", ".".join(path[-2:])} & table.keys())


IDS = [f"{method}-{place}" for place, (method, _, _) in enumerate(ROWS)]


def test_every_reader_has_a_configuration() -> None:
    assert {method for method, _, _ in ROWS} == set(known_methods())


@pytest.mark.parametrize(("method", "config", "options"), ROWS, ids=IDS)
def test_no_option_is_taken_away_without_a_word(
    method: str, config: dict[str, Any], options: dict[str, Any]
) -> None:
    said = {METHOD: method, **options}
    before = answer(config, said)
    usual = ABSENT_MEANS.get(method, "").split()
    silent = [
        (".".join(path), value)
        for path, value in paths(options)
        if path[-1] not in usual
        and not says_nothing(method, path, value)
        and not among(ONE_KIND, method, path)
        for new in absences(value)
        if drops(config, said, path, new, before)
    ]
    assert silent == []


@pytest.mark.parametrize(("method", "config", "options"), ROWS, ids=IDS)
def test_no_option_is_changed_without_a_word(
    method: str, config: dict[str, Any], options: dict[str, Any]
) -> None:
    said = {METHOD: method, **options}
    before = answer(config, said)
    silent = [
        (".".join(path), value, new)
        for path, value in paths(options)
        if not format_tables().says_nothing(method, ".".join(path)) and not among(NO_MATTER, method, path)
        for new in others(value)
        if drops(config, said, path, new, before)
    ]
    assert silent == []


@pytest.mark.parametrize(("method", "config", "options"), ROWS, ids=IDS)
def test_an_option_that_nobody_knows_is_named_wherever_it_stands(
    method: str, config: dict[str, Any], options: dict[str, Any]
) -> None:
    said = {METHOD: method, **options}
    before = answer(config, said)
    holders = [(), *(path for path, value in paths(options) if isinstance(value, Mapping))]
    silent = [
        holder
        for holder in holders
        if not format_tables().says_nothing(method, ".".join((*holder, UNHEARD)))
        and drops(config, said, (*holder, UNHEARD), 7, before)
    ]
    assert silent == []
