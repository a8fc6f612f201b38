"""From answers to the keys and values of the target, before templates (reference: ``GetProviderSecretData``).

===================  ======  =======  ====
step                 data    extract  find
===================  ======  =======  ====
property             value   entries  –
rewrite              –       yes      yes
conversionStrategy   –       without rewrite
key validation       –       yes      yes
decodingStrategy     yes     yes      yes
nullBytePolicy       yes     yes      yes
===================  ======  =======  ====

``dataFrom`` comes before ``data``; later entries overwrite earlier keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core.api import DataEntry, DataFromEntry, ExternalSecret, RemoteRef, Rewrite
from eso_core.api import Find as FindSpec
from eso_core.compat.decode import check_null_bytes, check_null_bytes_map, decode, decode_map
from eso_core.compat.keys import convert_keys, validate_keys
from eso_core.compat.rewrite import Render, rewrite_map
from eso_core.door import Absent, Answer, Blob, Entries, Failed, Found, Get
from eso_core.effect import Answers
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, describe
from eso_core.refs import named
from eso_core.secret import SecretBytes
from eso_core.stages.asks import Question

Values = Mapping[str, SecretBytes]
KEY_SHOWN = 100  # characters of a key in a condition


@dataclass(frozen=True, slots=True)
class Decoded:
    """The values by key of the target, and one sentence per entry that was left out because the backend has no such secret."""

    values: Values
    missing: tuple[str, ...] = ()


def decode_answers(es: ExternalSecret, questions: tuple[Question, ...], answers: Answers, transform: Render) -> Result[Decoded, Failure]:
    """All entries, in order. The first entry that fails decides; an absent one fails only under ``deletionPolicy: Retain``.

    ``transform`` renders the template of a ``rewrite.transform`` for one key.
    """
    values: dict[str, SecretBytes] = {}
    missing: list[str] = []
    for question in questions:
        entry = _entry(es, question, answers.by_ask.get(question.ask, Failed(Broken("no answer"))), transform)
        if isinstance(entry, Absent) and es.spec.target.deletion_policy != "Retain":
            missing.append(_missing(es, question))
        elif isinstance(entry, Absent):
            return Bad(_at(es, question, Missing(entry.what)))
        elif isinstance(entry, Bad):
            return Bad(_at(es, question, entry.failure()))
        else:
            values.update(entry.unwrap())
    return Success(Decoded(values, tuple(missing)))


def _entry(es: ExternalSecret, question: Question, answer: Answer, transform: Render) -> Result[Values, Failure] | Absent:
    if question.part == "data":
        return _one(es.spec.data[question.index], question, answer)
    return _many(es.spec.data_from[question.index], question, answer, transform)


def _one(entry: DataEntry, question: Question, answer: Answer) -> Result[Values, Failure] | Absent:
    ref = entry.remote_ref
    inside = question.provider.dialect.value(answer.payload, ref.property) if isinstance(answer, Found) else answer
    match inside:
        case Absent():
            return _property_absent(ref.property) if isinstance(answer, Found) else inside
        case Failed(failure):
            return Bad(failure)
        case Found(Blob(value)):
            return (
                decode(ref.decoding_strategy, value.reveal())
                .bind(lambda raw: check_null_bytes(ref.null_byte_policy, entry.secret_key, raw).map(lambda _: raw))
                .map(lambda raw: {entry.secret_key: SecretBytes(raw)})
                .alt(InvalidSpec)
            )
        case Found():
            return Bad(Broken("the provider gave several values for one"))
        case _:
            assert_never(inside)


def _many(entry: DataFromEntry, question: Question, answer: Answer, transform: Render) -> Result[Values, Failure] | Absent:
    spec = entry.find or entry.extract
    assert spec is not None
    inside = answer
    if isinstance(answer, Found) and isinstance(spec, RemoteRef):
        inside = question.provider.dialect.entries(answer.payload, spec.property)
    match inside:
        case Absent():
            return _property_absent(spec.property) if isinstance(spec, RemoteRef) and isinstance(answer, Found) else inside
        case Failed(failure):
            return Bad(failure)
        case Found(Entries(values)):
            early = question.provider.find_converts and isinstance(spec, FindSpec)
            found = {key: value.reveal() for key, value in values.items()}
            return (
                _converted(spec.conversion_strategy if early else "None", found)
                .bind(partial(_shaped, entry.rewrite, spec, transform))
                .alt(InvalidSpec)
            )
        case Found():
            return Bad(Broken("the provider gave one value for several"))
        case _:
            assert_never(inside)


def _property_absent(name: str) -> Absent:
    """The remote secret is there, its property is not; a deletion policy acts on it in the same way."""
    return Absent(f'the secret has no property "{name}"')


def _shaped(rewrites: tuple[Rewrite, ...], spec: RemoteRef | FindSpec, transform: Render, data: Mapping[str, bytes]) -> Result[Values, str]:
    return (
        _renamed(rewrites, spec.conversion_strategy, transform, data)
        .bind(lambda d: validate_keys(d).alt(_bad_keys))
        .bind(lambda d: decode_map(spec.decoding_strategy, d).alt(_undecodable(spec.decoding_strategy)))
        .bind(lambda d: check_null_bytes_map(spec.null_byte_policy, d).map(lambda _: d))
        .map(lambda d: {key: SecretBytes(value) for key, value in d.items()})
    )


def _renamed(
    rewrites: tuple[Rewrite, ...], strategy: str, transform: Render, data: Mapping[str, bytes]
) -> Result[Mapping[str, bytes], str]:
    if rewrites:
        return rewrite_map(rewrites, data, transform).map(_mapping).alt(lambda e: f"error applying rewrite to keys: {e}")
    return _converted(strategy, data)


def _converted(strategy: str, data: Mapping[str, bytes]) -> Result[Mapping[str, bytes], str]:
    """Keys under ``strategy``; one that is no strategy changes nothing."""
    return convert_keys(strategy, data).map(_mapping).alt(lambda e: f"error applying conversion strategy {strategy} to keys: {e}")


def _mapping(data: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return data


def _undecodable(strategy: str) -> Callable[[str], str]:
    return lambda error: f"error applying decoding strategy {strategy} to data: {error}"


def _bad_keys(error: str) -> str:
    return f"invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): {error}"


def _missing(es: ExternalSecret, question: Question) -> str:
    """The reference's words, which say ``dataFrom`` for entries of ``data`` too."""
    suffix = f" (key={es.spec.data[question.index].remote_ref.key})" if question.part == "data" else ""
    return f"secret does not exist at provider using spec.dataFrom[{question.index}]{suffix}"


def _at(es: ExternalSecret, question: Question, failure: Failure) -> Failure:
    """``failure`` with the entry it belongs to, in the reference's words."""
    if question.part == "data":
        where = f"{question.path} (key: {es.spec.data[question.index].remote_ref.key})"
    else:
        find = es.spec.data_from[question.index].find
        where = f"{question.path}.{'find' if find is not None else 'extract'}"
    return replace(failure, what=f"error processing {where}, err: {describe(failure)}", about=_about(question))


def _about(question: Question) -> str:
    query = question.ask.query
    of_key = f', key "{query.key[:KEY_SHOWN]}"' if isinstance(query, Get) else ", find"
    return f"{named(question.ask.access.store)}{of_key}"
