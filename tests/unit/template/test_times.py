"""time.Time, Duration, Month, Weekday and Location as templates see them."""

import pytest

from eso_core.template.durations import DURATION_MAX, DURATION_MIN, Duration
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import Ambient, Meter
from eso_core.template.locations import LOCAL, UTC, fixed_zone
from eso_core.template.times import ZERO, Month, Time, Weekday, clock_time, unix_time
from eso_core.template.values import Bytes, Int64, kind_of, type_of
from tests.template_chance import SeededChance

LEAP = unix_time(1_709_164_800).in_zone(None)  # 2024-02-29
NEW_YORK = fixed_zone(b"EST", -18_000)


def ambient() -> Ambient:
    return Ambient(1_700_000_000_000_000_000, SeededChance(), Meter())


def method(value, name, *arguments):
    """What the method gives, as the executor calls it."""
    found = value.methods[name]
    return found.call(ambient(), value, *arguments) if found.ambient else found.call(value, *arguments)


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("Year", 2024),
        ("Month", Month(2)),
        ("Day", 29),
        ("YearDay", 60),
        ("Weekday", Weekday(4)),
        ("Hour", 0),
        ("Minute", 0),
        ("Second", 0),
        ("Nanosecond", 0),
        ("Unix", Int64(1_709_164_800)),
        ("UnixMilli", Int64(1_709_164_800_000)),
        ("UnixMicro", Int64(1_709_164_800_000_000)),
        ("UnixNano", Int64(1_709_164_800_000_000_000)),
        ("IsZero", False),
        ("IsDST", False),
        ("Location", UTC),
        ("String", b"2024-02-29 00:00:00 +0000 UTC"),
        ("GoString", b"time.Date(2024, time.February, 29, 0, 0, 0, 0, time.UTC)"),
        ("MarshalJSON", Bytes(b'"2024-02-29T00:00:00Z"')),
        ("MarshalText", Bytes(b"2024-02-29T00:00:00Z")),
        ("MarshalBinary", Bytes(b"\x01\x00\x00\x00\x0e\xdd\x71\xc0\x00\x00\x00\x00\x00\xff\xff")),
    ],
)
def test_methods_without_arguments(name, want):
    got = method(LEAP, name)
    assert got == want
    assert type(got) is type(want)


def test_methods_with_arguments():
    later = LEAP.add(1_500_000_000)
    assert method(LEAP, "Format", b"Mon Jan 2") == b"Thu Feb 29"
    assert method(LEAP, "AppendFormat", Bytes(b"a"), b"06") == Bytes(b"a24")
    assert method(LEAP, "AppendText", None) == method(LEAP, "MarshalText")
    assert method(LEAP, "Add", 3_600_000_000_000).text() == "2024-02-29 01:00:00 +0000 UTC"
    assert method(later, "Sub", LEAP).text() == "1.5s"
    assert [method(later, name, LEAP) for name in ("After", "Before", "Equal", "Compare")] == [True, False, False, 1]
    assert method(later, "Round", 1_000_000_000) == LEAP.add(2_000_000_000)
    assert method(later, "Truncate", 1_000_000_000) == LEAP.add(1_000_000_000)
    assert method(later, "Truncate", 0) == later
    assert method(LEAP, "In", NEW_YORK).text() == "2024-02-28 19:00:00 -0500 EST"
    assert method(method(LEAP, "Local"), "Location") is LOCAL


@pytest.mark.parametrize(
    ("start", "step", "want"),
    [
        (LEAP, (1, 0, 0), "2025-03-01 00:00:00 +0000 UTC"),
        (LEAP, (0, 12, -29), "2025-01-31 00:00:00 +0000 UTC"),
        (LEAP, (0, -26, 0), "2021-12-29 00:00:00 +0000 UTC"),
        (LEAP, (0, 0, -60), "2023-12-31 00:00:00 +0000 UTC"),
        (LEAP.in_zone(NEW_YORK), (0, 0, 1), "2024-02-29 19:00:00 -0500 EST"),
        (LEAP, (1 << 62, 0, 0), "2024-02-28 06:43:12 +0000 UTC"),
    ],
)
def test_add_date(start, step, want):
    assert start.add_date(*step).text() == want


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        (0, "1970-01-01 00:00:00 +0000 UTC"),
        (-62_135_596_800, "0001-01-01 00:00:00 +0000 UTC"),
        (-62_135_596_801, "0000-12-31 23:59:59 +0000 UTC"),
        (253_402_300_800, "10000-01-01 00:00:00 +0000 UTC"),
        ((1 << 63) - 1, "292277026596-12-04 15:30:07 +0000 UTC"),
        (-(1 << 63), "292277026596-12-04 15:30:08 +0000 UTC"),
    ],
)
def test_all_of_int64_prints(seconds, want):
    assert unix_time(seconds).text() == want


def test_reading_of_the_monotonic_clock():
    first, second = clock_time(1_700_000_000_000_000_007, 1_500_000_000), clock_time(1_700_000_000_000_000_007, 1_500_000_001)
    assert first.text() == "2023-11-14 22:13:20.000000007 +0000 UTC m=+1.500000000"
    assert (second.sub(first), second.compare(first), first == second) == (1, 1, False)
    assert first.add(-2_000_000_000).text().endswith(" m=-0.500000000")
    assert first.in_zone(None).text() == first.round(1).in_zone(None).text() == "2023-11-14 22:13:20.000000007 +0000 UTC"
    assert first.add_date(0, 0, 0).monotonic is None
    assert clock_time(7_000_000_000_000_000_000, 1).monotonic is None  # after 2157
    assert first.add(DURATION_MAX).monotonic is None
    assert dict(first.private())["wall"] == 1 << 63 | (1_700_000_000 + 62_135_596_800 - 59_453_308_800) << 30 | 7


def test_bounds():
    last = Time((1 << 63) - 1)
    assert last.add(DURATION_MAX).seconds == (1 << 63) - 1
    assert Time(-(1 << 63) + 5).add(DURATION_MIN).seconds == -(1 << 63) + 1
    assert (last.sub(ZERO), ZERO.sub(last)) == (DURATION_MAX, DURATION_MIN)


def test_equality_is_that_of_the_fields():
    assert ZERO.add(1) == ZERO.add(1)
    assert LEAP.in_zone(LOCAL) != LEAP
    assert hash(LEAP) == hash(LEAP.in_zone(LOCAL))
    assert LEAP.in_zone(fixed_zone(b"", -18_000)) == LEAP.in_zone(fixed_zone(b"", -18_000))
    odd = [LEAP.in_zone(fixed_zone(b"X", 5)) for _ in range(2)]
    assert odd[0] != odd[1]
    assert odd[0].deep_equal(odd[1])
    assert not odd[0].deep_equal(LEAP)
    assert LEAP != 1


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (unix_time(253_402_300_800), "year outside of range [0,9999]"),
        (ZERO.add_date(-2, 0, 0), "year outside of range [0,9999]"),
        (LEAP.in_zone(fixed_zone(b"", 86_400)), "timezone hour outside of range [0,23]"),
    ],
)
def test_what_json_cannot_hold(time, words):
    with pytest.raises(FunctionError, match=r"^Time\.MarshalJSON: ") as caught:
        time.json()
    assert caught.value.full == f"Time.MarshalJSON: {words}"


def test_binary_form():
    odd = method(LEAP.in_zone(fixed_zone(b"", -3661)), "GobEncode")
    assert (odd[0], bytes(odd[-3:])) == (2, b"\xff\xc3\xff")
    with pytest.raises(FunctionError, match="unexpected zone offset"):
        method(LEAP.in_zone(fixed_zone(b"", -60)), "MarshalBinary")


def test_no_location():
    with pytest.raises(FunctionError, match="missing Location"):
        method(LEAP, "In", None)


def test_layouts_are_bounded():
    with pytest.raises(LimitExceeded):
        method(LEAP, "Format", b"2" * 20_000)


def test_what_printf_sees():
    assert LEAP.private()["loc"].address == 0
    assert list(LEAP.in_zone(LOCAL).private()) == ["wall", "ext", "loc"]
    assert LOCAL.private()["name"] == b"UTC"
    assert LEAP.in_zone(LOCAL).go_string().endswith("time.Local)")
    assert LEAP.in_zone(NEW_YORK).go_string().endswith('time.Location("EST"))')


def test_names_of_types():
    values = [LEAP, UTC, Month(1), Weekday(0), Duration(1)]
    assert [type_of(value) for value in values] == ["time.Time", "*time.Location", "time.Month", "time.Weekday", "time.Duration"]
    assert [kind_of(value) for value in values] == ["struct", "ptr", "int", "int", "int64"]
    assert [Month(12).text(), Month(13).text(), Weekday(6).text(), Weekday(-1).text()] == [
        "December",
        "%!Month(13)",
        "Saturday",
        "%!Weekday(18446744073709551615)",
    ]
    assert method(Month(3), "String") == b"March"


@pytest.mark.parametrize(
    ("duration", "name", "arguments", "want"),
    [
        (90_000_000_000, "String", (), b"1m30s"),
        (90_000_000_000, "Hours", (), 0.025),
        (90_000_000_000, "Minutes", (), 1.5),
        (-1, "Seconds", (), -1e-9),
        (-1_999_999, "Milliseconds", (), Int64(-1)),
        (-1_999, "Microseconds", (), Int64(-1)),
        (5, "Nanoseconds", (), Int64(5)),
        (-1_500, "Round", (1_000,), Duration(-2_000)),
        (1_499, "Round", (1_000,), Duration(1_000)),
        (DURATION_MAX, "Round", (1_000,), Duration(DURATION_MAX)),
        (DURATION_MIN, "Round", (1_000,), Duration(DURATION_MIN)),
        (-1_999, "Truncate", (1_000,), Duration(-1_000)),
        (7, "Truncate", (-1,), Duration(7)),
        (DURATION_MIN, "Abs", (), Duration(DURATION_MAX)),
    ],
)
def test_durations(duration, name, arguments, want):
    got = method(Duration(duration), name, *arguments)
    assert got == want
    assert type(got) is type(want)
