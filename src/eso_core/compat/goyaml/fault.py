"""What is wrong with a document."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """Go's text in two parts: ``what`` has no data of the document in it, ``detail``, which follows it, may have."""

    what: str
    detail: str = field(default="", repr=False)

    @property
    def full(self) -> str:
        """Go's text."""
        return self.what + self.detail

    def within(self, context: str) -> "Fault":
        """The fault with ``context`` before it."""
        return Fault(context + self.what, self.detail)


class Refused(Exception):
    """Ends the reading of a document; it does not leave the package."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(what)
        self.fault = Fault(what, detail)
