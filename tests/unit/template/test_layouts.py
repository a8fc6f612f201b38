"""Go's layouts: what `time.Format` writes and `time.Parse` reads."""

import pytest
from returns.result import Failure, Success

from eso_core.compat.civil import civil_from_days, days_from_civil, days_in
from eso_core.compat.layouts import RFC3339, RFC3339_NANO, Moment, elements, write
from eso_core.compat.timeparse import Parsed, parse

DAY = days_from_civil(2024, 2, 29)
NIGHT = Moment(DAY, 13 * 3600 + 4 * 60 + 5, 120_000_000, b"EST", -5 * 3600)
MORNING = Moment(days_from_civil(2024, 1, 5), 9, 0, b"", 19_800)


@pytest.mark.parametrize(
    ("layout", "night", "morning"),
    [
        (b"2006 06", b"2024 24", b"2024 24"),
        (b"January Jan 1 01", b"February Feb 2 02", b"January Jan 1 01"),
        (b"Monday Mon", b"Thursday Thu", b"Friday Fri"),
        (b"2 _2 02", b"29 29 29", b"5  5 05"),
        (b"__2 002", b" 60 060", b"  5 005"),
        (b"15 3 03", b"13 1 01", b"00 12 12"),
        (b"4 04 5 05", b"4 04 5 05", b"0 00 9 09"),
        (b"PM pm", b"PM pm", b"AM am"),
        (b".0 .00 ,000000", b".1 .12 ,120000", b".0 .00 ,000000"),
        (b"5.9 5.99 5,9999", b"5.1 5.12 5,12", b"9 9 9"),
        (b"05.0000000000", b"05.120000000", b"09.000000000"),
        (b"MST", b"EST", b"+0530"),
        (b"-0700 -07 -07:00", b"-0500 -05 -05:00", b"+0530 +05 +05:30"),
        (b"Z0700 Z07 Z07:00", b"-0500 -05 -05:00", b"+0530 +05 +05:30"),
        (b"-070000 -07:00:00 Z070000", b"-050000 -05:00:00 -050000", b"+053000 +05:30:00 +053000"),
        (b"_2006 __2006", b"_2024  60024", b"_2024   5024"),
        (b"Month Janus MSTX", b"Month Janus ESTX", b"Month Janus +0530X"),
        (b"\xff 7 0 00", b"\xff 7 0 00", b"\xff 7 0 00"),
        (b".001 .90", b".002 .90", b".001 .90"),
        (b"", b"", b""),
    ],
)
def test_write(layout, night, morning):
    assert (write(layout, NIGHT), write(layout, MORNING)) == (night, morning)


def test_write_odd_years_and_offsets():
    assert write(b"2006 06", Moment(days_from_civil(-5, 1, 1), 0, 0, b"", 0)) == b"-0005 05"
    assert write(b"2006", Moment(days_from_civil(123_456, 1, 1), 0, 0, b"", 0)) == b"123456"
    assert write(b"-07:00:00 -0700", Moment(0, 0, 0, b"", -30)) == b"+00:00:-30 +0000"
    assert write(b"Z07:00", Moment(0, 0, 0, b"", 0)) == b"Z"


def test_digits_of_a_fraction_are_counted_in_twelve_bits():
    assert [element.digits for element in elements(b"." + b"0" * 4097)] == [1, 0]


@pytest.mark.parametrize(
    ("layout", "text", "want"),
    [
        (RFC3339, b"2024-02-29T10:20:30Z", Parsed(1_709_202_030, 0, utc=True)),
        (RFC3339, b"2024-02-29T10:20:30.5+00:00", Parsed(1_709_202_030, 500_000_000)),
        (RFC3339_NANO, b"2024-02-29T10:20:30.1234567891-05:00", Parsed(1_709_220_030, 123_456_789, b"", -18_000)),
        (RFC3339, b"2024-02-29T1:20:30,25Z", Parsed(1_709_169_630, 250_000_000, utc=True)),
        (RFC3339, b"2024-02-29T00:00:00+24:60", Parsed(1_709_164_800 - 90_000, 0, b"", 90_000)),
        (b"2006-01-02", b"2024-02-29", Parsed(1_709_164_800, 0)),
        (b"", b"", Parsed(-62_167_219_200, 0)),
        (b"02/01/06", b"29/12/68", Parsed(3_123_964_800, 0)),
        (b"02/01/06", b"29/12/69", Parsed(-259_200, 0)),
        (b"06", b"-5", Parsed(788_918_400, 0)),
        (b"2006-002", b"2024-060", Parsed(1_709_164_800, 0)),
        (b"2006 __2", b"2024  60", Parsed(1_709_164_800, 0)),
        (b"January 2, 2006", b"february 9, 2024", Parsed(1_707_436_800, 0)),
        (b"Mon, 02 Jan 2006", b"SUN, 29 fEB 2024", Parsed(1_709_164_800, 0)),
        (b"2006-1-_2", b"2024-2- 9", Parsed(1_707_436_800, 0)),
        (b"2006 3:04PM", b"2024 12:05AM", Parsed(1_704_067_500, 0)),
        (b"2006 3:04 pm", b"2024   7:05 pm", Parsed(1_704_135_900, 0)),
        (b"2006 MST", b"2024 UTC", Parsed(1_704_067_200, 0, utc=True)),
        (b"2006 MST", b"2024 EST", Parsed(1_704_067_200, 0, b"EST", 0)),
        (b"2006 MST", b"2024 GMT+3", Parsed(1_704_067_200, 0, b"GMT+3", 10_800)),
        (b"2006 MST", b"2024 +03", Parsed(1_704_067_200, 0, b"+03", 0)),
        (b"2006 MST", b"2024 WITA", Parsed(1_704_067_200, 0, b"WITA", 0)),
        (b"2006 MST", b"2024 ChST", Parsed(1_704_067_200, 0, b"ChST", 0)),
        (b"2006 MST -0700", b"2024 CET +0100", Parsed(1_704_063_600, 0, b"CET", 3600)),
        (b"2006 -070000", b"2024 -000030", Parsed(1_704_067_230, 0, b"", -30)),
        (b"2006 -070000", b"2024 -000001", Parsed(1_704_067_200, 0)),
        (b"2006 05.000", b"2024 01.250", Parsed(1_704_067_201, 250_000_000)),
        (b"2006 05.999", b"2024 01", Parsed(1_704_067_201, 0)),
        (b"2006 05", b"2024 01.5", Parsed(1_704_067_201, 500_000_000)),
        (b"2006 .00", b"2024 .+5", Parsed(1_704_067_200, 50_000_000)),
        (b"a  2006", b"a 2024", Parsed(1_704_067_200, 0)),
        (b"2006 ", b"2024", Parsed(1_704_067_200, 0)),
        (b"unix", b"unix", Parsed(-62_167_219_200, 0)),
    ],
)
def test_parse(layout, text, want):
    assert parse(layout, text) == Success(want)


@pytest.mark.parametrize(
    ("layout", "text", "want"),
    [
        (b"2006-01-02", b"bad", 'parsing time "bad" as "2006-01-02": cannot parse "bad" as "2006"'),
        (b"2006-01-02", b"2024/01", 'parsing time "2024/01" as "2006-01-02": cannot parse "/01" as "-"'),
        (b"2006-01-02", b"2024-01-01 extra", 'parsing time "2024-01-01 extra": extra text: " extra"'),
        (b"2006-01-02", b"2024-13-01", 'parsing time "2024-13-01": month out of range'),
        (b"2006-01-02", b"2023-02-29", 'parsing time "2023-02-29": day out of range'),
        (b"15:04", b"25:00", 'parsing time "25:00": hour out of range'),
        (b"3:04PM", b"13:00PM", 'parsing time "13:00PM": hour out of range'),
        (b"3:04pm", b"7:05PM", 'parsing time "7:05PM" as "3:04pm": cannot parse "PM" as "pm"'),
        (b"04", b"60", 'parsing time "60": minute out of range'),
        (b"05", b"60", 'parsing time "60": second out of range'),
        (b".00", b".-5", 'parsing time ".-5": fractional second out of range'),
        (b"-0700", b"+2561", 'parsing time "+2561": time zone offset minute out of range'),
        (b"-07:00:00", b"+00:00:61", 'parsing time "+00:00:61": time zone offset second out of range'),
        (b"-0700", b"x0000", 'parsing time "x0000" as "-0700": cannot parse "x0000" as "-0700"'),
        (b"MST", b"ABCDEF", 'parsing time "ABCDEF" as "MST": cannot parse "ABCDEF" as "MST"'),
        (b"MST", b"+24", 'parsing time "+24" as "MST": cannot parse "+24" as "MST"'),
        (b"2006 002", b"2023 366", 'parsing time "2023 366": day-of-year out of range'),
        (b"2006 002 01", b"2023 060 02", 'parsing time "2023 060 02": day-of-year does not match month'),
        (b"2006 002 02", b"2023 060 02", 'parsing time "2023 060 02": day-of-year does not match day'),
        (b'\xff"2', b"\xfe\n", 'parsing time "\\xfe\\x0a" as "\\xff\\"2": cannot parse "\\xfe\\x0a" as "\\xff\\""'),
        (b"a b", b"ab", 'parsing time "ab" as "a b": cannot parse "b" as "a b"'),
    ],
)
def test_refused(layout, text, want):
    assert parse(layout, text) == Failure(want)


@pytest.mark.parametrize(("year", "month", "days"), [(2024, 2, 29), (2023, 2, 28), (1900, 2, 28), (-4, 2, 29), (2024, 4, 30)])
def test_days_in(year, month, days):
    assert days_in(year, month) == days
    assert civil_from_days(days_from_civil(year, month, days) + 1) == (year, month + 1, 1)
