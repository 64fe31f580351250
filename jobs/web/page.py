"""What is read out of a page: its title, a fingerprint of its text, and its links."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from jobs.errors import PermanentError

MAX_TITLE = 300
MAX_LINKS = 200
MAX_LINK = 2_048
MAX_TAGS = 100_000
"""Tags of one page. Nested as deeply as possible, so many take the parser some ten seconds, and twice as many forty."""

HTML = frozenset({"text/html", "application/xhtml+xml"})
NOT_TEXT = ["script", "style", "noscript", "template"]

# The HTML rules reopen every formatting element that was not closed in every later block: a page of 500 kB can ask for
# gigabytes that way. They carry no text and no link, so they go before the page is parsed, each for a space.
FORMATTING = re.compile(
    r"</?(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])[^>]*(?:>|\Z)", re.IGNORECASE | re.ASCII
)
TAG = re.compile(r"</?[a-z]", re.IGNORECASE | re.ASCII)
DECLARED_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})")
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
NO_PAGES_CHARSET = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs", "oem"})
"""Python's codecs that no page is written in, some of them slow or broken by design."""


@dataclass(frozen=True, slots=True)
class Page:
    """`title` in one line; `text_hash` is equal for two pages whose visible text is the same but for white space;
    `links` are absolute http(s) URLs without fragment, each once, in the order of the page."""

    title: str
    text_hash: str
    links: tuple[str, ...]


def read(body: bytes, content_type: str, charset: str | None, url: str) -> Page:
    """What the page at `url` says. Only HTML has a title and links. Raises PermanentError for a page of too many tags.

    Visible text means: the text of the body outside of scripts, styles and templates; what a style sheet hides counts.
    """
    text = decode(body, charset)
    if content_type not in HTML:
        return Page("", _fingerprint(text), ())
    markup = FORMATTING.sub(" ", text)
    tags = sum(1 for _ in TAG.finditer(markup))
    if tags > MAX_TAGS:
        raise PermanentError(f"{urlsplit(url).hostname}: has {tags} tags; at most {MAX_TAGS} are read")
    tree = LexborHTMLParser(markup, options=LexborDocumentOptions.WO_EVENTS)
    tree.strip_tags(NOT_TEXT)
    title = tree.css_first("head > title, body > title")
    return Page(
        title=_one_line(title.text())[:MAX_TITLE] if title else "",
        text_hash=_fingerprint(tree.body.text(separator=" ") if tree.body else ""),
        links=_links(tree, url),
    )


def decode(body: bytes, charset: str | None) -> str:
    """The text of `body`: by its byte-order mark, by `charset`, by what it declares itself, else UTF-8.

    An unknown charset is passed over. Bytes that do not fit become U+FFFD.
    """
    declared = DECLARED_CHARSET.search(body[:1024])
    named = (
        next((name for mark, name in MARKS.items() if body.startswith(mark)), None),
        charset,
        declared[1].decode("ascii") if declared else None,
    )
    for name in filter(None, named):
        try:
            if codecs.lookup(name).name not in NO_PAGES_CHARSET:
                return body.decode(name, "replace").removeprefix("\ufeff")
        except (LookupError, ValueError):
            continue
    return body.decode("utf-8", "replace")


def _links(tree: LexborHTMLParser, url: str) -> tuple[str, ...]:
    declared = tree.css_first("base[href]")
    base = _joined(url, declared.attributes.get("href") if declared else None) or url
    found: dict[str, None] = {}
    for link in _absolute(tree, base):
        found[link] = None
        if len(found) == MAX_LINKS:
            break
    return tuple(found)


def _absolute(tree: LexborHTMLParser, base: str) -> Iterator[str]:
    for node in tree.css("a[href], area[href]"):
        link = _joined(base, node.attributes.get("href"))
        if link and len(link) <= MAX_LINK and link.isprintable():
            yield link


def _joined(base: str, href: str | None) -> str:
    """`href` seen from `base`, or "" when that is no http(s) URL."""
    try:
        link = urldefrag(urljoin(base, (href or "").strip())).url
        parts = urlsplit(link)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    return link if href is not None and parts.scheme in ("http", "https") and host else ""


def _fingerprint(text: str) -> str:
    return hashlib.sha256(_one_line(text).encode("utf-8", "surrogatepass")).hexdigest()


def _one_line(text: str) -> str:
    return " ".join(text.split())
