"""Laws of the ports: round trips, idempotence, and totality (any input gives a Result, never an exception)."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from eso_core.compat import cron, decode, duration, gjson, gofmt, gojson, gojson_slow, gotime, hash, keys, property, regexp, rewrite, values
from tests.unit.compat.test_rewrite import Merge, Operation, Regexp, Transform, render

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
JSON_LIKE = st.text('{}[]",:\\ 0123456789.eE+-truefalsn\nu\x00é\U0001f680', max_size=60).map(str.encode) | st.binary(max_size=40)
PATH = st.text("ab01.#*?|\\()[]{}\"'@:!=<>%~,keysthi", max_size=24) | ANY_TEXT
DATA = st.dictionaries(st.text(max_size=8), st.binary(max_size=20), max_size=5)
PATTERN = st.text("ab.*+?()[]{}|^$\\dwpQEC-<>P:0123é", max_size=16) | ANY_TEXT


class TestRoundTrips:
    @given(INT64)
    def test_duration(self, nanoseconds):
        """`ParseDuration(d.String()) == d`."""
        assert duration.parse_duration(duration.format_duration(nanoseconds)) == Success(nanoseconds)

    @given(st.integers(-62_135_596_800, 253_402_300_799))
    def test_time(self, seconds):
        text = gotime.format_time(seconds * duration.SECOND)
        assert gotime.parse_time(text) == Success(seconds * duration.SECOND)

    @given(st.binary())
    def test_base64(self, value):
        assert decode.decode("Base64", base64.b64encode(value)) == Success(value)
        assert decode.decode("Base64URL", base64.urlsafe_b64encode(value)) == Success(value)
        assert decode.decode("Auto", base64.b64encode(value)) == Success(value)

    @given(JSON)
    def test_json(self, value):
        """Writing and reading again gives the same value; Python reads it the same."""
        text = gojson.marshal(value)
        assert gojson.parse(text) == Success(value)
        assert json.loads(text, parse_int=float) == value

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_floats_read_back_equal(self, value):
        for text in (gofmt.float_f(value), gofmt.float_json(value), gofmt.float_v(value)):
            assert float(text) == value
        assert "e" not in gofmt.float_f(value)

    @given(st.text(st.characters(max_codepoint=0xFFFFF, exclude_categories=("Cs",)), max_size=12))  # the reverse knows up to five digits
    def test_unicode_conversion_is_undone_by_its_reverse(self, key):
        if "_U" not in key:
            assert keys.reverse_key("ReverseUnicode", keys.convert_key("Unicode", key)) == key


class TestKeys:
    @given(ANY_TEXT)
    def test_default_conversion_is_idempotent(self, key):
        once = keys.convert_key("Default", key)
        assert keys.convert_key("Default", once) == once

    @given(st.text(min_size=1, max_size=60))
    def test_converted_keys_are_valid_or_too_long(self, key):
        for strategy in ("Default", "Unicode"):
            converted = keys.convert_key(strategy, key)
            assert isinstance(keys.validate_keys({converted: b""}), Success) or len(converted.encode()) > keys.KEY_MAX


class TestHash:
    @given(DATA)
    def test_order_does_not_matter_and_both_ways_agree(self, data):
        assert hash.data_hash(dict(reversed(data.items()))) == hash.data_hash(data) == hash.object_hash(data)


class TestGjson:
    @given(st.dictionaries(st.text(max_size=6), JSON, min_size=1, max_size=5), st.data())
    def test_an_escaped_key_finds_its_value(self, value, data):
        key = data.draw(st.sampled_from(sorted(value)))
        if key:
            path = "".join(f"\\{char}" if char.isascii() and not char.isalnum() else char for char in key)
            found = gjson.get(json.dumps(value).encode(), path).unwrap()
            assert found.exists
            assert gojson.parse(found.raw) == gojson.parse(json.dumps(value[key]).encode())

    @given(JSON)
    def test_ugly_and_pretty_keep_the_value(self, value):
        text = gojson.marshal(value)
        for modifier in ("@pretty|@ugly", "@ugly", "@this", '@pretty:{"width":0}'):
            assert gojson.parse(gjson.get(text, modifier).unwrap().raw) == Success(value)

    @given(JSON_LIKE | JSON.map(gojson.marshal), PATH)
    def test_total(self, text, path):
        assert isinstance(gjson.get(text, path), Result)
        for outcome in (
            property.property_fake(text, path),
            property.property_aws(text, path, "k"),
            property.property_gcp(text, path, "k"),
            property.property_azure(text, path, "k"),
            property.property_kubernetes({"a": text}, path, "k"),
            property.property_map_kubernetes({"a": text}, path, "k"),
            property.property_vault({"a": "x"}, path),
        ):
            assert isinstance(outcome, Result)


class TestTotality:
    @given(JSON_LIKE)
    def test_json(self, data):
        """The fast reader and the one that knows Go's errors agree."""
        text = data.decode("utf-8", "surrogateescape")
        for numbers in gojson.Numbers:
            fast = gojson.parse(data, numbers)
            slow = gojson_slow.read(text, gojson._CONVERT[numbers])
            assert repr(fast) == repr(slow)
        assert gojson.is_valid(data) == (gojson_slow.fault(text) is None)
        assert isinstance(values.json_to_secret_data_map(data), Result)
        assert isinstance(values.json_to_string_map(data), Result)

    @given(JSON.map(gojson.marshal))
    def test_both_json_readers_agree_on_json(self, data):
        for numbers in gojson.Numbers:
            assert gojson.parse(data, numbers) == gojson_slow.read(data.decode(), gojson._CONVERT[numbers])

    @given(ANY_TEXT | st.text("0123456789.-+hmsuµn", max_size=20))
    def test_duration_and_time(self, text):
        assert isinstance(duration.parse_duration(text), Result)
        assert isinstance(gotime.parse_time(text), Result)

    @given(ANY_TEXT | st.text("0123456789*/,-? @evrydai=TZ", max_size=20), st.integers(-(1 << 62), 1 << 62))
    def test_cron(self, text, at):
        match cron.parse_schedule(text):
            case Success(schedule):
                following = cron.next_time(schedule, at)
                assert following is None or following > at
            case Failure(fault):
                assert fault

    @given(PATTERN, ANY_TEXT, ANY_TEXT)
    def test_regexp(self, source, text, template):
        match regexp.compile_pattern(source):
            case Success(pattern):
                assert isinstance(pattern.matches(text), bool)
                assert isinstance(pattern.replace_all(text, template), Result)
            case Failure(fault):
                assert fault.startswith("error parsing regexp: ")

    @given(
        st.lists(
            st.one_of(
                st.builds(Regexp, PATTERN, ANY_TEXT).map(lambda regexp: Operation(regexp=regexp)),
                st.builds(Transform, st.sampled_from(["KEY", "x", "bad"])).map(lambda transform: Operation(transform=transform)),
                st.builds(
                    Merge,
                    into=st.text(max_size=3),
                    priority=st.lists(st.text(max_size=2), max_size=2).map(tuple),
                    priority_policy=st.sampled_from(["", "Strict", "IgnoreNotFound"]),
                    conflict_policy=st.sampled_from(["", "Error", "Ignore"]),
                    strategy=st.sampled_from(["", "Extract", "JSON", "Bogus"]),
                ).map(lambda merge: Operation(merge=merge)),
            ),
            max_size=3,
        ),
        st.dictionaries(ANY_TEXT, JSON.map(gojson.marshal) | JSON_LIKE, max_size=4),
    )
    def test_rewrite(self, operations, data):
        assert isinstance(rewrite.rewrite_map(operations, data, render), Result)

    @given(st.sampled_from(["", "None", "Base64", "Base64URL", "Auto", "x"]), st.dictionaries(ANY_TEXT, st.binary(max_size=20), max_size=3))
    def test_decode_and_keys(self, strategy, data):
        assert isinstance(decode.decode_map(strategy, data), Result)
        for conversion in ("", "Default", "Unicode", "None", "ReverseUnicode"):
            assert isinstance(keys.convert_keys(conversion, data), Result)
            assert isinstance(keys.reverse_keys(conversion, data), Result)
        assert isinstance(keys.validate_keys(data), Result)
        assert len(hash.data_hash(data)) == 56
