"""What the calls of functions cost, in the nanoseconds that a ``Meter`` counts. One table: a function that is not in it has the usual cost.

A call is paid before it is made, by what it is given, and what it has made after it (that is mostly its memory):

========  ========================================================================================
``call``  each call
``arg``   each argument
``byte``  each byte of a string that is given, and of strings within lists and maps
``node``  each value within lists and maps that are given; 0: the function does not look at them
``made``  each byte of the string that it makes
``item``  each element of the list or map that it makes
``more``  whatever else the arguments tell of: Go's own names of what is counted are in its docstring
========  ========================================================================================

The figures are the worst that was measured for any input of the kind, on one core of 2024, and somewhat rounded. What depends on more than
sizes the functions take from the meter themselves: regular expressions, layouts, versions, JSON and YAML that is read, keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from eso_core.template.limits import ITEMS_MAX
from eso_core.template.values import Value

ESCAPE = 700  # a byte that may have to be escaped
_PRINTABLE = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"\\')


def _nothing(*_: Value) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Cost:
    """See the module."""

    call: int = 800
    arg: int = 100
    byte: int = 1
    node: int = 2_000
    made: int = 3
    item: int = 150
    more: Callable[..., int] = _nothing


USUAL = Cost()


def weight(value: Value, cost: Cost) -> int:
    """What it costs to walk a list or map. Maps may hold themselves: what is beyond ``ITEMS_MAX`` values does not count.

    This walk itself takes a tenth of a microsecond for a value, so a ``node`` that costs anything costs more than that.
    """
    nodes = size = 0
    todo = [value]
    while todo and nodes <= ITEMS_MAX:
        item = todo.pop()
        nodes += len(item)
        if isinstance(item, dict):
            size += sum(map(len, item))
            item = item.values()
        for inner in item:
            if type(inner) is bytes:
                size += len(inner)
            elif isinstance(inner, list | dict):
                todo.append(inner)
    return nodes * cost.node + size * cost.byte


def special(text: bytes) -> int:
    """How many bytes a Go literal may have to escape."""
    return len(text.translate(None, _PRINTABLE))


def _formatting(form: bytes = b"", *args: Value) -> int:
    """Verbs, and bytes that ``%q``, ``%#v``, ``%x`` and the like look at one by one."""
    cost = form.count(b"%") * (20_000 if any(mark in form for mark in (b"f", b"F", b"e", b"E", b"b")) else 2_000)
    if cost and any(mark in form for mark in (b"q", b"#", b"x", b"X", b"+")):
        for value in args:
            if type(value) is bytes:
                cost += ESCAPE * special(value) + 40 * len(value)
            elif isinstance(value, list | dict):
                cost += weight(value, _ESCAPED)
    return cost


def _beyond_ascii(rate: int) -> Callable[..., int]:
    return lambda *texts: sum(len(text) for text in texts if type(text) is bytes and not text.isascii()) * rate


def _parts(rate: int) -> Callable[..., int]:
    """The parts of a text, which comes last, between separators, which come first."""
    return lambda separator, *rest: rate * (rest[-1].count(separator) + 1)


def _lines(width: int, *texts: bytes) -> int:
    """Of any two lines of a wrapped text one is more than half full."""
    return 1_200 * (2 * len(texts[-1]) // max(width, 1) + 1)


def _keys(*pairs: Value) -> int:
    """Keys that are not strings are written as text."""
    return sum(weight(key, SHOWN) if isinstance(key, list | dict) else 0 if type(key) is bytes else SHOWN.call for key in pairs[::2])


def _elements(*values: Value) -> int:
    """The elements of the lists, without what these hold."""
    return sum(200 * len(value) for value in values if isinstance(value, list))


def _looking(needle: Value = None, haystack: Value = None) -> int:
    """A list or map is looked for by comparing what it holds."""
    if not isinstance(haystack, list):
        return 0
    return 50 * len(haystack) if not isinstance(needle, list | dict) else weight(haystack, _EQUAL) + weight(needle, _EQUAL)


def _certificates(*texts: Value) -> int:
    return 250_000 * sum(text.count(b"-----BEGIN") for text in texts if type(text) is bytes)


_ESCAPED = Cost(byte=ESCAPE)
_EQUAL = Cost(node=2_500, item=100)
SHOWN = Cost(call=3_000, node=2_000)
_INTEGERS = Cost(arg=500, byte=300)
_DECIMALS = Cost(call=1_500, arg=3_000, byte=300)
_GETTER = Cost(node=0, item=0, made=0)
_COPY = Cost(node=0, item=25)
_DATE = Cost(call=7_000)
_REGEX = Cost(call=5_000)
_JSON = Cost(byte=40, node=1_000, more=_beyond_ascii(60))
_CERTIFICATE = Cost(call=50_000, byte=60, more=_certificates)


def _table(*rows: tuple[Cost, Iterable[str]]) -> dict[str, Cost]:
    return {name: cost for cost, names in rows for name in names}


def _must(*names: str) -> tuple[str, ...]:
    return (*names, *(f"must{name[0].upper()}{name[1:]}" for name in names))


COSTS: Mapping[str, Cost] = MappingProxyType(
    _table(
        (
            _GETTER,
            ("len", "index", "not", "call", "default", "empty", "coalesce", "all", "any", "ternary", "typeOf", "typeIs", "typeIsLike"),
        ),
        (_GETTER, ("kindOf", "kindIs", "get", "set", "unset", "hasKey", "dig", *_must("first", "last"))),
        (Cost(byte=0), ("trunc", "substr", "hasPrefix", "hasSuffix", "trimPrefix", "trimSuffix", "abbrev", "abbrevboth", "plural")),
        (_COPY, ("list", "tuple", "concat", *_must("rest", "initial", "reverse", "append", "push", "prepend", "slice"))),
        (Cost(node=0, more=_keys), ("dict",)),
        (Cost(node=0, item=150), ("pick", "omit", "pluck", "keys", "values", "until", "untilStep")),
        (_EQUAL, ("deepEqual", "eq", "ne", "lt", "le", "gt", "ge", *_must("uniq", "without"))),
        (Cost(node=0, item=25, more=_elements), _must("compact")),
        (Cost(node=0, item=60, more=_elements), _must("chunk")),
        (Cost(node=0, more=_looking), _must("has")),
        (Cost(node=1_000, item=0), ("merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite")),
        (Cost(node=1_200, item=0), _must("deepCopy")),
        (SHOWN, ("print", "println", "cat", "squote", "join", "toString", "toStrings", "sortAlpha")),
        (replace(SHOWN, more=_formatting), ("printf",)),
        (Cost(node=3_500), ("quote",)),
        (Cost(arg=2_500, byte=400, node=3_000), ("js",)),
        (Cost(byte=15, node=3_000), ("html",)),
        (Cost(byte=180, node=3_000), ("urlquery",)),
        (_INTEGERS, ("max", "maxf", "min", "minf", "biggest", "div", "mod", "mul", "add", "sub", "add1", "ceil", "floor", "float64")),
        (_INTEGERS, ("int", "int64", "toDecimal", "atoi", "round")),
        (_DECIMALS, ("add1f", "mulf")),
        (replace(_DECIMALS, arg=4_500), ("addf", "subf")),
        (replace(_DECIMALS, arg=3_800), ("divf",)),
        (Cost(call=2_500, byte=50), ("duration",)),
        (Cost(call=1_000, made=45), ("seq",)),
        (_DATE, ("date", "dateInZone", "date_in_zone", "dateModify", "date_modify", "mustDateModify", "must_date_modify", "htmlDate")),
        (_DATE, ("htmlDateInZone", "toDate", "mustToDate", "ago", "durationRound", "unixEpoch", "now", "semver", "semverCompare")),
        (_REGEX, _must("regexMatch", "regexFind", "regexFindAll", "regexReplaceAll", "regexReplaceAllLiteral", "regexSplit")),
        (Cost(byte=250), ("regexQuoteMeta", "shuffle")),
        (Cost(call=25_000, made=30), ("randAlpha", "randAlphaNum", "randAscii", "randNumeric")),
        (Cost(call=3_000), ("randInt", "randBytes", "uuidv4")),
        (Cost(more=_beyond_ascii(180)), ("lower", "upper", "trimAll", "trimall")),
        (Cost(byte=100), ("title", "untitle", "initials", "b32enc")),
        (Cost(byte=10, more=_beyond_ascii(70)), ("nospace",)),
        (Cost(byte=10), ("trim", "b32dec", "replace", "fail", "b64enc", "b64dec", "hexdec")),
        (Cost(call=8_500, byte=10), ("encryptAES", "decryptAES")),
        (Cost(call=3_000), ("snakecase", "kebabcase", "camelcase")),
        (Cost(byte=30), ("clean", "dir", "osClean", "osDir", "base", "osBase", "ext", "osExt", "isAbs", "osIsAbs")),
        (Cost(more=_lines), ("wrap", "wrapWith")),
        (Cost(byte=3, item=0, more=_parts(400)), ("split", "splitn")),
        (Cost(byte=3, item=0, more=_parts(200)), ("splitList",)),
        (Cost(call=7_000, byte=350), ("urlParse", "urlJoin")),
        (Cost(byte=3), ("sha1sum", "sha256sum", "sha512sum", "adler32sum")),
        (_JSON, ("toJson", "mustToJson", "toRawJson", "mustToRawJson", "toPrettyJson", "mustToPrettyJson")),
        (Cost(call=10_000, byte=500, node=20_000), ("toYaml",)),
        (Cost(call=4_000, byte=5, item=0), ("fromJson", "mustFromJson")),
        (Cost(call=22_000, byte=5, item=0), ("fromYaml",)),
        (Cost(call=15_000, byte=300), ("jwkPublicKeyPem", "jwkPrivateKeyPem")),
        (replace(_CERTIFICATE, more=_nothing, byte=80), ("filterPEM",)),
        (_CERTIFICATE, ("filterCertChain", "certSANs", "rsaDecrypt")),
        (replace(_CERTIFICATE, byte=200), ("pemToPkcs12", "pemToPkcs12Pass", "fullPemToPkcs12", "fullPemToPkcs12Pass")),
        (replace(_CERTIFICATE, byte=200), ("pemTruststoreToPKCS12", "pemTruststoreToPKCS12Pass")),
        (replace(_CERTIFICATE, byte=150), ("pkcs12key", "pkcs12keyPass", "pkcs12cert", "pkcs12certPass")),
    )
)


def cost_of(name: str) -> Cost:
    return COSTS.get(name, USUAL)
