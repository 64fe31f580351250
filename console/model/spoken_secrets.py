"""What is a secret in a sentence: `password is x`, `using password 'x'`, `passphrase x`.

Sentences tell of passwords more often than they tell one: ordinary words are none.
"""

from __future__ import annotations

from typing import Final

_ORDINARY: Final = frozenset(
    """
    a an the and or but not no for of in on at to by as is was are were be been being has had have does did do must may
    might can cannot could should will would if then than that this it its from with without when while where which who
    only also already still so too very just more less none null true false yes wrong bad good invalid incorrect correct
    valid required needed necessary mandatory optional missing empty blank unset set given provided specified supplied
    expected unexpected unknown known expired expiring changed unchanged reset rejected refused denied accepted allowed
    forbidden disabled enabled protected encrypted hashed stored stale old weak strong short long different same mismatch
    mismatched masked hidden secret wrongly never always about after before between during until authentication auth check
    checks validation verification hash hashes hashing manager store file files field fields policy prompt change login
    user users length limit attempt attempts error errors failed fails failure mail email link form page parameter
    argument option value column name type callback
    """.split()  # noqa: SIM905
)
_SIGNS: Final = frozenset("@#$%^&*!+=~|?")
_FULL_STOPS: Final = ".,;:!?…"
MIN_KEY: Final = 8
MAX_KEY: Final = 200


def is_secret(word: str, name: str, *, told: bool, quoted: bool) -> bool:
    """Whether `word`, which follows `name` in a sentence, is taken for its value.

    `told`: `is` or `was` stands between them. `quoted`: it stands in quotes. Of a password that is enough, but for ordinary
    words; of tokens and keys, of which messages of parsers tell as well, it has to look like one in any case.
    """
    bare = word.strip(_FULL_STOPS)
    if not bare or "://" in word:
        return False
    name = name.lower()
    if not any(one in name for one in ("password", "passwd", "passphrase", "passcode", "pwd")):
        return len(bare) >= MIN_KEY and _is_mixed(bare[:MAX_KEY])
    if quoted:
        return True
    if bare.lower() in _ORDINARY:
        return False
    if told or "passphrase" in name or "passcode" in name:
        return True
    return len(bare) >= 4 and (_is_mixed(bare[:MAX_KEY]) or not _SIGNS.isdisjoint(bare[:MAX_KEY]))


def _is_mixed(word: str) -> bool:
    """Both letters and digits, as ids and keys have them."""
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))
