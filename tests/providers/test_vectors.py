"""What the reference was seen to do, through the providers: conversation and dialect together."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from returns.result import Success

from eso_core.compat.keys import convert_keys
from eso_core.door import Absent, Blob, Entries, Failed, Find, Found, Get
from eso_core.secret import SecretBytes
from tests.providers.scripts import access, one, plain, provider

DATA = Path(__file__).resolve().parents[1] / "parity" / "data" / "functions"
KEYS = {"fake": "fake", "vault": "vault", "aws_secretsmanager": "aws"}


def raw(value):
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def vectors(file, *functions, reached=lambda args: True):
    with (DATA / file).open(encoding="utf-8") as lines:
        found = [vector for line in lines if (vector := json.loads(line))["fn"] in functions and reached(vector["args"])]
    assert found
    return [pytest.param(vector, id=vector["id"]) for vector in found]


def check(vector, answer):
    """An outcome against the vector's."""
    if vector["ok"]:
        got, want = plain(answer), vector["result"]
        assert got == ({key: raw(item) for key, item in want.items()} if isinstance(got, dict) else raw(want))
    elif vector["error_class"] == "no-secret":
        assert answer == Absent()
    else:
        assert isinstance(answer, Failed)


@pytest.mark.parametrize("vector", vectors("property.jsonl", "property", reached=lambda args: args["provider"] in KEYS))
def test_property(vector):
    args = vector["args"]
    check(vector, provider(KEYS[args["provider"]]).dialect.value(Blob(SecretBytes(raw(args["secret"]))), args["property"]))


@pytest.mark.parametrize("vector", vectors("property.jsonl", "kubernetes_get", reached=lambda args: args["property"]))
def test_kubernetes(vector):
    """The vectors are of an inner function, which an empty property does not reach."""
    args = vector["args"]
    dialect = provider("kubernetes").dialect
    if args["metadataPolicy"] == "Fetch":
        meta = {"labels": args.get("labels"), "annotations": args.get("annotations")}
        payload = Blob(SecretBytes(json.dumps(meta).encode()))
    else:
        payload = Entries({name: SecretBytes(raw(value)) for name, value in args["data"].items()})
    check(vector, dialect.value(payload, args["property"]))


@pytest.mark.parametrize("vector", vectors("property.jsonl", "kubernetes_property_map"))
def test_kubernetes_map(vector):
    payload = Entries({name: SecretBytes(raw(value)) for name, value in vector["args"]["data"].items()})
    check(vector, provider("kubernetes").dialect.entries(payload, vector["args"]["property"]))


@pytest.mark.parametrize("vector", vectors("find.jsonl", "fake_get", "fake_get_map"))
def test_fake_get(vector):
    args, dialect = vector["args"], provider("fake").dialect
    answer = one("fake", access("fake", {"data": args["data"]}), Get(key=args["key"], version=args["version"]))
    if isinstance(answer, Found):
        read = dialect.entries if vector["fn"] == "fake_get_map" else dialect.value
        answer = read(answer.payload, args["property"])
    check(vector, answer)


@pytest.mark.parametrize("vector", vectors("find.jsonl", "fake_get_all"))
def test_fake_find(vector):
    args = vector["args"]
    answer = one("fake", access("fake", {"data": args["data"]}), Find(name=args["regexp"]))
    if isinstance(answer, Found):
        converted = convert_keys(args["conversionStrategy"], plain(answer))
        answer = (
            Found(Entries({name: SecretBytes(value) for name, value in converted.unwrap().items()}))
            if isinstance(converted, Success)
            else Failed(None)
        )
    check(vector, answer)
