"""Keys of a configuration file that change no size.

Numbers of the arithmetic, token ids, training, bookkeeping. A key that is neither read by its family nor listed
here may change sizes: the reading is then approximate and says so (see ``reading``).
"""

import re
from importlib.resources import files

_LINES = files(__package__).joinpath("neutral_keys.txt").read_text(encoding="utf-8").splitlines()
_EXACT = frozenset(key for line in _LINES if not line.startswith("#") for key in line.split())

_PATTERNS = re.compile(
    r"""
    .*(dropout|pdrop)(_prob|_rate|_p)?$ | .*_token_(id|index|ids)$ | (bos|eos|pad|unk|mask)_.*id$
    | .*_(eps|epsilon)$ | eps$ | (.*_)?initializer_(range|factor|cutoff_factor)$ | .*_init_std$
    | (.*_)?rope_(theta|scaling|parameters|interleave|interleaved|ratio|local_base_freq|freqs?|type)$
    | .*_(loss_coef|loss_coeff|loss_weight|jitter_noise)$
    """,
    re.VERBOSE,
)


def is_neutral(key: str) -> bool:
    """Whether a key is known not to change parameter counts, caches or FLOPs in any family."""
    return key in _EXACT or _PATTERNS.match(key) is not None
