"""The escapers of text/template. The expected texts come from Go 1.26."""

import pytest

from eso_core.template.escapers import html, js, query_escape, urlquery
from eso_core.template.limits import VALUE_MAX, LimitExceeded
from eso_core.template.values import Object


class Pointer(Object):
    go_type, kind = "*p", "ptr"

    def fields(self):
        return {"A": b"<"}


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], b""),
        ([b""], b""),
        ([b"plain"], b"plain"),
        ([b"<a href=\"x\" id='y'>&amp;</a>"], b"&lt;a href=&#34;x&#34; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;"),
        ([b"a\0b\xff\n"], b"a\xef\xbf\xbdb\xff\n"),
        ([1, 2.5], b"1 2.5"),
        ([b"<", 1, 2], b"&lt;1 2"),
        ([None], b"&lt;no value&gt;"),
        ([None, None], b"&lt;no value&gt;&lt;no value&gt;"),
        ([1, None], b"1&lt;no value&gt;"),
        ([[None, b"&"]], b"[&lt;nil&gt; &amp;]"),
        ([Pointer()], b"{&lt;}"),
        ([Pointer(), 1], b"{&lt;} 1"),
    ],
)
def test_html(args, text):
    assert html(args) == text


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([b""], b""),
        ([b"plain ~\x7f"], b"plain ~\x7f"),
        ([b"a='b\"\\'</&>"], b"a\\u003D\\'b\\\"\\\\\\'\\u003C/\\u0026\\u003E"),
        ([b"\0\t\n\x1f"], b"\\u0000\\u0009\\u000A\\u001F"),
        (["é☃😀".encode()], "é☃😀".encode()),
        (["\u00a0\u2028\ufeff\U000e0001".encode()], b"\\u00A0\\u2028\\uFEFF\\uE0001"),
        ([b"\xff\xc3<\xed\xa0\x80"], b"\xff\xc3\\u003C\xed\xa0\x80"),
        ([None], b"\\u003Cno value\\u003E"),
        ([1, b"="], b"1\\u003D"),
    ],
)
def test_js(args, text):
    assert js(args) == text


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([b""], b""),
        ([b"AZaz09-_.~"], b"AZaz09-_.~"),
        ([b"a b+c/d?e=f&g%h*"], b"a+b%2Bc%2Fd%3Fe%3Df%26g%25h%2A"),
        ([b"\0\xff"], b"%00%FF"),
        (["é".encode()], b"%C3%A9"),
        ([1, 2], b"1+2"),
        ([None], b"%3Cno+value%3E"),
    ],
)
def test_urlquery(args, text):
    assert urlquery(args) == text


@pytest.mark.parametrize("escaper", [html, js, urlquery])
def test_long_texts(escaper):
    piece = "<é😀\n".encode() + b"\xff"
    assert escaper([piece * 40_000]) == escaper([piece]) * 40_000


@pytest.mark.parametrize("escaper", [html, js, urlquery])
def test_what_would_be_too_large_ends(escaper):
    with pytest.raises(LimitExceeded):
        escaper([b"<" * (VALUE_MAX // 2)])


def test_query_escape_of_all_bytes():
    assert query_escape(bytes(range(256))).count(b"%") == 256 - 66 - 1
