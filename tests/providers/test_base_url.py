"""The address of a server, as a store names it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from eso_core.failure import InvalidSpec
from eso_core.providers._kit import base_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host", "https://host"),
        (" http://host:8200/ ", "http://host:8200"),
        ("https://host/a b/", "https://host/a%20b"),
        ("https://host/v1//", "https://host/v1"),
        ("https://[::1]:8200", "https://[::1]:8200"),
        ("https://bücher.example", "https://bücher.example"),
        ("HTTPS://Host", "https://Host"),
    ],
)
def test_taken(text, url):
    assert base_url(text, "p") == Success(url)


@pytest.mark.parametrize(
    "text",
    ["", "host", "ftp://host", "https://", "https://u:p@host", "https://host?a=b", "https://host/#x", "https://ho st", "https://ho\0st",
     "https://host\x7f", "https://host:port", "https://[::1", "//host", "https://\u2028host"],
)  # fmt: skip
def test_refused(text):
    refused = base_url(text, "spec.provider.x.url")
    assert isinstance(refused, Failure)
    assert isinstance(refused.failure(), InvalidSpec)
    assert refused.failure().path == "spec.provider.x.url"


@given(st.text() | st.text().map(lambda text: f"https://{text}"))
def test_what_is_taken_is_a_host_and_a_path(text):
    found = base_url(text, "p")
    if isinstance(found, Success):
        parts = urlsplit(found.unwrap())
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert not (parts.query or parts.fragment or "@" in parts.netloc)
        assert parts.path.isascii()
