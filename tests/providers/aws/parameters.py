"""Systems Manager Parameter Store in memory, from the "AWS Systems Manager API Reference" (API version 2014-11-06), as of November 2026."""

# ruff: noqa: N803  (arguments are named as the members of the requests)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.providers.aws.protocol import Json, Refusal, checked_tags, length, page

NAME = re.compile(r"(/[A-Za-z0-9_.-]+)+|[A-Za-z0-9_.-]+")
NO_RESOURCE = "The resource ID is not valid. Verify that you entered the correct ID and try again."


@dataclass
class Parameter:
    name: str
    kind: str = "String"
    values: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    description: str = ""
    key: str = ""
    tier: str = "Standard"
    policies: str = ""


class Parameters:
    """``denied``: operations that the role may not use, and names that it may not read."""

    def __init__(self, region: str) -> None:
        self.arn = f"arn:aws:ssm:{region}:123456789012:parameter"
        self.held: dict[str, Parameter] = {}
        self.denied: set[str] = set()
        self.asked: list[tuple[str, Json]] = []

    @property
    def operations(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in dir(self) if name[0].isupper()}

    # ------------------------------------------------------------ for tests

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        held = self.held.setdefault(name, Parameter(name))
        held.values.append(value.decode())
        held.tags.update(tags)
        return str(len(held.values))

    def value(self, name: str) -> bytes | None:
        return self.held[name].values[-1].encode() if name in self.held else None

    # ------------------------------------------------------------ reading

    def _entry(self, given: Any, decrypt: bool) -> Json:
        length(given, "name", 1, 2048)
        plain = given.removeprefix(f"{self.arn}/") if given.startswith("arn:") else given
        plain = f"/{plain}" if given.startswith("arn:") and f"/{plain}" in self.held else plain
        name, colon, version = plain.partition(":")
        if name in self.denied:
            raise Refusal("AccessDeniedException", f"not authorized to perform this on resource: {self.arn}/{name.lstrip('/')}")
        if not NAME.fullmatch(name) or len(name) > 1011:
            raise Refusal("ValidationException", "Parameter name: can't be prefixed with, or contain ...")
        held = self.held.get(name)
        if held is None:
            raise Refusal("ParameterNotFound")
        number = int(version) if version.isdigit() else (0 if colon else len(held.values))
        if not 1 <= number <= len(held.values):
            raise Refusal("ParameterVersionNotFound", f"Systems Manager could not find version {version} of {name}.")
        text = held.values[number - 1]
        told = {"Name": name, "Type": held.kind, "Version": number, "ARN": f"{self.arn}/{name.lstrip('/')}", "DataType": "text"}
        selector = {"Selector": f":{version}"} if colon else {}
        return {**told, **selector, "Value": text if decrypt or held.kind != "SecureString" else "AQICAH="}

    def GetParameter(self, Name: Any = None, WithDecryption: bool = False) -> Json:
        return {"Parameter": self._entry(Name, WithDecryption)}

    def GetParameters(self, Names: Any = None, WithDecryption: bool = False) -> Json:
        if not isinstance(Names, list) or not 1 <= len(Names) <= 10 or len(set(Names)) != len(Names):
            raise Refusal("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint")
        found: list[Json] = []
        invalid: list[str] = []
        for name in Names:
            try:
                found.append(self._entry(name, WithDecryption))
            except Refusal as refusal:
                if refusal.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                    raise
                invalid.append(name)
        return {"Parameters": found, "InvalidParameters": invalid}

    def GetParametersByPath(
        self, Path: Any = None, Recursive: bool = False, WithDecryption: bool = False, MaxResults: int = 10, NextToken: str | None = None
    ) -> Json:
        if not 1 <= MaxResults <= 10:
            raise Refusal("ValidationException", "maxResults")
        found, more = page([held.name for held in self._below(Path, Recursive)], MaxResults, NextToken)
        return {"Parameters": [self._entry(name, WithDecryption) for name in found], **more}

    def _below(self, path: Any, recursive: bool) -> list[Parameter]:
        length(path, "path", 1, 2048)
        if not path.startswith("/") or re.search(r"//|[^A-Za-z0-9_./-]", path):
            raise Refusal("ValidationException", "The parameter path must begin with / and hold nothing but names and /")
        top = f"{path.rstrip('/')}/"
        below = {held.name: f"/{held.name.lstrip('/')}".removeprefix(top) for held in self.held.values()}
        return [
            held
            for held in self.held.values()
            if f"/{held.name.lstrip('/')}".startswith(top) and (recursive or "/" not in below[held.name])
        ]

    def DescribeParameters(self, ParameterFilters: Sequence[Json] = (), MaxResults: int = 50, NextToken: str | None = None) -> Json:
        found = list(self.held.values())
        for given in ParameterFilters:
            key, values = given["Key"], given["Values"]
            if set(given) != {"Key", "Option", "Values"} or not values or not all(0 < len(value) <= 1024 for value in values):
                raise Refusal("InvalidFilterKey", "a filter is not usable")
            if key == "Path":
                below = {held.name for value in values for held in self._below(value, given["Option"] == "Recursive")}
                found = [held for held in found if held.name in below]
            elif key.startswith("tag:") and given["Option"] == "Equals" and 5 <= len(key) <= 132:
                found = [held for held in found if held.tags.get(key.removeprefix("tag:")) in values]
            else:
                raise Refusal("InvalidFilterKey", key)
        part, more = page(found, MaxResults, NextToken)
        return {"Parameters": [{"Name": held.name, "Type": held.kind} for held in part], **more}

    # ------------------------------------------------------------ writing

    def PutParameter(
        self,
        Name: Any = None,
        Value: Any = None,
        Type: str = "String",
        Overwrite: bool = False,
        Description: str = "",
        KeyId: str = "",
        Tags: Sequence[Json] | None = None,
        Tier: str = "Standard",
        Policies: str = "",
    ) -> Json:
        if not isinstance(Name, str) or not NAME.fullmatch(Name) or len(Name) > 1011:
            raise Refusal("ValidationException", "Parameter name must be a fully qualified name.")
        length(Value, "value", 1, 4096 if Tier == "Standard" else 8192)
        if Overwrite and Tags:
            raise Refusal("ValidationException", "Invalid request: tags and overwrite can't be used together.")
        if Type not in ("String", "StringList", "SecureString") or (KeyId and Type != "SecureString"):
            raise Refusal("ValidationException", "KeyId is required for SecureString type parameter only.")
        if Policies and (Tier != "Advanced" or not isinstance(orjson.loads(Policies), list)):
            raise Refusal("InvalidPolicyTypeException", "policies")
        if Name in self.held and not Overwrite:
            raise Refusal("ParameterAlreadyExists", "The parameter already exists.")
        held = self.held.setdefault(Name, Parameter(Name, tags=checked_tags(Tags or ())))
        held.values.append(Value)
        held.kind, held.description, held.key, held.tier, held.policies = Type, Description, KeyId, Tier, Policies
        return {"Version": len(held.values), "Tier": Tier}

    def DeleteParameter(self, Name: Any = None) -> Json:
        if Name not in self.held:
            raise Refusal("ParameterNotFound")
        del self.held[Name]
        return {}

    def _resource(self, kind: str, given: Any) -> Parameter:
        if kind != "Parameter":
            raise Refusal("InvalidResourceType")
        if given not in self.held:
            raise Refusal("InvalidResourceId", NO_RESOURCE)
        return self.held[given]

    def ListTagsForResource(self, ResourceType: str = "", ResourceId: Any = None) -> Json:
        return {"TagList": [{"Key": key, "Value": value} for key, value in self._resource(ResourceType, ResourceId).tags.items()]}

    def AddTagsToResource(self, ResourceType: str = "", ResourceId: Any = None, Tags: Sequence[Json] = ()) -> Json:
        self._resource(ResourceType, ResourceId).tags.update(checked_tags(Tags))
        return {}

    def RemoveTagsFromResource(self, ResourceType: str = "", ResourceId: Any = None, TagKeys: Sequence[str] = ()) -> Json:
        for key in TagKeys:
            self._resource(ResourceType, ResourceId).tags.pop(key, None)
        return {}
