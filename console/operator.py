"""Who operates, and how their operations are named."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_NAME: Final = 200
_SIGNS: Final = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, and on which machine."""

    who: str
    host: str


def operator(environ: Mapping[str, str] | None = None) -> Operator:
    """Who acts here: TQ_OPERATOR of `environ` (default: the process's), else the user of this machine, by number where it has
    no name, as in a container."""
    named = (os.environ if environ is None else environ).get("TQ_OPERATOR", "").strip()
    if not named:
        try:
            named = getpass.getuser()
        except (KeyError, OSError):
            named = f"uid {os.getuid()}"
    return Operator(_told(named), _told(socket.gethostname()))


def signature(environ: Mapping[str, str] | None = None) -> str:
    """Who acts, for a note that has no room for a machine of its own: TQ_OPERATOR as it is, else the user and the machine."""
    acts = operator(environ)
    named = (os.environ if environ is None else environ).get("TQ_OPERATOR", "").strip()
    return acts.who if named else f"{acts.who}@{acts.host}"


def operation_id(now: float) -> str:
    """A name for an operation begun at `now` (epoch seconds): letters and digits only, later ones sort after earlier ones."""
    at, signs = int(now), ""
    while at:
        at, sign = divmod(at, len(_SIGNS))
        signs = _SIGNS[sign] + signs
    return signs + "".join(secrets.choice(_SIGNS) for _ in range(6))


def _told(text: str) -> str:
    # A name may hold bytes that are no UTF-8, which Redis would refuse to be given.
    return text.encode("utf-8", "replace").decode()[:MAX_NAME]
