"""Laws of Go's layouts, times and versions."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from returns.result import Failure, Result

from eso_core.compat.layouts import write
from eso_core.compat.timeparse import parse
from eso_core.template.constraints import parse_constraints, satisfies
from eso_core.template.errors import FunctionError
from eso_core.template.locations import fixed_zone
from eso_core.template.semver import parse_version
from eso_core.template.times import Time, unix_time
from eso_core.template.zones import zone_at

ELEMENTS = (
    b"2006 06 January Jan 1 01 Monday Mon 2 _2 02 __2 002 15 3 03 4 04 5 05 PM pm MST .0 .000 ,999 .999999999 "
    b"-07 -0700 -07:00 -070000 -07:00:00 Z07 Z0700 Z07:00 Z070000 Z07:00:00"
).split()
layouts = st.lists(st.sampled_from(ELEMENTS) | st.binary(max_size=3), max_size=8).map(b"".join)
int64 = st.integers(-(1 << 63), (1 << 63) - 1)
nanoseconds = st.integers(0, 999_999_999)
zones = st.none() | st.builds(fixed_zone, st.sampled_from([b"", b"EST", b"+03"]), st.integers(-86_399, 86_399))
times = st.builds(lambda seconds, rest, zone: unix_time(seconds, rest).in_zone(zone), int64, nanoseconds, zones)
dated = st.builds(
    lambda seconds, rest, zone: unix_time(seconds, rest).in_zone(zone),
    st.integers(-62_135_500_000, 253_402_200_000),
    nanoseconds,
    st.none() | st.integers(-1_439, 1_439).map(lambda minutes: fixed_zone(b"", minutes * 60)),
)


class TestRoundTrips:
    """A full layout loses nothing: reading what it wrote gives the same instant."""

    @given(
        dated,
        st.sampled_from(
            [
                b"2006-01-02T15:04:05.999999999Z07:00",
                b"Monday, 2 January 2006 3:04:05.000000000 PM -0700",
                b"2006 002 15h4m5,000000000s -07:00:00",
                b"_2/Jan/2006 03:04:05.999999999pm Z070000",
                b"2006__2 15:04:05.000000000 Z07:00",
            ]
        ),
    )
    def test_full_layouts(self, time, layout):
        moment = time.moment()
        read = parse(layout, write(layout, moment)).unwrap()
        assert (read.seconds, read.nanoseconds) == (time.unix(), time.nanoseconds)
        assert read.offset == moment.offset

    @given(dated)
    def test_json(self, time):
        read = parse(b"2006-01-02T15:04:05Z07:00", time.json()[1:-1]).unwrap()
        assert (read.seconds, read.nanoseconds) == (time.unix(), time.nanoseconds)


class TestTotality:
    """Any layout, text and time give a value or a failure with Go's words."""

    @given(layouts, times)
    def test_write(self, layout, time):
        shown = write(layout, time.moment())
        assert len(shown) <= 8 * len(layout)

    @given(layouts, st.binary(max_size=40))
    def test_parse(self, layout, text):
        got = parse(layout, text)
        assert isinstance(got, Result)
        if isinstance(got, Failure):
            assert got.failure().startswith("parsing time ")
            assert got.failure().isascii()

    @given(st.binary(max_size=12) | st.sampled_from([b"Europe/Berlin", b"America/New_York", b"Local"]), int64)
    def test_zones(self, name, seconds):
        zone = zone_at(name, seconds)
        assert abs(zone.offset) < 86_400
        assert zone.name

    @given(times, int64, int64, int64, times)
    def test_arithmetic(self, time, years, months, days, other):
        for moved in (time.add(years), time.add_date(years, months, days), time.round(years), time.truncate(months)):
            assert -(1 << 63) <= moved.seconds < 1 << 63
            assert 0 <= moved.nanoseconds < 1_000_000_000
            assert moved.text()
        assert -(1 << 63) <= time.sub(other) < 1 << 63


class TestArithmetic:
    @given(dated, st.integers(-(1 << 62), 1 << 62))
    def test_what_is_added_is_the_difference(self, time, duration):
        assert time.add(duration).sub(time) == duration

    @given(dated, st.integers(1, 1 << 40))
    def test_truncate_and_round_meet(self, time, unit):
        down, near = time.truncate(unit), time.round(unit)
        assert 0 <= time.sub(down) < unit
        assert near in (down, down.add(unit))
        assert 2 * abs(time.sub(near)) <= unit

    @given(dated, st.integers(-10_000, 10_000))
    def test_days_of_add_date_are_24_hours_here(self, time, days):
        assert time.add_date(0, 0, days) == time.add(days * 86_400 * 10**9)


versions = st.builds(
    lambda numbers, extra: b".".join(map(b"%d".__mod__, numbers)) + extra,
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.sampled_from([b"", b"", b"-a", b"-a.1", b"-1", b"+b", b"-rc.2+x"]),
)
operators = st.sampled_from([b"", b"=", b"!=", b">", b"<", b">=", b"<=", b"~", b"^"])


class TestVersions:
    @given(versions, versions)
    def test_order_is_total(self, one, other):
        left, right = parse_version(one), parse_version(other)
        assert left.compare(right) == -right.compare(left)
        assert left.compare(parse_version(left.shown())) == 0

    @given(versions, versions)
    def test_at_least_and_below_are_opposites(self, bound, version):
        """Among releases; a prerelease passes neither unless the bound is one."""
        at_least, below = (satisfies(parse_version(version), parse_constraints(sign + bound)) for sign in (b">=", b"<"))
        assert at_least + below == (b"-" not in version or b"-" in bound)

    @given(st.lists(st.tuples(operators, versions), min_size=1, max_size=3), versions)
    def test_alternatives_are_a_union(self, parts, version):
        texts = [sign + bound for sign, bound in parts]
        found = parse_version(version)
        assert satisfies(found, parse_constraints(b" || ".join(texts))) == any(satisfies(found, parse_constraints(text)) for text in texts)

    @given(st.text("0123xX*.-+v|,= <>~^!a\t\n\xe9", max_size=40).map(str.encode), versions)
    @example(b"1 - 2 - 3", b"1")
    def test_any_constraint(self, text, version):
        found = parse_version(version)
        assert outcome(lambda: satisfies(found, parse_constraints(text))) in (
            True,
            False,
            "improper constraint: ",
            "constraint parser error",
        )


def outcome(call):
    """What the call gives, or the public half of its error."""
    try:
        return call()
    except FunctionError as error:
        return error.what


@pytest.mark.parametrize("seconds", [-(1 << 63), -1, 0, (1 << 63) - 1])
def test_the_ends_of_time(seconds):
    assert Time(seconds).clock()[1] in range(86_400)
