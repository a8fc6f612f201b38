"""Rewrite operations with no more than a rewrite reads. They hold what the API models would refuse, too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Regexp:
    source: str = ""
    target: str = ""


@dataclass(frozen=True)
class Transform:
    template: str = ""


@dataclass(frozen=True)
class Merge:
    into: str = ""
    priority: tuple[str, ...] = ()
    priority_policy: str = ""
    conflict_policy: str = ""
    strategy: str = ""


@dataclass(frozen=True)
class Operation:
    merge: Merge | None = None
    regexp: Regexp | None = None
    transform: Transform | None = None
