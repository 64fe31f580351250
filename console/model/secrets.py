"""Secrets in payloads and free text: what is masked before anything is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from console.model.masking import MASK, mask_webhook
from console.model.payload import Call, Long, Many, Pairs, Thing, Undecodable, Value
from console.model.secret_shapes import masked_word, program, without_credentials, without_keys
from console.model.secret_text import without_named

NAMES: Final = (
    "password", "passwd", "passphrase", "passcode", "pwd", "token", "secret", "authorization", "api_key", "apikey",
    "access_key", "account_key", "private_key", "cookie", "credential",
)  # fmt: skip
"""Whatever has one of these in its name, in any case, has a secret as its value. `_` also stands for a dash, a
blank or nothing, as in `api-key` and `apiKey`."""

WORDS: Final = ("pass", "auth", "sig", "signature")
"""The same, but only as the last word of a name: of `db_pass`, `dbPass`, `pass`, not of `passed`, `bypass` and `auth_mode`."""

_LAST_WORDS = "|".join(
    rf"{word}(?:(?<![A-Za-z]{word})|(?-i:(?<=[a-z]{word.capitalize()})))(?![A-Za-z]|[_-]\w)" for word in WORDS
)
_HOOK_NAME = re.compile(r"web[-_]?hook", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The names whose values are masked: NAMES, and those that an installation adds (TQ_MASK)."""

    more: tuple[str, ...] = ()
    named: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _marks: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = "|".join(re.escape(name).replace("_", "[-_ ]?") for name in (*NAMES, *self.more) if name.strip())
        names = f"{names}|{_LAST_WORDS}"
        object.__setattr__(self, "named", re.compile(names, re.IGNORECASE))
        # Most characters begin none of them.
        begins = "".join(sorted({re.escape(name[0]) for name in (":", *NAMES, *WORDS, *self.more) if name.strip()}))
        object.__setattr__(self, "_marks", re.compile(f"(?=[{begins}])(?:(?P<url>://)|{names})", re.IGNORECASE))


DEFAULT: Final = Secrets()


def masked_text(text: str, secrets: Secrets = DEFAULT) -> str:
    """`text` without the secrets of its URLs, without keys and passwords that are known by their look (secret_shapes.py), and
    without the values that follow secret names.

    A value follows after `=` or `:`, or after a blank when the name is a flag like `--password`. A quoted one ends with its
    closing quote (or with the text), one in brackets with the closing bracket (or with its line), any other with a blank, a
    comma or a bracket. What keeps no secret, like None, stays. In sentences spoken_secrets.py tells what is one.
    """
    return without_credentials(without_named(without_keys(text), secrets._marks))


# --- values -------------------------------------------------------------------------------------


def masked_value(value: Value, secrets: Secrets = DEFAULT) -> Value:
    """`value` with MASK in place of each value that a secret name has, and its texts masked.

    Names are keys, keyword arguments and attributes, the first of a pair like `("Cookie", "x")`, and flags before what they are
    given, like `["--password", "x"]`.
    """
    return _Masking(secrets).value(value)


def masked_call(call: Call | Undecodable, secrets: Secrets = DEFAULT) -> Call | Undecodable:
    """`call` with its instance, arguments and keyword arguments masked."""
    if isinstance(call, Undecodable):
        return masked_undecodable(call, secrets)
    masking = _Masking(secrets)
    return Call(
        masked_text(call.function, secrets),
        masking.value(call.instance),
        masking.sequence(call.args),
        tuple((masking.value(key), masking.named(key, value)) for key, value in call.kwargs),
    )


def masked_payload(found: Value | Undecodable, secrets: Secrets = DEFAULT) -> Value | Undecodable:
    """Whatever was decoded, or could not be, masked."""
    return masked_undecodable(found, secrets) if isinstance(found, Undecodable) else masked_value(found, secrets)


def masked_undecodable(found: Undecodable, secrets: Secrets = DEFAULT) -> Undecodable:
    """`found` with the reason and the beginning of its bytes masked."""
    head = _masked_bytes(bytes.fromhex(found.head), secrets)
    return replace(found, reason=masked_text(found.reason, secrets), head=head.hex(" "))


class _Masking:
    """One value being masked. A pickle may name the same text ten thousand times: each is masked once."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self.texts: dict[int, Value] = {}

    def value(self, value: Value) -> Value:
        if isinstance(value, str | bytes | Long):
            if id(value) not in self.texts:
                self.texts[id(value)] = self.text(value)
            return self.texts[id(value)]
        if isinstance(value, Many):
            items = self.sequence(value.items)
            if len(items) == 2 and self.is_name(value.items[0]):
                items = (items[0], self.named(*value.items))
            return replace(value, items=items)
        if isinstance(value, Pairs):
            return replace(value, items=tuple((self.value(key), self.named(key, item)) for key, item in value.items))
        if isinstance(value, Thing):
            return Thing(self.value(value.made_by), self.sequence(value.args), self.value(value.state))
        return value

    def sequence(self, items: tuple[Value, ...]) -> tuple[Value, ...]:
        flagged = [False, *(self.is_flag(item) for item in items[:-1])]
        found = [_mask(item) if secret else self.value(item) for item, secret in zip(items, flagged, strict=False)]
        called, before = "", ""
        for at, item in enumerate(found):
            word = item if isinstance(item, str) else ""
            called = program(word) or called
            if called and isinstance(item, str):
                found[at] = masked_word(called, before, word)
            before = word
        return tuple(found)

    def named(self, name: Value, value: Value) -> Value:
        text = _as_text(name)
        if text is not None and self.secrets.named.search(text):
            return _mask(value)
        return self.hooks(value) if text is not None and _HOOK_NAME.search(text) else self.value(value)

    def hooks(self, value: Value) -> Value:
        """The URLs of webhooks, of which whoever knows the path may use them."""
        text = _as_text(value)
        if text is not None and "://" in text:
            return mask_webhook(text)
        return replace(value, items=tuple(map(self.hooks, value.items))) if isinstance(value, Many) else self.value(value)

    def is_name(self, value: Value) -> bool:
        text = _as_text(value)
        return text is not None and len(text) <= 100 and bool(_WORD.fullmatch(text) and self.secrets.named.search(text))

    def is_flag(self, value: Value) -> bool:
        text = _as_text(value)
        return text is not None and text.startswith("-") and self.is_name(value)

    def text(self, value: str | bytes | Long) -> Value:
        whole = value.head if isinstance(value, Long) else value
        shown = masked_text(whole, self.secrets) if isinstance(whole, str) else _masked_bytes(whole, self.secrets)
        if shown == whole:
            return value
        return replace(value, head=shown) if isinstance(value, Long) else shown


_WORD = re.compile(r"[\w-]+")


def _mask(value: Value) -> Value:
    """MASK, but for what keeps no secret."""
    return value if value is None or isinstance(value, bool) or value in ("", b"") else MASK


def _as_text(value: Value) -> str | None:
    head = value.head if isinstance(value, Long) else value
    return head.decode("utf-8", "replace") if isinstance(head, bytes) else head if isinstance(head, str) else None


def _masked_bytes(value: bytes, secrets: Secrets) -> bytes:
    shown = masked_text(value.decode("utf-8", "surrogateescape"), secrets)
    return shown.encode("utf-8", "surrogateescape")
