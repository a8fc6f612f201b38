"""``spec.provider.fake``: values written in the store itself, for tests."""

from pydantic import Field

from eso_core.api.types import Int, Model


class FakeData(Model):
    """A value and the reference that finds it."""

    key: str
    value: str = Field(repr=False)
    version: str = ""


class Spec(Model):
    """A provider that holds its values in its own spec."""

    data: tuple[FakeData, ...]
    validation_result: Int | None = None
