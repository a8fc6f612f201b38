"""GitLab in memory: CI/CD variables of one project and of groups above it.

Written on 2026-11-29 from GitLab's REST API documentation ("Project-level CI/CD variables API", "Group-level variables API", "Projects
API: list groups", "Pagination", "Authentication") and from ``lib/api/ci/variables.rb``, ``lib/api/group_variables.rb``,
``lib/api/helpers/variables_helpers.rb`` and ``lib/api/helpers.rb`` of GitLab, which say what errors look like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply

HOST = "gitlab.example"
PROJECT, PARENT, TOP = "7", "20", "3"
PATHS = {TOP: "acme", PARENT: "acme/platform"}
PAGE_MAX = 5  # GitLab's is 100
FILTER = "filter[environment_scope]"


def error(status: int, message: str) -> HttpReply:
    """GitLab's shape."""
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps({"message": message}))


@dataclass
class Variable:
    value: str | None
    scope: str = "*"
    hidden: bool = False


@dataclass
class GitLab:
    """``home`` is where :meth:`put` writes: a project or group; ``scope`` under which environment."""

    home: str = f"projects/{PROJECT}"
    scope: str = "*"
    variables: dict[str, dict[str, list[Variable]]] = field(default_factory=dict)
    count: int = 0
    token: str = "glpat-token-0"
    denied: set[str] = field(default_factory=set)  # places for which the token has too low a role

    def __post_init__(self) -> None:
        for place in (f"projects/{PROJECT}", f"groups/{PARENT}", f"groups/{TOP}"):
            self.variables.setdefault(place, {})

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if not isinstance(call, HttpCall):
            return CallFailed(Missing("no library here"))
        url = urlsplit(call.url)
        if url.scheme != "https" or url.netloc != HOST:
            return HttpReply(status=404, body=b"<html>not here</html>")
        if call.headers.get("PRIVATE-TOKEN") != self.token:
            return error(401, "401 Unauthorized")
        found = re.fullmatch(r"/api/v4/(projects|groups)/([^/]+)/(variables|groups)(?:/([^/]+))?", url.path)
        if found is None or call.method != "GET":
            return HttpReply(status=404, body=orjson.dumps({"error": "404 Not Found"}))
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return self._route(found[1], unquote(found[2]), found[3], found[4], query)

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        self.define(self.home, name, value.decode(), self.scope)
        return ""

    def remove(self, name: str) -> None:
        del self.variables[self.home][name]

    def held(self, name: str) -> bytes | None:
        found = self.variables[self.home].get(name)
        return (found[0].value or "").encode() if found else None

    def expire(self) -> None:
        """There are no sessions."""

    def rotate(self) -> Mapping[str, bytes]:
        self.count += 1
        self.token = f"glpat-token-{self.count}"
        return {"access_token": self.token.encode()}

    # ------------------------------------------------------------ state

    def define(self, place: str, name: str, value: str | None, scope: str = "*") -> None:
        """One variable of a project or group, in place of that of the same scope."""
        others = [held for held in self.variables[place].get(name, []) if held.scope != scope]
        self.variables[place][name] = [*others, Variable(value, scope, hidden=value is None)]

    # ------------------------------------------------------------ routes

    def _route(self, kind: str, ident: str, what: str, key: str | None, query: dict[str, str]) -> HttpReply:
        place = f"{kind}/{PROJECT if (kind, ident) == ('projects', 'acme/platform/shop') else ident}"
        if place not in self.variables:
            return error(404, "404 Project Not Found" if kind == "projects" else "404 Group Not Found")
        if place in self.denied:
            return error(403, "403 Forbidden")
        if what == "groups":
            if kind != "projects" or key is not None:
                return HttpReply(status=404, body=orjson.dumps({"error": "404 Not Found"}))
            groups = [
                {"id": int(group), "name": path, "full_name": path, "full_path": path, "web_url": ""} for group, path in PATHS.items()
            ]
            return self._paged(groups, query)
        if key is not None:
            return self._one(kind, place, unquote(key), query)
        if set(query) - {"page", "per_page"}:
            return HttpReply(status=400, body=orjson.dumps({"error": "unknown parameter"}))
        return self._paged([shown(name, held) for name, all_of in self.variables[place].items() for held in all_of], query)

    def _one(self, kind: str, place: str, key: str, query: dict[str, str]) -> HttpReply:
        scope = query.pop(FILTER, None)
        if query:
            return HttpReply(status=400, body=orjson.dumps({"error": "unknown parameter"}))
        found = [held for held in self.variables[place].get(key, []) if scope in (None, held.scope)]
        if not found:
            return error(404, "404 Variable Not Found" if kind == "projects" else "404 GroupVariable Not Found")
        if len(found) > 1:
            return error(409, f"There are multiple variables with provided parameters. Please use '{FILTER}'")
        return HttpReply(status=200, headers={"content-type": "application/json"}, body=orjson.dumps(shown(key, found[0])))

    def _paged(self, items: list[Any], query: dict[str, str]) -> HttpReply:
        page, size = int(query.get("page", "1")), min(int(query.get("per_page", "20")), PAGE_MAX)
        pages = max(1, -(-len(items) // size))
        headers = {
            "x-page": str(page),
            "x-per-page": str(size),
            "x-total": str(len(items)),
            "x-total-pages": str(pages),
            "x-next-page": str(page + 1) if page < pages else "",
        }
        return HttpReply(status=200, headers=headers, body=orjson.dumps(items[(page - 1) * size : page * size]))


def shown(name: str, held: Variable) -> dict[str, Any]:
    """A variable as the API shows it."""
    return {
        "variable_type": "env_var",
        "key": name,
        "value": held.value,
        "protected": False,
        "masked": held.hidden,
        "hidden": held.hidden,
        "raw": False,
        "environment_scope": held.scope,
        "description": None,
    }
