"""How old a price and an engine's rules are: what is older than ``MOST_DAYS`` is said in the answer that rests on it.

Ages count to today; ``SOURCE_DATE_EPOCH`` (seconds since 1970, the convention of reproducible builds) names another
day. Sentences say the day and the bound, never the age itself, so that an answer stays the same from day to day.
"""

import os
import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime

MOST_DAYS = 90
EPOCH = "SOURCE_DATE_EPOCH"
_LAST_DAY = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


def today() -> date:
    """The day that ages count to."""
    stated = os.environ.get(EPOCH, "").strip()
    return datetime.fromtimestamp(int(stated), UTC).date() if stated.isdigit() else datetime.now(UTC).date()


def is_old(day: date) -> bool:
    """Whether a day lies further back than the bound."""
    return (today() - day).days > MOST_DAYS


def last_day(text: str) -> date | None:
    """The last day that a text such as ``2026-08-21`` or ``2025-12/2026-08`` may speak of; None without a date."""
    found = _LAST_DAY.search(text)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or 12)
    return date(year, month, int(found[3] or monthrange(year, month)[1]))


def price_age(as_of: str) -> str:
    """What to say of a price's age; nothing of a recent one, or of the caller's own, which has no day."""
    day = last_day(as_of)
    if day is None:
        return "of no stated day" if as_of else ""
    return f"of {as_of}, more than {MOST_DAYS} days ago" if is_old(day) else ""


def old_prices(days: Iterable[tuple[str, str]]) -> list[str]:
    """One sentence for GPUs, each with the day of its price, whose prices are old."""
    old = [f"{gpu} {age}" for gpu, as_of in sorted(set(days)) if (age := price_age(as_of))]
    return [f"prices: rents change by the week; {', '.join(old)}: give your own in prices"] if old else []


def old_rules(title: str, version: str, read_on: str) -> list[str]:
    """One sentence where an engine's rules were read long ago."""
    day = last_day(read_on)
    if day is None or not is_old(day):
        return []
    age = f"were read on {read_on}, more than {MOST_DAYS} days ago; releases since then may differ"
    return [f"engine: the rules of {title} {version} {age}"]
