"""time.Location as templates see it (source: Go 1.26, ``time/zoneinfo.go``): UTC, the local zone, and fixed offsets.

Go compares locations as pointers, and ``printf`` can look into them: hence the addresses, of which only the local zone's is the same in
each run of the reference, and the tables.
"""

from __future__ import annotations

from typing import Final

from eso_core.template.values import Function, Int64, Object, TypedList, Uint8, Value


class Nil(Object):
    """A nil pointer to a location; printing tells its type."""

    __slots__ = ()
    go_type, kind = "*time.Location", "ptr"
    address = 0


class _NilZone(Nil):
    __slots__ = ()
    go_type = "*time.zone"


class _Zone(Object):
    __slots__ = ("name", "offset")
    go_type = "time.zone"

    def __init__(self, name: bytes, offset: int) -> None:
        self.name, self.offset = name, offset

    def private(self) -> dict[str, Value]:
        return {"name": self.name, "offset": self.offset, "isDST": False}


class _ZonePointer(_Zone):
    __slots__ = ()
    go_type, kind = "*time.zone", "ptr"
    address = 0xC000010300


class _Transition(Object):
    """The only one of a fixed zone, at the beginning of time."""

    __slots__ = ()
    go_type = "time.zoneTrans"

    def private(self) -> dict[str, Value]:
        return {"when": Int64(-1 << 63), "index": Uint8(0), "isstd": False, "isutc": False}


class _Zones(TypedList):
    __slots__ = ()
    element = "time.zone"


class _Transitions(TypedList):
    __slots__ = ()
    element = "time.zoneTrans"


class Location(Object):
    """A zone of one offset."""

    __slots__ = ("address", "name", "offset")
    go_type, kind = "*time.Location", "ptr"

    def __init__(self, name: bytes, offset: int, address: int = 0xC000010200) -> None:
        self.name, self.offset, self.address = name, offset, address

    def text(self) -> str:
        return self.name.decode("utf-8", "surrogateescape")

    def copied(self) -> Location:
        """What ``deepCopy`` makes of it, as of all structs without exported fields; a ``Time`` is copied whole."""
        return Location(b"", 0)

    def deep_equal(self, other: object) -> bool:
        """``reflect.DeepEqual``."""
        return isinstance(other, Location) and self._key() == other._key()

    def _key(self) -> tuple[bytes, int, bool]:
        return self.name, self.offset, self._fixed

    @property
    def _fixed(self) -> bool:
        return self is not UTC and self is not LOCAL

    def private(self) -> dict[str, Value]:
        """The unexported fields."""
        fixed = self._fixed
        return {
            "name": self.name,
            "zone": _Zones([_Zone(self.name, self.offset)] if fixed else []),
            "tx": _Transitions([_Transition()] if fixed else []),
            "extend": b"",
            "cacheStart": Int64(-1 << 63 if fixed else 0),
            "cacheEnd": Int64((1 << 63) - 1 if fixed else 0),
            "cacheZone": _ZonePointer(self.name, self.offset) if fixed else _NilZone(),
        }


Location.methods = {"String": Function("func() string", lambda location: location.name)}

NO_LOCATION: Final = Nil()
UTC: Final = Location(b"UTC", 0, 0x2856D60)
LOCAL: Final = Location(b"UTC", 0, 42_298_976)
_HOURS = {hour * 3600: Location(b"", hour * 3600) for hour in range(-12, 15)}


def fixed_zone(name: bytes, offset: int) -> Location:
    """``FixedZone``: the nameless ones of whole hours are shared."""
    shared = None if name else _HOURS.get(offset)
    return shared or Location(name, offset)
