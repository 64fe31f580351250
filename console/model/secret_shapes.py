"""Secrets that are known by their own look, whatever stands before them.

No expression in here goes back over what it has read, or farther than a bounded number of characters.
"""

from __future__ import annotations

import re
from typing import Final

from console.model.masking import MASK

_KEY_BEGINNINGS: Final = (
    r"gh[opsur]_", "github_pat_", "glpat-", r"xox[a-z]-", "xapp-", "[sr]k_(?:live|test)_", "whsec_", "dop_v1_", "pypi-(?=Ag)",
    r"sk-(?=[\w-]{0,40}\d)", "(?:npm|hf)_(?=[A-Za-z0-9]{20})", "shp(?:at|ss|ca|pa)_", r"SG\.(?=[\w-]{16})", "AIza", r"ya29\.",
    "A[KS]IA(?=[A-Z0-9]{12})", "eyJ",
)  # fmt: skip
"""What keys begin with: of GitHub, GitLab, Slack, Stripe, DigitalOcean, PyPI, OpenAI and Anthropic, npm, Hugging Face, Shopify,
SendGrid, Google and AWS; and JSON in base64, as a JSON Web Token has it."""

_KEY: Final = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_KEY_BEGINNINGS)})[A-Za-z0-9_-]{{8,}}+(?:\.[A-Za-z0-9_-]+)*+")
_KEY_HINTS: Final = (
    "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "k_live_", "k_test_", "whsec_", "dop_v1_",
    "pypi-Ag", "sk-", "npm_", "hf_", "shp", "SG.", "AIza", "ya29.", "AKIA", "ASIA", "eyJ",
)  # fmt: skip
_PROGRAM_HINTS: Final = ("mysql", "mariadb", "sshpass", "mongo", "s-cli", "y-cli", "curl")
"""One of these is in a text in which there is one. To look for a word is much quicker than for an expression."""

_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")

_QUERY: Final = re.compile(r"""(?<=[\w/.%-])\?(?=[\w.%~\[\]-]{1,64}=)[^\s"'<>()]*+""")
"""The query of a URL without a scheme: what a URL has is not looked for here."""

MAX_USER: Final = 200
_AT: Final = re.compile(r"@(?=[\w\[])")
_USER_END: Final = re.compile(r"""[\s"'<>()\[\]{},/=]""")
_HOST: Final = re.compile(r"(?:\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{1,255}+)(?P<more>:\d|/)?")
_NO_USER: Final = frozenset(
    ["mailto", "to", "from", "cc", "bcc", "user", "email", "mail", "e-mail", "reply-to", "sip", "acct", "by"]
)
_NO_HOST: Final = ("sha256", "sha384", "sha512", "0x")

_PROGRAM: Final = re.compile(
    r"(?<![A-Za-z])(?:(?P<p>(?:mysql|mariadb)[a-z_-]{0,20}|sshpass|mongosh?)|(?P<a>(?:redis|valkey)-cli)|(?P<u>curl))(?![A-Za-z])"
)
MAX_COMMAND: Final = 400
_BETWEEN: Final = r"""(?:\\*['"],[ \t]*\\*['"]|[ \t]+(?:\\*['"])?)"""
_OPTIONS: Final = {
    "p": re.compile(rf"""(?<=[\s"'])-p(?:(?=[^\s"',-])|{_BETWEEN}(?=[^\s"'-]))([^\s"']+)"""),
    "a": re.compile(rf"""(?<=[\s"'])(?:-a|--pass){_BETWEEN}([^\s"']+)"""),
    "u": re.compile(rf"""(?<=[\s"'])(?:-u|--user){_BETWEEN}([^\s"']+)"""),
}
_FLAGS: Final = {"p": ("-p",), "a": ("-a", "--pass"), "u": ("-u", "--user"), "": ()}
"""Options whose value is a password, by the program that has them: mysql -p, redis-cli -a, curl -u."""


def without_keys(text: str) -> str:
    """`text` without private keys and without keys of well-known services."""
    if "-----BEGIN" in text:
        text = _without_pem(text)
    if any(hint in text for hint in _KEY_HINTS):
        text = _KEY.sub(MASK, text)
    return _without_options(text) if any(hint in text for hint in _PROGRAM_HINTS) else text


def program(word: str) -> str:
    """A name for the options of the program that a word of a command line calls, empty where it has none for passwords."""
    found = _PROGRAM.search(word[:MAX_COMMAND])
    return found.lastgroup or "" if found else ""


def masked_word(program: str, before: str, word: str) -> str:
    """A word of a command line of a program, without the password that it is or has in it."""
    if before in _FLAGS[program]:
        return MASK
    return f"-p{MASK}" if program == "p" and word.startswith("-p") and len(word) > 2 else word


def without_credentials(text: str) -> str:
    """`text` without `user:password` before a host, and without the queries of URLs, where these have no scheme."""
    if "@" in text:
        text = _without_users(text)
    return _QUERY.sub("?" + MASK, text) if "?" in text else text


def _without_pem(text: str) -> str:
    """A private key that does not end goes on to the end of the text."""
    pieces: list[str] = []
    done = 0
    while found := _PEM.search(text, done):
        end = _PEM_END.search(text, found.end())
        pieces += (text[done : found.start()], MASK)
        done = end.end() if end else len(text)
    return "".join((*pieces, text[done:]))


def _without_options(text: str) -> str:
    pieces: list[str] = []
    done = 0
    while found := _PROGRAM.search(text, done):
        line = text.find("\n", found.end(), found.end() + MAX_COMMAND)
        end = min(found.end() + MAX_COMMAND, len(text)) if line < 0 else line
        while end < len(text) and line < 0 and not text[end].isspace():
            end += 1
        option = _OPTIONS[found.lastgroup or "p"]
        pieces += (text[done : found.end()], option.sub(_optionless, text[found.end() : end]))
        done = end
    return "".join((*pieces, text[done:]))


def _optionless(found: re.Match[str]) -> str:
    return found[0][: found.start(1) - found.start()] + MASK


def _without_users(text: str) -> str:
    pieces: list[str] = []
    done = 0
    while found := _AT.search(text, done):
        start = _user_start(text, found.start(), max(done, found.start() - MAX_USER))
        name, colon, secret = text[start : found.start()].partition(":")
        at = found.start()
        if colon and secret and secret != MASK:
            at = _last_at(text, at)
            host = _HOST.match(text, at + 1)
            if host and not host[0].startswith(_NO_HOST) and (host["more"] or name.lower() not in _NO_USER):
                pieces += (text[done:start], MASK)
                done = at
        pieces.append(text[done : at + 1])
        done = at + 1
    return "".join((*pieces, text[done:]))


def _user_start(text: str, at: int, least: int) -> int:
    while at > least and not _USER_END.match(text[at - 1]):
        at -= 1
    return at


def _last_at(text: str, at: int) -> int:
    """The last `@` before something that no password has: what was not escaped may be in it."""
    end = _USER_END.search(text, at, at + MAX_USER)
    last = text.rfind("@", at, end.start() if end else at + MAX_USER)
    return last if last < len(text) - 1 and (text[last + 1].isalnum() or text[last + 1] in "_[") else at
