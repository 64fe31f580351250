"""The Lua scripts of the console. Each file in `lua/` says its keys, arguments, result, what it leaves and its worst cost.

As in jobs/scripts.py, prefixes of keys are arguments and not KEYS: the scripts want one server, not a cluster, as RQ does.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from jobs.scripts import Script


@lru_cache(maxsize=64)
def load(*names: str) -> Script:
    """The script of these files of `lua/`, one after the other: preludes first."""
    text = "\n".join((files("console.store") / "lua" / f"{name}.lua").read_text("utf-8") for name in names)
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
