"""Files beside ``config.json`` that say how weights are stored: what quantizers write in a file of their own."""

from collections.abc import Mapping
from types import MappingProxyType

from llm_calc.core.checkpoints.tables import FormatTables
from llm_calc.core.errors import InvalidInputError

FIELD = "model.quantization_files"
FILES: Mapping[str, str] = MappingProxyType(
    {
        "hf_quant_config.json": "modelopt",
        "quantize_config.json": "gptq",
        "quant_config.json": "awq",
        "quantization_config.json": "",
    }
)
"""Names of the files, with the tool of those that do not name theirs."""
SAID_IN = "said_in"
"""The key under which a quantization says which field it was given in."""
CONTRADICTIONS = "contradicted_by"
"""The key under which it says what contradicts it."""
_SAME = {"exclude_modules": "ignore", "kv_cache_quant_algo": "kv_cache_scheme", "quantization": ""}
"""Keys of a file that ``config.json`` spells in another way."""


def with_files(
    quantization: Mapping[str, object] | None,
    files: Mapping[str, Mapping[str, object]],
    tables: FormatTables,
) -> Mapping[str, object] | None:
    """What ``config.json`` says, completed by the files beside it; theirs alone where it says nothing.

    Raises:
        InvalidInputError: a file of another name, or files of two tools where ``config.json`` does not decide.
    """
    if quantization is None:
        _check_tools(files)
    for name, content in files.items():
        if name not in FILES:
            known = ", ".join(FILES)
            raise InvalidInputError(f"{FIELD}: {name!r} is not one of {known}", field=FIELD)
        said = _flat(content)
        if FILES[name] and not said.get("quant_method") and not (quantization or {}).get("quant_method"):
            said["quant_method"] = FILES[name]
        said[SAID_IN] = f"{FIELD}.{name}"
        quantization = said if quantization is None else _joined(quantization, said, name, tables)
    return quantization


def _check_tools(files: Mapping[str, Mapping[str, object]]) -> None:
    """Refuses files of two tools: the weights are of one of them, and nothing tells of which."""
    tools = {
        name: str(_flat(content).get("quant_method") or FILES.get(name, ""))
        for name, content in files.items()
    }
    named = {name: tool.lower() for name, tool in tools.items() if tool}
    if len(set(named.values())) > 1:
        each = " and ".join(f"{name} ({tool})" for name, tool in named.items())
        raise InvalidInputError(
            f"{FIELD}: {each} are of two tools; give the one that wrote the weights", field=FIELD
        )


def _flat(content: Mapping[str, object]) -> dict[str, object]:
    """A file's content at one level."""
    inner = content.get("quantization")
    if not isinstance(inner, Mapping):
        return dict(content)
    return {**{key: value for key, value in content.items() if key != "quantization"}, **inner}


def _joined(
    quantization: Mapping[str, object], said: Mapping[str, object], name: str, tables: FormatTables
) -> Mapping[str, object]:
    """The first, with what it leaves out; where both say something else, the second is named."""
    method = str(said.get("quant_method") or FILES[name])
    against = [
        f"{name}: {key}"
        for key, value in said.items()
        if key not in (SAID_IN, *_SAME)
        and not tables.says_nothing(method, key)
        and _differ(quantization.get(key), value)
    ]
    against += [
        f"{name}: {key}"
        for key, same in _SAME.items()
        if _lists_differ(quantization.get(same), said.get(key))
    ]
    stated = {key: value for key, value in quantization.items() if value is not None}
    kept = {
        key: value
        for key, value in said.items()
        if key != SAID_IN and not (key in _SAME and _SAME[key] in quantization)
    }
    before = quantization.get(CONTRADICTIONS)
    named = [*(before if isinstance(before, list) else []), *against]
    return {**kept, **stated, **({CONTRADICTIONS: named} if named else {})}


def _lists_differ(first: object, second: object) -> bool:
    """Whether two lists of modules name others, in whatever order."""
    if not isinstance(first, list) or not isinstance(second, list):
        return False
    return sorted(map(str, first)) != sorted(map(str, second))


def _differ(first: object, second: object) -> bool:
    if first is None or second is None:
        return False
    if isinstance(first, str) and isinstance(second, str):
        return first.lower() != second.lower()
    return first != second
