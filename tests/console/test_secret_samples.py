"""Secrets as people and programs write them: all of these are masked, and texts that only look alike stay."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.masking import MASK, mask_url, mask_webhook, masked
from console.model.payload import Many, Pairs
from console.model.secrets import masked_text, masked_value

PEM = "-----BEGIN {}PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9\nhGx+/Q==\n-----END {}PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # webhooks
        ("POST https://hooks.slack.com/services/T0/B0/leak: 500", "POST https://hooks.slack.com/…: 500"),
        ("https://discord.com/api/webhooks/12/leak", "https://discord.com/…"),
        ("https://corp.webhook.office.com/webhookb2/leak", "https://corp.webhook.office.com/…"),
        ("https://api.telegram.org/bot12:leak/sendMessage", "https://api.telegram.org/…"),
        ("the user's webhook https://example.com/x/leak answered 404", "the user's webhook https://example.com/… answered 404"),
        ("tier pro, webhook https://example.com/leak, active no", "tier pro, webhook https://example.com/…, active no"),
        ('{"webhook": "https://example.com/leak", "n": 1}', '{"webhook": "https://example.com/…", "n": 1}'),
        # private keys
        (f"key {PEM.format('RSA ', 'RSA ')} end", "key … end"),
        (json.dumps({"x": PEM.format("", "")}), '{"x": "…"}'),
        ("cut off: -----BEGIN OPENSSH PRIVATE KEY-----\nleak", "cut off: …"),
        # keys of services
        ("git clone with ghp_leakleakleakleakleakleakleakleakleak", "git clone with …"),
        ("github_pat_11ABC_leakleakleak, next", "…, next"),
        ("for AKIAIOSFODNN7EXAMPLE: denied", "for …: denied"),
        ("xoxb-123-456-leakleak", "…"),
        ("sk_live_leakleakleak1 and sk-proj-leakleak1leak", "… and …"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.leak", "jwt …"),
        # URLs without schemes
        ("cannot connect to user:leak@db.host:5432", "cannot connect to …@db.host:5432"),
        ("ann:le@ak@db/x, then", "…@db/x, then"),
        ("ann:leak@db.internal refused", "…@db.internal refused"),
        ("Max retries exceeded with url: /c?v=1&sig=leak (Caused by x)", "Max retries exceeded with url: /c?… (Caused by x)"),
        ("GET https://h/c?access_token=a&sig=leak failed", "GET https://h/c?… failed"),
        # names
        ("connect(user='bob', pwd='leak')", "connect(user='bob', pwd='…')"),
        ("{'pwd': 'leak', 'n': 1}", "{'pwd': '…', 'n': 1}"),
        ("{'auth': ('bob', 'leak'), 'n': 1}", "{'auth': …, 'n': 1}"),
        ("pass: leak", "pass: …"),
        ("SMTP_PASS=leak dbPass=leak", "SMTP_PASS=… dbPass=…"),
        ("signature=leak&sig=leak", "signature=…"),
        ("AccountName=x;AccountKey=leak==", "AccountName=x;AccountKey=…"),
        # command lines
        ("mysql -u root -pleak db", "mysql -u root -p… db"),
        ("Command '['mysqldump', '-u', 'root', '-pleak']' returned", "Command '['mysqldump', '-u', 'root', '-p…']' returned"),
        ("sshpass -p leak ssh h", "sshpass -p … ssh h"),
        ("redis-cli -h h -a leak ping", "redis-cli -h h -a … ping"),
        ("curl -s -u ann:leak https://x/y", "curl -s -u … https://x/y"),
        # sentences
        ("the passphrase leak is wrong", "the passphrase … is wrong"),
        ("password is leak", "password is …"),
        ("the password was: hunter2.", "the password was: …"),
        ("tried using password 'leak'", "tried using password '…'"),
        ('with password "le ak" as ann', 'with password "…" as ann'),
        ("sent token abc123def456 to ann", "sent token … to ann"),
        ("password hunter2", "password …"),
        ("the API key is abc123def456", "the API key is …"),
    ],
)  # fmt: skip
def test_a_secret_is_masked_as_it_is_written(text: str, shown: str) -> None:
    assert masked_text(text) == shown
    assert masked_text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "password authentication failed for user 'ann'",
        "FATAL: password is required; the password is too short, its password was changed",
        "Access denied for user 'ann'@'localhost' (using password: YES)",
        "the user's password has expired",
        "wrong passphrase for the key",
        "password: None, pwd=None, pass=None",
        "Unexpected token '<' at position 3",
        "expected token 'default', got 'end'",
        "invalid token of type 3",
        "the secret is out",
        "3 passed, 1 failed; bypass=1 passes: 2 compass=n",
        "author: Ann, auth_mode=x, authors=2",
        "mail to ann@example.com and mailto:ann@example.com, user:ann@example.com",
        "git@github.com:org/repo.git",
        "image app:1.2@sha256:0123456789abcdef",
        "<Task:Foo@0x7f00>",
        "at 10:30 @ home",
        "is it x? y=1",
        "what? a",
        "mysql server has gone away",
        "mkdir -p /var/tmp and cp -pr a b",
        "risk-adjusted-value-1 and sklearn-0.24.1",
        "ASIA-Pacific-2 is a region",
        "-----BEGIN CERTIFICATE-----",
        "https://github.com/org/repo/issues/1",
        "https://example.com/hooks",
        "a webhook failed\nhttps://example.com/path",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert masked_text(text) == text


VALUE = st.text("abcdefXYZ0123456789_-", min_size=5, max_size=30).map(lambda text: f"q{text}7q")
"""A value without what would end it in any of FORMS."""

FORMS = (
    "https://hooks.slack.com/services/T0/B0/{}", "https://discord.com/api/webhooks/1/{}", "webhook: https://h.example/{}",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----\\n{}\\n", "ghp_{}", "xoxp-{}",
    "glpat-{}", "eyJ{0}.{0}.{0}", "https://h/p?sig={}", "/p?a=1&sig={}", "h/p?{}={}", "pwd='{}'", "{{'pwd': '{}'}}",
    "{{\"pass\": \"{}\"}}", "('auth': ('bob', '{}'))", "auth=('bob','{}')", "bob:{}@db.host:5432", "bob:{}@db.host/x",
    "bob:x@{}@db",
    "mysql -u root -p{}", "['mysql', '-p{}']", "mysqldump -p '{}'", "redis-cli -a {}", "sshpass -p{} ssh", "curl -u bob:{} x",
    "pass: {}", "passphrase {}", "passphrase: {}", "password is {}", "password was {}.", "using password '{}'", "DB_PASS={}",
    "Authorization: Bearer {}", "the api key is '{}'", "token {}",
)  # fmt: skip


@settings(max_examples=200)
@given(st.sampled_from(FORMS), VALUE, st.text(max_size=20), st.sampled_from(["", " ", ", ", "\n", "; ", ") "]))
def test_nothing_of_a_secret_survives(form: str, secret: str, before: str, after: str) -> None:
    """Whatever stands around it, however it is written, and quoted in JSON and in Python."""
    if secret in before:
        return
    text = f"{before} {form.format(secret, secret)}{after}and more"
    for written in (text, json.dumps(text), repr(text), json.dumps(json.dumps(text))):
        assert secret not in masked_text(written), written


@given(st.sampled_from(FORMS), VALUE)
def test_nothing_of_a_secret_survives_in_a_value(form: str, secret: str) -> None:
    text = form.format(secret, secret)
    value = Pairs((("x", Many("list", (text, text.encode()))),))
    assert secret not in repr(masked_value(value))


@given(VALUE)
def test_a_command_line_in_words_is_masked(secret: str) -> None:
    for words in (("mysql", "-u", "root", f"-p{secret}"), ("sshpass", "-p", secret), ("/usr/bin/redis-cli", "-a", secret)):
        assert secret not in repr(masked_value(Many("list", words)))
    kept = Many("list", ("mkdir", "-p", secret))
    assert masked_value(kept) == kept


@given(VALUE)
def test_of_a_webhook_the_host_is_shown(secret: str) -> None:
    url = f"https://ann:{secret}@example.com:8443/{secret}?x={secret}"
    assert mask_webhook(url) == "https://…@example.com:8443/…"
    assert mask_webhook(f"https://example.com/{secret}") == f"https://example.com/{MASK}"
    assert mask_webhook("https://example.com") == "https://example.com"
    assert mask_webhook("") == ""
    assert mask_url(f"https://hooks.slack.com/services/{secret}") == masked(f"https://hooks.slack.com/services/{secret}")
    value = Pairs((("webhook_url", url), ("webhooks", Many("list", (url,))), ("webhook", None)))
    assert secret not in repr(masked_value(value))
    assert "example.com" in repr(masked_value(value))


@pytest.mark.parametrize("piece", [
    "-----BEGIN PRIVATE KEY-----", "eyJ", "eyJ.", "eyJa-", "ghp_", "sk-a", "a:b@", "a@", "a:@", "@", "?a=", "?a", "a?",
    "mysql -p",    "mysql ", "curl -u ", "password ", "password is ", "token a1", "password '",
    "webhook", "webhook https://", "pass", "-p",
    "AKIA",    "https://a/hook", "hook/", "x@" + "y" * 300,
])  # fmt: skip
def test_a_long_text_of_beginnings_is_masked(piece: str) -> None:
    """Anything worse than linear would take hours."""
    assert len(masked_text(piece * ((1 << 18) // len(piece)))) <= 2 << 18
