"""What a server's URL may show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.masking import mask_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://ann:pw@cache-1:6380/0?ssl_cert_reqs=none", "rediss://…@cache-1:6380/0"),
        ("redis://:pw@[::1]:6379/2", "redis://…@[::1]:6379/2"),
        ("unix:///run/valkey.sock?password=pw", "unix:///run/valkey.sock"),
        ("unix://ann:pw@/run/valkey.sock", "unix://…@/run/valkey.sock"),
        ("redis://:p@w@cache-1/0", "redis://…@cache-1/0"),
        ("redis://:p/w@cache-1/0", "redis://…"),
        ("redis://:p?w@cache-1/0", "redis://…"),
        ("redis://:pa w@cache-1/0", "redis://…@cache-1/0"),
        ("redis://cache-1/0?password=p@w", "redis://…"),
        ("redis://:pw", "redis://…"),
        ("ann:pw@cache-1", "the URL"),
    ],
)
def test_the_host_is_shown_and_nothing_secret(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@given(
    st.text(min_size=1),
    st.sampled_from(["cache-1", "cache-1:6379", "[::1]:6379", ""]),
    st.sampled_from(["", "/0", "/run/v.sock"]),
)
def test_no_password_is_ever_shown(password: str, host: str, path: str) -> None:
    secret = f"<{password}>"
    assert secret not in mask_url(f"redis://ann:{secret}@{host}{path}")
    assert secret not in mask_url(f"redis://{host}{path}?password={secret}")
