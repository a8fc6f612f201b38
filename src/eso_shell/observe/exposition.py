"""The Prometheus text format 0.0.4, written straight to bytes in pages.

``prometheus_client`` is not used for what grows with the cluster: its labelled children cost about 3 KB each, and it renames
counters that do not end in ``_total``, as two of the reference's do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Sort: TypeAlias = Literal["counter", "gauge"]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PAGE_LINES = 512  # lines in one page, about 60 KB


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. ``labels`` are the names of its labels in the order in which they are written."""

    name: str
    sort: Sort
    help: str
    labels: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """The two comment lines in front of the samples."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.sort}\n"

    def line(self, values: tuple[str, ...], number: float) -> str:
        """One sample."""
        labels = ",".join(f'{name}="{escape(value)}"' for name, value in zip(self.labels, values, strict=True))
        return f"{self.name}{{{labels}}} {number}\n" if labels else f"{self.name} {number}\n"


def escape(value: str) -> str:
    """A label value between its quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def pages(family: Family, lines: Iterable[str]) -> Iterator[bytes]:
    """A family in pages of at most ``PAGE_LINES`` lines; nothing at all when it has no samples."""
    page: list[str] = []
    head = family.head
    for line in lines:
        page.append(line)
        if len(page) >= PAGE_LINES:
            yield (head + "".join(page)).encode()
            page.clear()
            head = ""
    if page:
        yield (head + "".join(page)).encode()
