"""Counts of tokens as people write them: 65536, 65,536, 64k, 1M."""

import re

import typer

_COUNT = re.compile(r"(-?\d+(?:\.\d+)?)\s*([km]?)", re.IGNORECASE)
_TIMES = {"": 1, "k": 1 << 10, "m": 1 << 20}


def token_count(text: str) -> int:
    """A count of tokens; k stands for 1,024 and m for 1,048,576, as models' contexts are named.

    >>> token_count("64k"), token_count("65,536"), token_count("1M"), token_count("1.5k")
    (65536, 65536, 1048576, 1536)

    Raises:
        typer.BadParameter: it is none.
    """
    plain = re.sub(r"(?<=\d)[,_](?=\d{3}(?!\d))", "", str(text).strip())
    found = _COUNT.fullmatch(plain)
    count = float(found[1]) * _TIMES[found[2].lower()] if found else 0.5
    if count != int(count):
        raise typer.BadParameter("must be a whole number, such as 65536 or 64k (65,536)")
    return int(count)
