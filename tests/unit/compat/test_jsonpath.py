"""JSONPath. The table was given by ``github.com/PaesslerAG/jsonpath`` v0.1.1 itself."""

from __future__ import annotations

import random

import pytest
from returns.result import Failure, Success

from eso_core.compat import jsonpath
from eso_core.compat.gojson import Numbers, marshal, parse
from eso_core.compat.jsonpath_eval import STEPS_MAX

DOCUMENT = parse(
    b"""{"store":{"book":[{"t":"A","price":8.95,"isbn":"1"},{"t":"B","price":12.99},{"t":"C","price":8.99,"isbn":"3"}],
    "bike":{"color":"red","price":19.95}},"expensive":10,"n":null,"on":true,"s":"text","x y":{"a.b":1},"i":"1","list":[0,1,2,3,4],
    "name":"color"}""",
    Numbers.TEXT,
).unwrap()
TABLE = [
    ("$.s", '"text"'),
    ("$.n", "null"),
    ("$.on", "true"),
    ("$.expensive", "10"),
    ("$.store.bike.color", '"red"'),
    ('$["store"]["bike"]', '{"color":"red","price":19.95}'),
    ('$[`x y`]["a.b"]', "1"),
    ("$['s']", '"text"'),
    ("$['store']", None),
    ("$.store.book[0].t", '"A"'),
    ('$.store.book["1"].t', '"B"'),
    ("$.store.book[i].t", '"B"'),
    ("$.store.book[9]", None),
    ("$.store.book[-1]", None),
    ("$.store.book[1.9].t", '"B"'),
    ("$.store.book[*].t", '["A","B","C"]'),
    ("$.store.book.*.t", '["A","B","C"]'),
    ("$.store.book[?(@.isbn)].t", '["A","C"]'),
    ('$.store.book[?@.isbn == "3"].t', '["C"]'),
    ("$.store.book[?(@.price == 8.95)].t", '["A"]'),
    ("$.store.book[?(@.price != 8.95)].t", '["B","C"]'),
    ('$.store.book[?(@.price == "8.95")].t', "[]"),
    ("$.store.book[?@.price == $.expensive].t", "[]"),
    ("$.store.book[?(@.price < 10)].t", None),
    ('$.store.book[?@.isbn == "1" || true].t', None),
    ("$.store.book[0,2].t", '["A","C"]'),
    ("$.store.book[0,9].t", '["A"]'),
    ("$.list[1:3]", "[1,2]"),
    ("$.list[:2]", "[0,1]"),
    ("$.list[-2:]", "[3,4]"),
    ("$.list[::2]", "[0,2,4]"),
    ("$.list[::-1]", "[4,3,2,1,0]"),
    ("$.list[3:1]", "[]"),
    ("$.list[1:2:3:4]", None),
    ("$.list[1,*]", "[0,1,2,3,4]"),
    ("$..t", '["A","B","C"]'),
    ("$..book[0].t", '["A"]'),
    ('$..book[?(@.isbn)]["t"]', '["A","C"]'),
    ("$..[1:2]", None),
    ("$..", None),
    ("$.missing", None),
    ("$.missing[*]", "[]"),
    ("$.missing.deeper", None),
    ("$.s.t", None),
    ("$.store.book.t", None),
    ("$.store.bike[(name)]", '"red"'),
    ("$.store.bike[$.name]", '"red"'),
    ("$.store.bike(@.color)", '"red"'),
    ("$.list[-$.list[1]]", None),
    ("@", "null"),
    ("@.s", None),
    ("s", '"text"'),
    ("store.bike.color", '"red"'),
    ("list[2]", "2"),
    ("nosuch", "null"),
    ("s.t", None),
    ("upper(s)", None),
    ("1", "1"),
    ("-1", "-1"),
    ('-"2"', "-2"),
    ('-"x"', None),
    ('"a" == "a"', "true"),
    ("1 == 1.0 == true", "true"),
    ("(1) != 2", "true"),
    ("1 + 1", None),
    ("$ .s", '"text"'),
    ("$.s /* c */", '"text"'),
    ("$.s // c", '"text"'),
    ("$.s.", None),
    ("$.s x", None),
    ("$[", None),
    ("$[]", None),
    ("$.a-b", None),
    ("$.5", None),
    ('$["\\x73"]', '"text"'),
    ('$["\\u0073"]', '"text"'),
    ('$["\\163"]', '"text"'),
    ('$["\\q"]', None),
    ("$[0x1p0]", None),
    ("$.list[0x1p1]", "2"),
    ("$.list[1_0]", None),
    ("$.list[010]", None),
    ("$.list[?(@ == 2)]", "[2]"),
    ("$.list[?1,2]", None),
    ("{}", None),
    ("#", None),
]
"""Path and result as JSON; ``None``: an error."""


@pytest.mark.parametrize(("path", "result"), TABLE)
def test_paths(path, result):
    got = jsonpath.get(path, DOCUMENT)
    assert (marshal(got.unwrap(), escape_html=False).decode() if isinstance(got, Success) else None) == result


def test_members_come_in_the_order_of_the_document():
    assert jsonpath.get("$.*", {"b": 1.0, "a": 2.0}).unwrap() == [1.0, 2.0]
    assert jsonpath.get("$..x", {"b": {"x": 1.0}, "a": {"x": 2.0}}).unwrap() == [1.0, 2.0]


def test_numbers_keep_their_text():
    document = parse(b'{"n": 12345678901234567890.10}', Numbers.TEXT).unwrap()
    assert jsonpath.get("$.n", document).unwrap().text == "12345678901234567890.10"


@pytest.mark.parametrize(
    ("document", "path", "found"),
    [
        ([True, 1.0, "1", "true", None], "$[?(@ == true)]", [True]),
        ([[1.0], [1.0, 2.0], {"a": [1.0]}], "$[?(@ == $[0])]", [[1.0]]),
        ([None, "", 0.0, "FALSE", "no", [], "2"], "$[?(@)]", ["2"]),
        ({"l": [{"k": None}, {}]}, "$.l[?(@.k == nosuch)]", [{"k": None}]),
        (
            {"<nil>": 1.0, "true": 2.0, "1e+06": 3.0, "[1 2]": 4.0, "l": [1.0, 2.0], "n": None},
            "$[$.n, true, 1000000, $.l]",
            [1.0, 2.0, 3.0, 4.0],
        ),
    ],
)
def test_values_are_compared_and_turned_into_each_other_as_in_go(document, path, found):
    assert jsonpath.get(path, document).unwrap() == found


@pytest.mark.parametrize("path", ["(" * 5000, "$" + "[?(" * 2000, "-" * 3000 + "1", "$" + "[0]" * 5000, "a" * 5000, "$[" * 1000])
def test_long_and_deep_paths_are_refused(path):
    assert isinstance(jsonpath.get(path, {}), Failure)


def test_many_selectors_in_a_row_do_no_harm():
    assert jsonpath.get("$" + "[*]" * 1000, [[]]).unwrap() == []
    deep = None
    for _ in range(1200):
        deep = [deep]
    assert jsonpath.get("$" + "[*]" * 1200, deep).unwrap() == [None]


def test_deep_documents_are_walked():
    deep: object = 1.0
    for _ in range(9_000):
        deep = {"a": deep}
    assert len(jsonpath.get("$..a", deep).unwrap()) == 9_000
    assert isinstance(jsonpath.get("$[$..a]", deep), Failure)


def test_work_is_bounded():
    wide = [[0.0] * 300 for _ in range(300)]
    got = jsonpath.get("$..[?($..x)]", wide)
    assert got == Failure(f"the path looks at more than {STEPS_MAX} values")


def test_any_text_is_survived():
    chance = random.Random(7)
    pieces = [*"$@.[]()*?:,=!-\"'`\\ \n01aé", "..", "==", "true", "/*", "//", "0x", "1e", "\\x6"]
    for _ in range(3_000):
        path = "$" + "".join(chance.choice(pieces) for _ in range(chance.randint(0, 12)))
        got = jsonpath.get(path, DOCUMENT)
        assert isinstance(got, Success) or all(name not in got.failure() for name in ("text", "red", "color"))
