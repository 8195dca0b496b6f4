"""Memory that work has freed goes back to the system."""

import sys
import time
from pathlib import Path

import pytest

from llm_calc.adapters.calibration import load_calibration
from llm_calc.api.memory import EVERY_S, Freed, Kept, bounded_caches
from llm_calc.core.plain_numbers import uniform_numbers

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc, and glibc")


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_memory_freed_below_what_is_kept_is_given_back() -> None:
    freed = Freed(at_once=True)
    pieces = [bytearray(50_000) for _ in range(1300)]
    last = bytearray(50_000)
    pieces.clear()
    before = resident_bytes()
    freed.give_back()
    assert before - resident_bytes() > 40_000_000  # of 65 MB; some pages are in use again
    assert last


def test_light_work_gives_back_now_and_then() -> None:
    freed = Freed(at_once=False)
    began_s = freed.last_s
    freed.give_back()
    assert freed.last_s == began_s
    freed.last_s = time.monotonic() - EVERY_S
    freed.give_back()
    assert freed.last_s > began_s


def test_caches_are_emptied_where_they_hold_much_and_those_of_catalogs_stay() -> None:
    uniform_numbers.cache_clear()
    kept = Kept(most_blocks=50_000)
    numbers = uniform_numbers("fp16")
    catalogs = load_calibration("served")
    assert not kept.bound()
    assert uniform_numbers("fp16") is numbers
    pieces = [str(number) for number in range(100_000)]
    assert kept.bound()
    assert uniform_numbers.cache_info().currsize == 0
    assert load_calibration("served") is catalogs
    assert uniform_numbers("fp16") == numbers
    assert pieces
    assert not kept.bound()  # what is left is what the next bound is counted from


def test_every_bounded_cache_of_a_module_is_found() -> None:
    found = list(bounded_caches())
    assert uniform_numbers in found
    assert load_calibration not in found
    assert all(each.cache_parameters()["maxsize"] for each in found)
