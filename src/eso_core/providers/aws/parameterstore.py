"""Service ParameterStore: reading and finding.

Values of the newest version are read up to 10 in one GetParameters. Parameters of a version, or named by ARN, are read by themselves:
an answer does not repeat such a name. Where GetParameters as a whole is not answered, the same conversation asks for each value by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Query, Session, Talk
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers.aws.calls import (
    FOUND_MAX,
    Json,
    Line,
    Tag,
    collected,
    denied,
    failed,
    fails,
    groups,
    hopeless,
    one_by_one,
    open_of,
    readable,
    tags_of,
)

BATCH_MAX: Final = 10  # parameters in one GetParameters and on one page of GetParametersByPath, set by the service
DESCRIBED_MAX: Final = 50  # parameters on one page of DescribeParameters, set by the service
ROOT: Final = "/"
NO_RESOURCE: Final = frozenset({"InvalidResourceId"})
"""Code for a parameter that is not there, where it is named as a resource."""
NO_VERSION: Final = "ParameterVersionNotFound"
TOO_MANY_FOUND: Final = Broken(f"more than {FOUND_MAX} parameters; narrow the find by a path or tags")


class Parameter(msgspec.Struct, rename="pascal"):
    """A parameter as read, or its place in a list."""

    name: str = ""
    value: str | None = None


class One(msgspec.Struct, rename="pascal"):
    """The answer of GetParameter."""

    parameter: Parameter


class _Some(msgspec.Struct, rename="pascal"):
    parameters: list[Parameter]
    invalid_parameters: list[str] = []


class _Page(msgspec.Struct, rename="pascal"):
    parameters: list[Parameter]
    next_token: str | None = None


class Tags(msgspec.Struct, rename="pascal"):
    """The answer of ListTagsForResource."""

    tag_list: list[Tag]


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Any number of Gets, or one of the others."""
    reader = _Reader(access, session.value)
    answers: dict[Query, Answer] = {}
    gets = [query for query in queries if isinstance(query, Get) and not query.metadata]
    if gets:
        by_name = yield from reader.batch(list(dict.fromkeys(reader.versioned(query) for query in gets)))
        answers = {query: by_name[reader.versioned(query)] for query in gets}
    for query in queries:
        if query not in answers:
            answers[query] = yield from reader.one(query)
    return answers


def _value_of(parameter: Parameter, about: str) -> Answer:
    if parameter.value is None:
        return Failed(Broken(f"{_kit.line(about)}: invalid secret received, the parameter has no value"))
    return Found(Blob(_kit.secret(parameter.value)))


class _Reader(Line):
    """The operations of one conversation."""

    __slots__ = ()

    def versioned(self, query: Get) -> str:
        return f"{self.name(query.key)}:{query.version}" if query.version else self.name(query.key)

    def one(self, query: Query) -> Talk[Answer]:
        match query:
            case Get():
                return (yield from self.tags(self.name(query.key)))
            case Find():
                return (yield from self.find(query))
            case Probe():
                return Found(Entries({}))  # the login has retrieved credentials, which is what the reference validates

    def value(self, name: str) -> Talk[Answer]:
        """One value; ``name`` may end in a version or label. A version that is not there is a plain error, as in the reference."""
        body = {"Name": name, "WithDecryption": True}
        outcome = yield from self.ask("GetParameter", body, One, name)
        if isinstance(outcome, One):
            return _value_of(outcome.parameter, f"GetParameter {name}")
        missing = isinstance(outcome, Broken) and f": {NO_VERSION}" in outcome.what
        return Failed(Missing(outcome.what)) if isinstance(outcome, Broken) and missing else failed(outcome)

    def tags(self, name: str) -> Talk[Answer]:
        """The tags as a JSON object. A missing parameter is a plain error here, as in the reference."""
        body = {"ResourceType": "Parameter", "ResourceId": name}
        outcome = yield from self.ask("ListTagsForResource", body, Tags, name, absent=NO_RESOURCE)
        if not isinstance(outcome, Tags):
            return fails(outcome, f"ListTagsForResource {name}")
        return Found(Blob(_kit.json_object(tags_of(outcome.tag_list))))

    def batch(self, names: Sequence[str]) -> Talk[dict[str, Answer]]:
        """Values by the name asked for. Names that no batch answers are asked for by themselves."""
        answers: dict[str, Answer] = {}
        plain = [name for name in names if ":" not in name]
        refused: list[str] = []
        for group in groups(plain, BATCH_MAX) if len(plain) > 1 and self.keys.memory.batches() else ():
            outcome = yield from self.ask("GetParameters", {"Names": group, "WithDecryption": True}, _Some)
            if isinstance(outcome, _Some):
                answers |= _of_batch(group, outcome)
            elif hopeless(outcome):
                return answers | dict.fromkeys(open_of(names, answers), Failed(outcome))
            elif denied(outcome):  # perhaps for one name alone
                refused += group
        answers |= yield from one_by_one(open_of(names, answers), self.value)
        if refused and readable(refused, answers):
            self.keys.memory.may_not_batch()
        return answers

    # ------------------------------------------------------------ finding

    def find(self, query: Find) -> Talk[Answer]:
        """By name below a path, else by tags. Names in the result are full names; a prefix of the store plays no part."""
        if query.name is not None:
            matches = _kit.matcher(query.name)
            if isinstance(matches, InvalidSpec):
                return Failed(matches)
            return (yield from self.below(query.path or ROOT, matches))
        if not query.tags:
            return Failed(InvalidSpec("unexpected find operator: name or tags must be given"))
        filters: list[Json] = [{"Key": f"tag:{key}", "Option": "Equals", "Values": [value]} for key, value in query.tags]
        if query.path is not None:
            filters.append(_within(query.path))
        return (yield from self.described(filters, None))

    def below(self, path: str, matches: _kit.Matcher) -> Talk[Answer]:
        """Values by path; where the role may not, names by path and then values."""
        body = {"Path": path, "Recursive": True, "WithDecryption": True, "MaxResults": BATCH_MAX}
        pages = yield from self.pages("GetParametersByPath", body, _Page)
        if denied(pages):
            return (yield from self.described([_within(path)], matches))
        if not isinstance(pages, list):
            return Failed(pages)
        found = {parameter.name: parameter for page in pages for parameter in page.parameters if matches(parameter.name)}
        if len(found) > FOUND_MAX:
            return Failed(TOO_MANY_FOUND)
        return collected({name: _value_of(parameter, f"GetParametersByPath {name}") for name, parameter in found.items()})

    def described(self, filters: Sequence[Json], matches: _kit.Matcher | None) -> Talk[Answer]:
        """Values of the parameters that are listed and match."""
        body = {"ParameterFilters": filters, "MaxResults": DESCRIBED_MAX}
        pages = yield from self.pages("DescribeParameters", body, _Page, counted="DescribeParameter")
        if not isinstance(pages, list):
            return Failed(pages)
        names = dict.fromkeys(parameter.name for page in pages for parameter in page.parameters)
        wanted = [name for name in names if name and (matches is None or matches(name))]
        return collected((yield from self.batch(wanted))) if len(wanted) <= FOUND_MAX else Failed(TOO_MANY_FOUND)


def _within(path: str) -> Json:
    return {"Key": "Path", "Option": "Recursive", "Values": [path]}


def _of_batch(asked: Sequence[str], some: _Some) -> dict[str, Answer]:
    held = {parameter.name: parameter for parameter in some.parameters}
    answers: dict[str, Answer] = {name: _value_of(held[name], f"GetParameters {name}") for name in asked if name in held}
    return answers | {name: Absent() for name in some.invalid_parameters if name in asked and name not in held}
