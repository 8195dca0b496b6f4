"""JSON that somebody wrote: decoded, with the numbers that JSON does not have refused."""

from collections.abc import Callable, Iterator
from importlib import import_module
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from llm_calc.adapters.json_twice import refuse_twice
from llm_calc.core.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FORGIVING_FIELD = "hf_config"
_OTHER_FILES = frozenset(("safetensors_index", "quantization_files", "processor", "adapter_config"))
"""Fields that hold other published files, whose objects may be of any length."""
MOST_KEYS = 1000
"""No object of a request has more fields; each that is not known would be told of."""
MOST_VALUES = 1_000_000
"""Of one request: the largest published index of tensors has 200 000. A million takes 100 MB and half a second."""
_MARK = b"\xef\xbb\xbf"


def without_mark(data: bytes) -> bytes:
    r"""The text of a file without the byte order mark that some editors put before it.

    >>> without_mark(b"\xef\xbb\xbf{}"), without_mark(b"{}")
    (b'{}', b'{}')
    """
    return data.removeprefix(_MARK)


def json_bytes(answer: object) -> bytes:
    """An answer, or plain containers, as JSON; answers are right by construction and are not validated again."""
    if isinstance(answer, BaseModel):
        return answer.__pydantic_serializer__.to_json(answer)
    return plain_json(answer)


def plain_json(value: object) -> bytes:
    """Plain containers of finite numbers as JSON: by orjson in a third of the time, where it is installed.

    Both write the same bytes; what orjson refuses, such as numbers of more than 64 bits, the other one writes.
    """
    if _QUICK is None:
        return to_json(value)
    dumps, plain, _ = _QUICK
    try:
        return dumps(value, option=plain)
    except TypeError:
        return to_json(value)


def array_json(values: "npt.NDArray[np.generic]") -> bytes:
    """An array of numbers as JSON; what is not finite is null."""
    if _QUICK is None or not values.flags.c_contiguous:
        return to_json(values.tolist(), inf_nan_mode="null")
    dumps, _, arrays = _QUICK
    try:
        return dumps(values, option=arrays)
    except TypeError:
        return to_json(values.tolist(), inf_nan_mode="null")


def _quick() -> tuple[Callable[..., bytes], int, int] | None:
    """What orjson writes with, and its options: to leave to pydantic what the two write otherwise; to take arrays."""
    try:
        found = import_module("orjson")
    except ImportError:
        return None
    left = found.OPT_PASSTHROUGH_DATACLASS | found.OPT_PASSTHROUGH_DATETIME | found.OPT_PASSTHROUGH_SUBCLASS
    return found.dumps, left, found.OPT_SERIALIZE_NUMPY


_QUICK = _quick()


def decoded_json(text: bytes | str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Decode a request.

    Raises:
        InvalidInputError: it is not JSON, says a key twice, holds more than any question needs, or NaN or an infinity
            outside of ``hf_config``: JSON has no such numbers, but published configs hold them.
    """
    try:
        decoded = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        decoded = _decode_non_finite(text, str(error))
    refuse_many(text, decoded)
    refuse_twice(text, decoded)
    return with_whole_numbers(decoded)


def refuse_many(text: bytes | str, decoded: object) -> None:
    """Refuse a text that was read as ``decoded`` if it holds too many values; each takes two letters at least.

    Raises:
        InvalidInputError: it does.
    """
    values, waiting = 0, [decoded] if len(text) > 2 * MOST_VALUES else []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            values += len(value)
            waiting.extend(value.values() if isinstance(value, dict) else value)
        if values > MOST_VALUES:
            raise InvalidInputError(f"body: must hold at most {MOST_VALUES} values")


def with_whole_numbers(value: Any, most_keys: float = MOST_KEYS) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Make 2.0 a whole number outside of ``hf_config``: JSON has one kind of number, and to it 2.0 is 2.

    Raises:
        InvalidInputError: an object of the request itself has more keys than any may have.
    """
    if isinstance(value, dict):
        if len(value) > most_keys:
            last = str(next(reversed(value)))[:80]
            msg = f"body: an object has {len(value)} keys, the last is {last!r}; at most {most_keys} are accepted"
            raise InvalidInputError(msg)
        return {
            key: entry
            if key == _FORGIVING_FIELD
            else with_whole_numbers(entry, inf if key in _OTHER_FILES else most_keys)
            for key, entry in value.items()
        }
    if isinstance(value, list):
        return [with_whole_numbers(entry, most_keys) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _decode_non_finite(text: bytes | str, reason: str) -> object:
    """Decode what is JSON but for NaN and infinities inside of ``hf_config``, or say where it is not."""
    try:
        decoded: object = from_json(text)
    except ValueError:
        raise InvalidInputError(f"body: must be valid JSON ({reason})") from None
    for path in _non_finite_paths(decoded):
        raise InvalidInputError(f"{path}: must be a finite number; JSON has no NaN and no Infinity")
    return decoded


def _non_finite_paths(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of each number that is not finite, outside of ``hf_config``."""
    if isinstance(value, float) and not isfinite(value):
        yield path.lstrip(".") or "body"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _non_finite_paths(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != _FORGIVING_FIELD:
                yield from _non_finite_paths(item, f"{path}.{key}")
