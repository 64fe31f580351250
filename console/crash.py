"""What is left of an error that nobody foresaw: one line for the operator, and a traceback in a file for whoever mends it."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Sequence


def note(error: BaseException, mask: Sequence[str] = ()) -> str:
    """Add the traceback, without locals and without what looks like a secret, to the crash log; return what to tell. `mask` are
    names that have secrets as values, beside the usual ones."""
    from platformdirs import user_log_path

    from console.model.secrets import Secrets, masked_text

    file = user_log_path("tq-console") / "crash.log"
    told = f"it failed unexpectedly ({type(error).__name__})"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8", errors="replace"
        ) as log:
            log.write(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
            log.write(masked_text("".join(traceback.format_exception(error)), Secrets(tuple(mask))) + "\n")
    except OSError as unwritable:
        return f"{told}, and {file} cannot be written: {unwritable.strerror}"
    return f"{told}; please report it with the end of {file}"
