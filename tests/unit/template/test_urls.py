"""URLs. What the functions make, and how they refuse, is what Go does with the same arguments."""

import pytest

from eso_core.compat.gourl import parse_url
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.urls import TABLE
from eso_core.template.limits import VALUE_MAX
from eso_core.template.values import Value


def call(name: str, *args: Value) -> Value:
    return TABLE[name].call(*args)


@pytest.mark.parametrize(
    ("name", "args", "made"),
    [
        (
            "urlParse",
            (b"",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"",
                b"query": b"",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"*",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"*",
                b"query": b"",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://user:p%40ss@example.com:8080/a%20b?q=1&r=%zz#fr%41g",),
            {
                b"fragment": b"frAg",
                b"host": b"example.com:8080",
                b"hostname": b"example.com",
                b"opaque": b"",
                b"path": b"/a b",
                b"query": b"q=1&r=%zz",
                b"scheme": b"http",
                b"userinfo": b"user:p%40ss",
            },
        ),
        (
            "urlParse",
            (b"HTTP://h",),
            {
                b"fragment": b"",
                b"host": b"h",
                b"hostname": b"h",
                b"opaque": b"",
                b"path": b"",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"mailto:a@b.c",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"a@b.c",
                b"path": b"",
                b"query": b"",
                b"scheme": b"mailto",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"//h/p",),
            {
                b"fragment": b"",
                b"host": b"h",
                b"hostname": b"h",
                b"opaque": b"",
                b"path": b"/p",
                b"query": b"",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"/p?",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"/p",
                b"query": b"",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"a/b:c",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"a/b:c",
                b"query": b"",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"a:b",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"b",
                b"path": b"",
                b"query": b"",
                b"scheme": b"a",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"p?x#",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"p",
                b"query": b"x",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://[::1]:80/",),
            {
                b"fragment": b"",
                b"host": b"[::1]:80",
                b"hostname": b"::1",
                b"opaque": b"",
                b"path": b"/",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://[fe80::1%25en0]/",),
            {
                b"fragment": b"",
                b"host": b"[fe80::1%en0]",
                b"hostname": b"fe80::1%en0",
                b"opaque": b"",
                b"path": b"/",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"postgres://h1:1,h2:2/db",),
            {
                b"fragment": b"",
                b"host": b"h1:1,h2:2",
                b"hostname": b"h1:1,h2",
                b"opaque": b"",
                b"path": b"/db",
                b"query": b"",
                b"scheme": b"postgres",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://us@er@h/",),
            {
                b"fragment": b"",
                b"host": b"h",
                b"hostname": b"h",
                b"opaque": b"",
                b"path": b"/",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"us%40er",
            },
        ),
        (
            "urlParse",
            (b"///p",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"///p",
                b"query": b"",
                b"scheme": b"",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"x:///p",),
            {
                b"fragment": b"",
                b"host": b"",
                b"hostname": b"",
                b"opaque": b"",
                b"path": b"/p",
                b"query": b"",
                b"scheme": b"x",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://\xc3\xa9/\xc3\xa9",),
            {
                b"fragment": b"",
                b"host": b"\xc3\xa9",
                b"hostname": b"\xc3\xa9",
                b"opaque": b"",
                b"path": b"/\xc3\xa9",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://%C3%A9/",),
            {
                b"fragment": b"",
                b"host": b"\xc3\xa9",
                b"hostname": b"\xc3\xa9",
                b"opaque": b"",
                b"path": b"/",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://u:@h",),
            {
                b"fragment": b"",
                b"host": b"h",
                b"hostname": b"h",
                b"opaque": b"",
                b"path": b"",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"u:",
            },
        ),
        (
            "urlParse",
            (b"http://@h",),
            {
                b"fragment": b"",
                b"host": b"h",
                b"hostname": b"h",
                b"opaque": b"",
                b"path": b"",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://[::%25%41]/",),
            {
                b"fragment": b"",
                b"host": b"[::%A]",
                b"hostname": b"::%A",
                b"opaque": b"",
                b"path": b"/",
                b"query": b"",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        (
            "urlParse",
            (b"http://\xff/\xff?\xff#\xff",),
            {
                b"fragment": b"\xff",
                b"host": b"\xff",
                b"hostname": b"\xff",
                b"opaque": b"",
                b"path": b"/\xff",
                b"query": b"\xff",
                b"scheme": b"http",
                b"userinfo": b"",
            },
        ),
        ("urlJoin", ({},), b""),
        (
            "urlJoin",
            ({b"scheme": b"http", b"host": b"h:80", b"path": b"/a b", b"query": b"q=1", b"fragment": b"f g", b"userinfo": b"u:p@"},),
            b"http://u:p%40@h:80/a%20b?q=1#f%20g",
        ),
        ("urlJoin", ({b"scheme": b"http"},), b"http:"),
        ("urlJoin", ({b"host": b"h", b"path": b"p"},), b"//h/p"),
        ("urlJoin", ({b"path": b"a:b"},), b"./a:b"),
        ("urlJoin", ({b"path": b"*"},), b"*"),
        ("urlJoin", ({b"scheme": b"mailto", b"opaque": b"x@y"},), b"mailto:x@y"),
        ("urlJoin", ({b"userinfo": b"u"},), b"//u@"),
        ("urlJoin", ({b"scheme": b"x", b"path": b"/p"},), b"x:///p"),
        ("urlJoin", ({b"host": b"a b^", b"x": b"y"},), b"//a%20b%5E"),
    ],
)
def test_makes(name: str, args: tuple[Value, ...], made: Value) -> None:
    assert call(name, *args) == made


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("urlParse", (b"http://[fe80::1%en0]/",), 'unable to parse url: parse "http://[fe80::1%en0]/": invalid URL escape "%en"'),
        ("urlParse", (b"http://h1:1,h2:2/db",), 'unable to parse url: parse "http://h1:1,h2:2/db": invalid port ":1,h2:2" after host'),
        ("urlParse", (b":x",), 'unable to parse url: parse ":x": missing protocol scheme'),
        ("urlParse", (b"1:b/c",), 'unable to parse url: parse "1:b/c": first path segment in URL cannot contain colon'),
        ("urlParse", (b"http://a b/",), 'unable to parse url: parse "http://a b/": invalid character " " in host name'),
        ("urlParse", (b"http://h:x/",), 'unable to parse url: parse "http://h:x/": invalid port ":x" after host'),
        ("urlParse", (b"http://[::1/",), "unable to parse url: parse \"http://[::1/\": missing ']' in host"),
        ("urlParse", (b"http://a[::1]/",), 'unable to parse url: parse "http://a[::1]/": invalid IP-literal'),
        ("urlParse", (b"http://[1.2.3.4]/",), 'unable to parse url: parse "http://[1.2.3.4]/": invalid IP-literal'),
        (
            "urlParse",
            (b"http://[::1.2.3]/",),
            'unable to parse url: parse "http://[::1.2.3]/": invalid host: ParseAddr("::1.2.3"): IPv4 address too short',
        ),
        (
            "urlParse",
            (b"http://[::1.2.3.4.5]/",),
            'unable to parse url: parse "http://[::1.2.3.4.5]/": invalid host: ParseAddr("::1.2.3.4.5"): IPv4 address too long',
        ),
        (
            "urlParse",
            (b"http://[::1.02.3.4]/",),
            'unable to parse url: parse "http://[::1.02.3.4]/": invalid host: ParseAddr("::1.02.3.4"): IPv4 field has octet with leading zero',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[::256.1.1.1]/",),
            'unable to parse url: parse "http://[::256.1.1.1]/": invalid host: ParseAddr("::256.1.1.1"): IPv4 field has value >255',
        ),
        (
            "urlParse",
            (b"http://[1:2]/",),
            'unable to parse url: parse "http://[1:2]/": invalid host: ParseAddr("1:2"): address string too short',
        ),
        (
            "urlParse",
            (b"http://[12345::]/",),
            'unable to parse url: parse "http://[12345::]/": invalid host: ParseAddr("12345::"): each group must have 4 or less digits (at "12345::")',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[::g]/",),
            'unable to parse url: parse "http://[::g]/": invalid host: ParseAddr("::g"): each colon-separated field must have at least one digit (at "g")',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[1::2::3]/",),
            'unable to parse url: parse "http://[1::2::3]/": invalid host: ParseAddr("1::2::3"): multiple :: in address (at ":3")',
        ),
        (
            "urlParse",
            (b"http://[1:2:3:4:5:6:7:8:9]/",),
            'unable to parse url: parse "http://[1:2:3:4:5:6:7:8:9]/": invalid host: ParseAddr("1:2:3:4:5:6:7:8:9"): trailing garbage after address (at "9")',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[1:2:3:4:5:6:7:8]:x",),
            'unable to parse url: parse "http://[1:2:3:4:5:6:7:8]:x": invalid port ":x" after host',
        ),
        (
            "urlParse",
            (b"http://[1:2:3:4:5:6:7:1.2.3.4]/",),
            'unable to parse url: parse "http://[1:2:3:4:5:6:7:1.2.3.4]/": invalid host: ParseAddr("1:2:3:4:5:6:7:1.2.3.4"): embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[1:2:1.2.3.4]/",),
            'unable to parse url: parse "http://[1:2:1.2.3.4]/": invalid host: ParseAddr("1:2:1.2.3.4"): embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[::1%25]/",),
            'unable to parse url: parse "http://[::1%25]/": invalid host: ParseAddr("::1%"): zone must be a non-empty string',
        ),
        ("urlParse", (b"http://[x]/",), 'unable to parse url: parse "http://[x]/": invalid host: ParseAddr("x"): unable to parse IP'),
        (
            "urlParse",
            (b"http://[%25x]/",),
            'unable to parse url: parse "http://[%25x]/": invalid host: ParseAddr("%x"): missing IPv6 address',
        ),
        (
            "urlParse",
            (b"http://[1:]/",),
            'unable to parse url: parse "http://[1:]/": invalid host: ParseAddr("1:"): colon must be followed by more characters (at ":")',
        ),
        (
            "urlParse",
            (b"http://[::.1.2.3]",),
            'unable to parse url: parse "http://[::.1.2.3]": invalid host: ParseAddr("::.1.2.3"): each colon-separated field must have at least one digit (at ".1.2.3")',  # noqa: E501
        ),
        (
            "urlParse",
            (b"http://[::1.2.3.4x]",),
            'unable to parse url: parse "http://[::1.2.3.4x]": invalid host: ParseAddr("::1.2.3.4x"): unexpected character (at "x")',
        ),
        (
            "urlParse",
            (b"http://[1:2:3:4::5:6:7:8]",),
            'unable to parse url: parse "http://[1:2:3:4::5:6:7:8]": invalid host: ParseAddr("1:2:3:4::5:6:7:8"): the :: must expand to at least one field of zeros',  # noqa: E501
        ),
        ("urlParse", (b"http://%41/",), 'unable to parse url: parse "http://%41/": invalid URL escape "%41"'),
        ("urlParse", (b"http://h/%zz",), 'unable to parse url: parse "http://h/%zz": invalid URL escape "%zz"'),
        ("urlParse", (b"/%",), 'unable to parse url: parse "/%": invalid URL escape "%"'),
        ("urlParse", (b"http://u%zz@h/",), 'unable to parse url: parse "http://u%zz@h/": invalid URL escape "%zz"'),
        ("urlParse", (b"http://u:%z@h",), 'unable to parse url: parse "http://u:%z@h": invalid URL escape "%z"'),
        ("urlParse", (b"http://u^@h/",), 'unable to parse url: parse "http://u^@h/": net/url: invalid userinfo'),
        ("urlParse", (b"a\nb",), 'unable to parse url: parse "a\\nb": net/url: invalid control character in URL'),
        ("urlParse", (b"a#%zz",), 'unable to parse url: parse "a#%zz": invalid URL escape "%zz"'),
        ("urlParse", (b"http://[::%25%2f]/",), 'unable to parse url: parse "http://[::%25%2f]/": invalid URL escape "%2f"'),
        ("urlParse", (b"http://h%2/",), 'unable to parse url: parse "http://h%2/": invalid URL escape "%2"'),
        ("urlJoin", ({b"host": 1},), "unable to parse host key, must be of type string, but int found"),
        ("urlJoin", ({b"path": []},), "unable to parse path key, must be of type string, but slice found"),
        ("urlJoin", ({b"query": 1.5},), "unable to parse query key, must be of type string, but float64 found"),
        ("urlJoin", ({b"userinfo": b"u ser"},), 'unable to parse userinfo in dict: parse "proto://u ser@host": net/url: invalid userinfo'),
        (
            "urlJoin",
            ({b"userinfo": b"u\n"},),
            'unable to parse userinfo in dict: parse "proto://u\\n@host": net/url: invalid control character in URL',
        ),
    ],
)
def test_refuses(name: str, args: tuple[Value, ...], text: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    assert caught.value.full == text


@pytest.mark.parametrize(
    "text", [b"http://u:p@h:1/a%2Fb?q#f", b"mailto:x@y", b"/p?", b"x:/p", b"//h", b"#%25", b"http://h/?a#b%20c", b"./a:b"]
)
def test_a_url_is_written_as_it_was_read(text: bytes) -> None:
    assert parse_url(text).unwrap().text() == text


def test_data_is_in_the_detail_alone() -> None:
    with pytest.raises(FunctionError) as caught:
        call("urlParse", b"http://user:pass word@host/")
    assert caught.value.what == "unable to parse url: parse "
    with pytest.raises(FunctionError) as caught:
        call("urlJoin", {b"userinfo": b"a b"})
    assert caught.value.what == "unable to parse userinfo in dict: parse "


def test_nil() -> None:
    assert call("urlJoin", None) == b""
    with pytest.raises(FunctionError, match="nil pointer"):
        call("urlJoin", {b"host": None})


@pytest.mark.parametrize(("name", "argument"), [("urlParse", b"%" * VALUE_MAX), ("urlJoin", {b"path": b" " * VALUE_MAX})])
def test_bounds(name: str, argument: Value) -> None:
    with pytest.raises(LimitExceeded):
        call(name, argument)
