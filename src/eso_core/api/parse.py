"""Raw objects to models: the one place where a manifest becomes typed.

A failure names every faulty field and never repeats a value, because values may be secrets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json
from returns.result import Failure, Result, Success

from eso_core.api.external_secret import ExternalSecret
from eso_core.api.store import ClusterSecretStore, SecretStore, Store
from eso_core.api.types import Json, Model

M = TypeVar("M", bound=Model)

SHOWN_MAX: Final = 5  # errors in a summary
NAME_MAX: Final = 63  # characters of one path element
DEPTH_MAX: Final = 64  # levels below which nulls stay


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. ``path`` is like ``spec.data[2].remoteRef.key``, empty for the whole object.

    ``reason`` is the API server's word for the kind of error, as in a Status' ``details.causes``.
    """

    path: str
    message: str
    reason: str = "FieldValueInvalid"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class InvalidObject:
    """Why an object does not parse; at least one error, in the order of the fields."""

    errors: tuple[FieldError, ...]

    def summary(self) -> str:
        """One line with the first errors and the number of the others."""
        shown = "; ".join(str(error) for error in self.errors[:SHOWN_MAX])
        more = len(self.errors) - SHOWN_MAX
        return f"{shown}; and {more} more" if more > 0 else shown


def parse_external_secret(raw: Mapping[str, Json] | bytes) -> Result[ExternalSecret, InvalidObject]:
    """An ExternalSecret, with CRD defaults applied. Accepts any JSON value and any bytes."""
    return _observed(ExternalSecret, raw)


def parse_store(raw: Mapping[str, Json] | bytes) -> Result[Store, InvalidObject]:
    """A SecretStore or ClusterSecretStore, told apart by ``kind``. Accepts any JSON value and any bytes."""
    return _decoded(raw).bind(_store) if isinstance(raw, bytes) else _store(raw)


def _store(raw: Json) -> Result[Store, InvalidObject]:
    if not isinstance(raw, Mapping):
        return _failed("", MESSAGES["dict_type"])
    match raw.get("kind"):
        case "SecretStore":
            return _observed(SecretStore, raw)
        case "ClusterSecretStore":
            return _observed(ClusterSecretStore, raw)
        case _:
            return _failed("kind", "must be 'SecretStore' or 'ClusterSecretStore'")


def _observed(model: type[M], raw: Mapping[str, Json] | bytes) -> Result[M, InvalidObject]:
    """:func:`parse`, where a status that does not parse counts as none: it is no wish of anybody's, and is written anew."""
    parsed = parse(model, raw)
    if isinstance(parsed, Success) or any(error.path.partition(".")[0] != "status" for error in parsed.failure().errors):
        return parsed
    whole: Mapping[str, Json] = from_json(raw) if isinstance(raw, bytes) else raw
    return parse(model, {name: value for name, value in whole.items() if name != "status"})


def parse(model: type[M], raw: Mapping[str, Json] | bytes) -> Result[M, InvalidObject]:
    """`raw` as a `model`. A null counts as absent, as the API server prunes it."""
    try:
        return Success(model.model_validate_json(raw) if isinstance(raw, bytes) else model.model_validate(raw))
    except ValidationError as error:
        return _again(model, raw, error)


def dump(model: Model) -> dict[str, Json]:
    """The JSON object of a model: what was set, under its JSON names. ``parse`` gives the model back."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def _again(model: type[M], raw: Mapping[str, Json] | bytes, first: ValidationError) -> Result[M, InvalidObject]:
    if isinstance(raw, bytes):
        return _decoded(raw).bind(lambda value: _again(model, value, first))
    try:
        return Success(model.model_validate(without_nulls(raw)))
    except ValidationError as error:
        return Failure(InvalidObject(tuple(map(_field_error, error.errors(include_url=False, include_input=False)))))


def _decoded(raw: bytes) -> Result[Json, InvalidObject]:
    try:
        return Success(from_json(raw, allow_inf_nan=False))
    except ValueError as error:
        too_deep = str(error).startswith("recursion limit exceeded")
        return _failed("", "is nested too deeply" if too_deep else MESSAGES["json_invalid"])


def _failed(path: str, message: str) -> Failure[InvalidObject]:
    return Failure(InvalidObject((FieldError(path, message),)))


def without_nulls(value: Json, depth: int = DEPTH_MAX) -> Json:
    """`value` without null members of objects, down to `depth` levels."""
    if depth and isinstance(value, Mapping):
        return {key: without_nulls(item, depth - 1) for key, item in value.items() if item is not None}
    if depth and isinstance(value, list | tuple):
        return [without_nulls(item, depth - 1) for item in value]
    return value


MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode text",
    "bool_type": "must be a boolean",
    "int_type": "must be an integer",
    "int_or_string": "must be an integer or a string",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "mapping_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "json_invalid": "is not valid JSON",
}
BOUNDED: Final[Mapping[str, Callable[[Mapping[str, Json]], str]]] = {
    "literal_error": lambda ctx: f"must be {ctx['expected']}",
    "greater_than_equal": lambda ctx: f"must be at least {ctx['ge']}",
    "less_than_equal": lambda ctx: f"must be at most {ctx['le']}",
}


def _field_error(error: ErrorDetails) -> FieldError:
    kind = error["type"]
    say = BOUNDED.get(kind)
    message = say(error["ctx"]) if say else MESSAGES.get(kind, f"is not valid ({kind})")
    return FieldError(path_text(error["loc"]), message)


def path_text(loc: tuple[int | str, ...]) -> str:
    """``("spec", "data", 2, "key")`` as ``spec.data[2].key``. The mark of a faulty mapping key is left out."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_element(part)}" for part in loc if part != "[key]")
    return text.removeprefix(".")


def _element(part: str) -> str:
    printable = part.encode("unicode_escape").decode("ascii")
    return printable if len(printable) <= NAME_MAX else f"{printable[:NAME_MAX]}..."
