"""A page gives its title, a fingerprint of what a reader sees, and its links, whatever its author wrote."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import PermanentError
from jobs.web.page import MAX_LINKS, MAX_TAGS, MAX_TITLE, Page, decode, read

URL = "https://example.com/news/today?page=2"


def html(markup: str | bytes, charset: str | None = "utf-8", url: str = URL) -> Page:
    return read(markup.encode() if isinstance(markup, str) else markup, "text/html", charset, url)


def same_text(one: str, other: str) -> bool:
    return html(one).text_hash == html(other).text_hash


# --- title ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title>Hello</title>", "Hello"),
        ("<title>\n  Two\n\tlines &amp; more </title><title>Second</title>", "Two lines & more"),
        ("<p>No title", ""),
        ("<svg><title>Of a picture</title></svg>", ""),
        ("<title></title>", ""),
        ("", ""),
        (f"<title>{'x' * 1000}</title>", "x" * MAX_TITLE),
    ],
)
def test_the_title(markup: str, title: str) -> None:
    assert html(markup).title == title


# --- text -----------------------------------------------------------------------------------------


def test_only_what_a_reader_sees_counts() -> None:
    seen = "<body><h1>News</h1><p>It rains.</p>"
    assert same_text(seen, "<title>t</title><body class=x>\n<h1 id=1>News</h1>\n\n <p>It   rains.<!-- still --></p>")
    assert same_text(seen, "<script>n=1</script><style>p{}</style><body><h1>News</h1><template><p>x</template><p>It rains.")
    assert same_text(
        seen, "<body><h1>News</h1><p>It rains.</p><noscript><img><style>b{}</style>no</noscript><script>1</script>"
    )
    assert not same_text(seen, "<body><h1>News</h1><p>It snows.</p>")
    assert not same_text("<p>a<p>b", "<p>ab")


def test_a_text_keeps_its_fingerprint_in_every_release() -> None:
    assert html("<p>Hello").text_hash == "185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969"


def test_formatting_is_no_text() -> None:
    assert same_text("<p>It <b>rains</b> <FONT color='red'>now</FONT>", "<p>It rains now")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/rss+xml"])
def test_what_is_no_html_has_a_text_only(content_type: str) -> None:
    found = read(b'<title>x</title> <a href="/">1</a>', content_type, None, URL)
    assert (found.title, found.links) == ("", ())
    assert found.text_hash == read(b'<title>x</title>\n<a href="/">1</a>\n', content_type, None, URL).text_hash
    assert found.text_hash != read(b'<title>y</title> <a href="/">1</a>', content_type, None, URL).text_hash


# --- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("href", "link"),
    [
        ("https://other.example/a", "https://other.example/a"),
        ("/root", "https://example.com/root"),
        ("item", "https://example.com/news/item"),
        ("?page=3", "https://example.com/news/today?page=3"),
        ("//cdn.example/x", "https://cdn.example/x"),
        (" /spaces \n", "https://example.com/spaces"),
        ("/part#two", "https://example.com/part"),
        ("", URL),
    ],
)
def test_a_link_is_absolute(href: str, link: str) -> None:
    assert html(f'<a href="{href}">x</a>').links == (link,)


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#10;script:alert(1)",
        "mailto:a@b.example",
        "data:text/html,x",
        "ftp://h/x",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "http://h:port/",
        "http://h/&#x202e;evil",
        "/" + "x" * 3000,
    ],
)
def test_what_is_no_web_address_is_left_out(href: str) -> None:
    assert html(f'<a href="{href}">x</a><a>none</a><a href>empty</a><area href="/kept">').links[-1:] == (
        "https://example.com/kept",
    )
    assert not [link for link in html(f'<a href="{href}">x</a>').links if link != URL]


def test_links_come_once_and_in_order_and_bounded() -> None:
    assert html("<a href=/b>1</a><a href=/a>2</a><a href=/b#x>3</a>").links == (
        "https://example.com/b",
        "https://example.com/a",
    )
    many = html("".join(f"<a href=/{n}>x</a>" for n in range(1000))).links
    assert many == tuple(f"https://example.com/{n}" for n in range(MAX_LINKS))


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("https://cdn.example/deep/", "https://cdn.example/deep/x"),
        ("/elsewhere/", "https://example.com/elsewhere/x"),
        ("javascript:alert(1)", "https://example.com/news/x"),
        ("http://[::1", "https://example.com/news/x"),
    ],
)
def test_the_first_base_that_is_one_counts(base: str, link: str) -> None:
    assert html(f'<base target=_top><base href="{base}"><base href="/second/"><a href=x>x</a>').links == (link,)


# --- charsets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("grün".encode(), None, "grün"),
        ("grün".encode(), "utf-8", "grün"),
        ("grün".encode("latin-1"), "iso-8859-1", "grün"),
        ("<meta charset=latin-1>grün".encode("latin-1"), None, "<meta charset=latin-1>grün"),
        ("<meta charset=latin-1>grün".encode(), "utf-8", "<meta charset=latin-1>grün"),
        ("<?xml version='1.0' encoding='cp1251'?>да".encode("cp1251"), None, "<?xml version='1.0' encoding='cp1251'?>да"),
        (b"\xef\xbb\xbf" + "grün".encode(), "latin-1", "grün"),
        (b"\xff\xfe" + "grün".encode("utf-16-le"), "utf-8", "grün"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        ("grün".encode(), "no-such-charset", "grün"),
        ("grün".encode(), "hex", "grün"),
        ("grün".encode(), "rot13", "grün"),
        ("grün".encode(), "punycode", "grün"),
        ("grün".encode(), "unicode_escape", "grün"),
        ("grün".encode(), "undefined", "grün"),
        ("grün".encode(), "utf-8\x00", "grün"),
        ("grün".encode("latin-1"), "utf-8", "gr\ufffdn"),
        ("grün".encode("latin-1"), "ascii", "gr\ufffdn"),
    ],
)
def test_a_text_is_decoded_and_never_refused(body: bytes, charset: str | None, text: str) -> None:
    assert decode(body, charset) == text


@given(st.binary(), st.one_of(st.none(), st.text(max_size=20)), st.sampled_from(["text/html", "text/plain"]))
def test_any_bytes_are_a_page(body: bytes, charset: str | None, content_type: str) -> None:
    found = read(body, content_type, charset, URL)
    assert len(found.text_hash) == 64


@given(
    st.lists(
        st.sampled_from(
            [
                "<b>",
                "</b>",
                "<a href=x>",
                "</a>",
                "<p>",
                "<table>",
                "<td>",
                "<title>",
                "<base href=y>",
                "<script>",
                "x",
                "<",
                '"',
            ]
        )
    )
)
def test_any_soup_is_a_page(soup: list[str]) -> None:
    assert len(html("".join(soup)).links) <= MAX_LINKS


# --- pages made to do harm --------------------------------------------------------------------------


def test_a_page_of_too_many_tags_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(PermanentError, match=rf"^example\.com: has {MAX_TAGS + 1} tags; at most {MAX_TAGS} are read$"):
        html("<div>" * (MAX_TAGS + 1))


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param("''.join(f'<font color={n}><p>' for n in range(40_000))", id="fonts"),
        pytest.param("''.join(f'<fo<b>nt color={n}><p>' for n in range(40_000))", id="split names"),
        pytest.param("''.join(f'<B\\tid={n}><p>' for n in range(40_000))", id="upper case"),
        pytest.param("''.join(f'<b id={n}><object></b></object><p>' for n in range(15_000))", id="scopes"),
        pytest.param("'<a href=x><object>' * 45_000", id="links"),
        pytest.param("'<b ' * 600_000", id="no end"),
        pytest.param("'<' * 1_900_000", id="only beginnings"),
    ],
)
def test_a_page_that_asks_for_gigabytes_does_not_get_them(markup: str) -> None:
    """In a process with a limit on its memory, which the parser alone would pass by far."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); "
    code = f"{limit}from jobs.web.page import read; read(({markup}).encode(), 'text/html', None, {URL!r}); print('read')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert found.stdout == "read\n", found.stderr
