"""sprig's dates."""

import pytest

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.dates import TABLE
from eso_core.template.limits import WORK_MAX, Ambient, Meter
from eso_core.template.times import ZERO, Time, unix_time
from eso_core.template.values import Int32, Int64, Uint8
from eso_core.template.zones import zone_at
from tests.template_chance import SeededChance

NOW = 1_700_000_000  # 2023-11-14T22:13:20Z


def call(name, *arguments, ambient=None):
    function = TABLE[name]
    ambient = ambient or Ambient(NOW * 10**9, SeededChance(), Meter())
    return function.call(ambient, *arguments) if function.ambient else function.call(*arguments)


LEAP = call("toDate", b"2006-01-02", b"2024-02-29")


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (0, b"1970-01-01"),
        (Int64(86_400), b"1970-01-02"),
        (Int32(-1), b"1969-12-31"),
        (LEAP, b"2024-02-29"),
        (ZERO, b"0001-01-01"),
        (Uint8(1), b"2023-11-14"),
        (b"2020-01-01", b"2023-11-14"),
        (None, b"2023-11-14"),
        (True, b"2023-11-14"),
        (1.5, b"2023-11-14"),
    ],
)
def test_date(value, want):
    assert call("date", b"2006-01-02", value) == call("htmlDate", value) == call("htmlDateInZone", value, b"") == want


@pytest.mark.parametrize(
    ("zone", "seconds", "want"),
    [
        (b"America/New_York", NOW, b"17:13 EST -0500"),
        (b"America/New_York", NOW - 86_400 * 120, b"18:13 EDT -0400"),
        (b"America/New_York", -3_000_000_000, b"13:43 LMT -0456"),
        (b"America/New_York", -(1 << 62), b"11:18 LMT -0456"),
        (b"America/New_York", 1 << 40, b"19:36 EST -0500"),
        (b"Asia/Kathmandu", NOW, b"03:58 +0545 +0545"),
        (b"America/Sao_Paulo", NOW, b"19:13 -03 -0300"),
        (b"EST5EDT", NOW, b"17:13 EST -0500"),
        (b"Europe/./Berlin", NOW, b"23:13 CET +0100"),
        (b"Europe//Berlin", NOW, b"23:13 CET +0100"),
        (b"Local", NOW, b"22:13 UTC +0000"),
        (b"", NOW, b"22:13 UTC +0000"),
        (b"UTC", NOW, b"22:13 UTC +0000"),
        (b"europe/berlin", NOW, b"22:13 UTC +0000"),
        (b"Europe/Berlin/", NOW, b"22:13 UTC +0000"),
        (b"Europe", NOW, b"22:13 UTC +0000"),
        (b"Nowhere/Land", NOW, b"22:13 UTC +0000"),
        (b"../zoneinfo/Europe/Berlin", NOW, b"22:13 UTC +0000"),
        (b"/usr/share/zoneinfo/Europe/Berlin", NOW, b"22:13 UTC +0000"),
        (b"Europe/Berlin\0", NOW, b"22:13 UTC +0000"),
        (b"\xff", NOW, b"22:13 UTC +0000"),
        (b"x" * 5_000, NOW, b"22:13 UTC +0000"),
    ],
)
def test_zones(zone, seconds, want):
    assert call("dateInZone", b"15:04 MST -0700", seconds, zone) == call("date_in_zone", b"15:04 MST -0700", seconds, zone) == want


def test_rules_of_zones_repeat_after_400_years():
    cycle = 146_097 * 86_400
    for month in range(12):
        at = NOW + month * 30 * 86_400
        here, later = zone_at(b"Europe/Berlin", at), zone_at(b"Europe/Berlin", at + 30 * cycle)
        assert (here.name, here.offset) == (later.name, later.offset)


def test_now_goes_on():
    ambient = Ambient(NOW * 10**9, SeededChance(), Meter())
    first, second = call("now", ambient=ambient), call("now", ambient=ambient)
    assert first.text() == "2023-11-14 22:13:20.000000001 +0000 UTC m=+0.000000001"
    assert first.sub(second) == -1
    assert ambient.meter.work == WORK_MAX - 2


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"-1.5h", "2024-02-28 22:30:00 +0000 UTC"),
        (b"90m30s500ms", "2024-02-29 01:30:30.5 +0000 UTC"),
        ("1\u00b5s".encode(), "2024-02-29 00:00:00.000001 +0000 UTC"),
        (b"0", "2024-02-29 00:00:00 +0000 UTC"),
    ],
)
def test_modify(text, want):
    for name in ("dateModify", "date_modify", "mustDateModify", "must_date_modify"):
        assert call(name, text, LEAP).text() == want


@pytest.mark.parametrize(
    ("text", "what", "full"),
    [
        (b"bad", "time: invalid duration", 'time: invalid duration "bad"'),
        (b"", "time: invalid duration", 'time: invalid duration ""'),
        (b"1d", "time: unknown unit", 'time: unknown unit "d" in duration "1d"'),
        (b"1\xff", "time: unknown unit", 'time: unknown unit "\\xff" in duration "1\\xff"'),
        (b"5", "time: missing unit in duration", 'time: missing unit in duration "5"'),
        (b"9999999999h", "time: invalid duration", 'time: invalid duration "9999999999h"'),
    ],
)
def test_modify_by_no_duration(text, what, full):
    assert call("dateModify", text, LEAP) is LEAP
    with pytest.raises(FunctionError) as caught:
        call("mustDateModify", text, LEAP)
    assert (caught.value.what, caught.value.full) == (what, full)


def test_to_date():
    assert call("toDate", b"2006-01-02 15:04:05 MST", b"2024-02-29 10:20:30 EST").text() == "2024-02-29 10:20:30 +0000 EST"
    assert call("toDate", b"2006-01-02 15:04:05 -0700", b"2024-02-29 10:20:30 -0800").text() == "2024-02-29 10:20:30 -0800 -0800"
    assert call("toDate", b"2006-01-02", b"") == ZERO
    assert call("mustToDate", b"2006", b"2024").go_string().endswith("time.Local)")
    assert call("mustToDate", b"2006Z07", b"2024Z").go_string().endswith("time.UTC)")
    with pytest.raises(FunctionError) as caught:
        call("mustToDate", b"2006-01-02", b"bad")
    assert (caught.value.what, caught.value.full) == ("parsing time", 'parsing time "bad" as "2006-01-02": cannot parse "bad" as "2006"')


def test_unix_epoch():
    assert call("unixEpoch", LEAP) == b"1709164800"
    assert call("unixEpoch", ZERO) == b"-62135596800"


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (NOW, b"0s"),
        (Int64(NOW - 95), b"1m35s"),
        (unix_time(NOW + 129_600), b"-36h0m0s"),
        (ZERO, b"2562047h47m16.854775807s"),
        (b"x", b"0s"),
        (None, b"0s"),
        (Int32(1), b"0s"),
    ],
)
def test_ago(value, want):
    assert call("ago", value) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"95", b"1m35s"),
        (b"-5", b"-5s"),
        (b"+5", b"5s"),
        (b"", b"0s"),
        (b"1_0", b"0s"),
        (b"1.5", b"0s"),
        (b"00000000000000000000000060", b"1m0s"),
        (b"9223372036854775808", b"-1s"),
        (b"-99999999999999999999", b"0s"),
        (Int64(86_400), b"24h0m0s"),
        (95, b"0s"),
        (None, b"0s"),
    ],
)
def test_duration(value, want):
    assert call("duration", value) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"2h10m5s", b"2h"),
        (b"24h", b"24h"),
        (b"25h", b"1d"),
        (b"2400h10m5s", b"3mo"),
        (b"8761h", b"1y"),
        (b"-2h10m", b"2h"),
        (b"1s", b"0s"),
        (b"bad", b"0s"),
        (Int64(3_600_000_000_001), b"1h"),
        (Int64(-(1 << 63)), b"292y"),
        (3_600_000_000_001, b"0s"),
        (unix_time(NOW - 90_000), b"1d"),
        (None, b"0s"),
    ],
)
def test_duration_round(value, want):
    assert call("durationRound", value) == want


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("date", (b"2" * 20_000, 0)),
        ("toDate", (b"2006", b"2" * 20_000)),
        ("mustToDate", (b"2" * 20_000, b"")),
        ("dateModify", (b"1s" * 10_000, LEAP)),
        ("durationRound", (b"1s" * 10_000,)),
    ],
)
def test_bounds(name, arguments):
    with pytest.raises(LimitExceeded):
        call(name, *arguments)


def test_layouts_cost():
    ambient = Ambient(0, SeededChance(), Meter(work=1_000))
    with pytest.raises(LimitExceeded):
        call("date", b"2" * 100, Time(0), ambient=ambient)
