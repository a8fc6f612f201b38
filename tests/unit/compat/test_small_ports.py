"""Durations, times, decoding, keys, values, regular expressions, schedules, properties: bounds and bad input."""

import pytest
from returns.result import Failure, Success

from eso_core.compat import cron, decode, duration, gotime, keys, property, regexp, values
from eso_core.compat.gojson import Number
from eso_core.compat.text import go_text, quote


class TestDuration:
    @pytest.mark.parametrize(
        ("text", "want"),
        [("1h15m30.918273645s", 4_530_918_273_645), ("-9223372036854775808ns", -(1 << 63)), ("1.9ns", 1), (".5h", 1_800_000_000_000)],
    )
    def test_parse(self, text, want):
        assert duration.parse_duration(text) == Success(want)

    @pytest.mark.parametrize("text", ["", "1", "h", "1d", "--1s", "9223372036854775808ns", "1" * 5_000 + "s", "1s" * 10_000 + "x"])
    def test_refused(self, text):
        assert isinstance(duration.parse_duration(text), Failure)

    def test_long_inputs_do_not_fail(self):
        assert duration.parse_duration("0." + "1" * 10_000 + "s") == Success(111_111_111)
        assert duration.parse_duration("0" * 10_000 + "1s") == Success(1_000_000_000)


class TestTime:
    def test_range(self):
        assert gotime.parse_time("0001-01-01T00:00:00Z") == Success(gotime.ZERO)
        assert gotime.time_json(gotime.ZERO) == "null"
        assert gotime.format_time(gotime.parse_time("9999-12-31T23:59:59.999Z").unwrap()) == "9999-12-31T23:59:59Z"
        assert gotime.format_time(-1) == "1969-12-31T23:59:59Z"

    @pytest.mark.parametrize("text", ["2023-02-29T00:00:00Z", "2024-02-29T00:00:60Z", "2024-02-29T00:00:00Zx", "2024-02-29T00:00:00+25:00"])
    def test_refused(self, text):
        assert isinstance(gotime.parse_time(text), Failure)

    def test_oddities_of_go(self):
        assert gotime.parse_time("2024-02-29T1:00:00Z") == gotime.parse_time("2024-02-29T01:00:00Z")
        assert gotime.parse_time("2024-02-29T01:00:00,5Z") == gotime.parse_time("2024-02-29T01:00:00.5Z")


class TestDecode:
    def test_auto_falls_through(self):
        assert decode.decode("Auto", b"YQ==") == Success(b"a")
        assert decode.decode("Auto", b"_-8=") == Success(b"\xff\xef")
        assert decode.decode("Auto", b"not base64!") == Success(b"not base64!")

    def test_map_names_the_key(self):
        decoded = decode.decode_map("Base64", {"b": b"!", "a": b"YQ=="})
        assert decoded == Failure("failure decoding key b: illegal base64 data at input byte 0")

    def test_null_bytes(self):
        assert decode.check_null_bytes_map("Ignore", {"a": b"\0"}) == Success(None)
        fault = decode.check_null_bytes_map("Fail", {"b": b"\0", "a": b"\0"}).failure()
        assert fault.startswith('fetched secret value for key "a" contains null bytes;')


class TestKeys:
    def test_conversion(self):
        assert keys.convert_key("Unicode", "a/\U0001f680é") == "a_U002f__U1f680_é"
        assert keys.convert_key("Default", "a/b c") == "a_b_c"
        assert keys.convert_key("Bogus", "a/b") == "a/b"
        assert keys.convert_key("", "\ud800") == "_"

    def test_reverse_of_what_is_no_code_point(self):
        assert keys.reverse_key("ReverseUnicode", "_Ud800_") == "\ufffd"
        assert keys.reverse_key("None", "_U002f_") == "_U002f_"

    def test_validation(self):
        assert keys.validate_keys({"": b"", "a": b"1"}) == Success({"a": b"1"})
        assert isinstance(keys.validate_keys({"a" * 253: b""}), Success)
        assert isinstance(keys.validate_keys({"a" * 254: b""}), Failure)
        assert isinstance(keys.validate_keys({"é" * 127: b""}), Failure)


class TestValues:
    def test_types(self):
        assert values.get_byte_value(5) == Failure("can not handle secret value with type: int64")
        assert values.get_byte_value(Number("1.50")) == Success(b"1.50")
        assert values.get_byte_value(("a", "b")) == Success(b"a\nb")
        assert values.get_byte_value({"a": "<"}) == Success(b'{"a":"\\u003c"}')
        assert values.get_byte_value(["a"]) == Success(b'["a"]')

    def test_string_map_refuses_what_is_no_string(self):
        assert values.json_to_string_map(b'{"a":"x","b":null}') == Success({"a": b"x", "b": b""})
        assert values.json_to_string_map(b'{"a":[]}') == Failure("json: cannot unmarshal array into Go value of type string")


class TestRegexp:
    @pytest.mark.parametrize(
        ("source", "fault"),
        [
            ("[", "missing closing ]: `[`"),
            ("(a", "missing closing ): `(a`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("\\C", "invalid escape sequence: `\\C`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?P<é>a)", "invalid named capture: `(?P<é>`"),
            ("(?<=a)b", "invalid named capture: `(?<=a)b`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
        ],
    )
    def test_refused(self, source, fault):
        assert regexp.compile_pattern(source) == Failure(f"error parsing regexp: {fault}")

    def test_bounds(self):
        assert isinstance(regexp.compile_pattern("a" * (regexp.PATTERN_MAX + 1)), Failure)
        assert isinstance(regexp.compile_pattern("(\\pL{500}){2}"), Failure)
        doubled = regexp.compile_pattern("(a+)").unwrap().replace_all("a" * 40_000, "$1$1")
        assert isinstance(doubled, Failure)

    def test_language_differences_are_levelled(self):
        assert regexp.match_string("^\\p{Uppercase_Letter}[\\p{letter}]$", "Aé") == Success(True)
        assert regexp.match_string("\\\\C", "\\C") == Success(True)
        assert regexp.match_string("\\Q\\C\\E", "\\C") == Success(True)
        assert regexp.match_string("[(?P<é>]", "é") == Success(True)

    def test_matching_is_unanchored_and_linear(self):
        assert regexp.match_string("b", "abc") == Success(True)
        assert regexp.match_string("(a*)*b", "a" * 50_000) == Success(False)

    @pytest.mark.parametrize(
        ("source", "text", "template", "want"),
        [
            ("x*", "abc", "-", "-a-b-c-"),
            ("a(b)?", "ac", "[$1]", "[]c"),
            ("(?P<n>a)", "a", "${n}b$nb$$", "ab$"),
            ("a", "a", "$01$", "$"),
            ("é", "éa", "☃", "☃a"),
        ],
    )
    def test_replacement(self, source, text, template, want):
        assert regexp.compile_pattern(source).unwrap().replace_all(text, template) == Success(want)


class TestCron:
    def test_never(self):
        for spec in ("0 0 30 2 *", ", * * * *"):
            assert cron.next_time(cron.parse_schedule(spec).unwrap(), 0) is None

    def test_zones_come_from_the_caller(self):
        assert isinstance(cron.parse_schedule("TZ=Europe/Berlin 0 5 * * *"), Failure)
        assert isinstance(cron.parse_schedule("TZ=UTC"), Failure)
        schedule = cron.parse_schedule("TZ=X/Y 0 5 * * *", lambda name: (lambda _: 3600) if name == "X/Y" else None).unwrap()
        assert cron.next_time(schedule, 0) == 4 * duration.HOUR

    def test_a_zone_that_leaves_a_day_out_does_not_hang(self):
        """robfig/cron searches for ever here: Pacific/Apia had no 30 December 2011. Here the schedule counts as one that never fires."""
        schedule = cron.parse_schedule("0 * 30-30 12 *").unwrap()
        gap = 1_325_239_200
        assert cron.next_time(schedule, (gap - 90_000) * duration.SECOND, lambda at: -36_000 if at < gap else 50_400) is None

    @pytest.mark.parametrize(
        "spec", ["", "* * * *", "60 * * * *", "1-2-3 * * * *", "*/0 * * * *", "@nope", "@every x", "9999999999999999999 * * * *"]
    )
    def test_refused(self, spec):
        assert isinstance(cron.parse_schedule(spec), Failure)

    def test_unparseable_windows_are_not_active(self):
        assert cron.refresh_allowed("allow", [("bad", duration.HOUR)], 0) is False
        assert cron.refresh_allowed("deny", [("bad", duration.HOUR)], 0) is True
        assert cron.refresh_allowed("allow", [], 0) is True


class TestProperty:
    def test_dialects(self):
        secret = b'{"a.b":"flat","a":{"b":"deep"}}'
        assert property.property_fake(secret, "a.b") == Success(b"deep")
        assert property.property_aws(secret, "a.b", "k") == Success(b"flat")
        assert property.property_azure(secret, "a.b", "k") == Success(b"deep")
        assert property.property_vault({"a.b": "flat", "a": {"b": "deep"}}, "a.b") == Success(b"flat")
        assert property.property_gcp(b"x", "a", "k") == Failure("unable to unmarshal secret from JSON")

    def test_missing(self):
        assert property.property_fake(b"{}", "a") == Failure(property.NO_SECRET)
        assert property.property_vault(None, "a") == Failure(property.NO_SECRET)
        assert property.property_vault({}, 'a"') == Failure('cannot find secret data for key: "a\\""')

    def test_kubernetes(self):
        data = {"j": b'{"x":{"y":1}}', "tls.crt": b"C"}
        assert property.property_kubernetes(data, "tls.crt", "s") == Success(b"C")
        assert property.property_kubernetes(data, "j.x.y", "s") == Success(b"1")
        assert isinstance(property.property_kubernetes(data, "j.", "s"), Failure)
        assert property.whole_kubernetes(data) == b'{"j":"{\\"x\\":{\\"y\\":1}}","tls.crt":"C"}'
        assert property.whole_kubernetes_metadata(None, {"a": "<"}) == b'{"annotations":{"a":"<"},"labels":null}'
        assert property.property_map_kubernetes({"j": b'{"x":"<"}'}, "j", "s") == Success({"x": b'"<"'})

    def test_vault_paths(self):
        assert property.vault_path("secret/data/foo", "secret", v2=True) == "secret/data/foo"
        assert property.vault_path("foo", None, v2=True) == "foo/data"
        assert property.vault_metadata_path("a/data/b", None, v2=True) == Success("a/metadata/b")


def test_text():
    assert go_text(b"\xe2\x98\xff") == "\ufffd\ufffd\ufffd"
    assert quote('a"\n\x7f\u200b\U0010ffff') == '"a\\"\\n\\x7f\\u200b\\U0010ffff"'
