"""What pushes of all providers share."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from eso_core.api.types import Model, Strings
from eso_core.door import Push, Source
from eso_core.failure import InvalidSpec, Missing
from eso_core.providers._push import API_VERSION, KIND, push_metadata, push_value
from eso_core.secret import SecretBytes


class Meta(Model):
    """Some fields."""

    kms_key_id: str = ""
    tags: Strings = {}
    days: int | None = None
    names: tuple[str, ...] = ()


def push(spec=None, **more):
    return Push(key="k", source=Source(data={}), metadata={"apiVersion": API_VERSION, "kind": KIND, "spec": spec, **more})


def refused(found):
    return found.failure().failure


def test_no_metadata_is_an_empty_one():
    assert push_metadata(Push(key="k", source=Source(data={})), Meta) == Success(Meta())
    assert push_metadata(push(), Meta) == Success(Meta())


@pytest.mark.parametrize("name", ["kmsKeyId", "kmsKeyID", "KMSKEYID"])
def test_names_may_be_written_in_any_case(name):
    assert push_metadata(push({name: "x"}), Meta).unwrap().kms_key_id == "x"


def test_what_is_read_as_text_may_be_a_number_or_a_boolean():
    """As ``sigs.k8s.io/yaml`` reads it into a Go string."""
    found = push_metadata(push({"tags": {"cost": 5, "on": True, "half": 0.5, "big": 1e21}, "names": [1, "b"], "days": 7}), Meta).unwrap()
    assert found.tags == {"cost": "5", "on": "true", "half": "0.5", "big": "1e+21"}
    assert (found.names, found.days) == (("1", "b"), 7)


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        (push(apiVersion="v1"), "metadata.apiVersion"),
        (push(kind="Other"), "metadata.kind"),
        (push(more=1), "metadata.more"),
        (push({"nope": 1}), "metadata.spec.nope"),
        (push("text"), "metadata.spec"),
        (push({"days": "soon-s3cret"}), "metadata.spec"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(metadata, path):
    failure = refused(push_metadata(metadata, Meta))
    assert isinstance(failure, InvalidSpec)
    assert failure.path == path
    assert "s3cret" not in failure.what


def test_the_value_under_a_key_or_all_as_one_object():
    source = Source(data={"b": SecretBytes(b"<2>"), "a": SecretBytes(b"1")})
    assert push_value(Push(key="k", source=source, secret_key="a")).unwrap().reveal() == b"1"
    assert push_value(Push(key="k", source=source)).unwrap().reveal() == b'{"a":"1","b":"<2>"}'
    missing = push_value(Push(key="k", source=source, secret_key="c"))
    assert isinstance(missing, Failure)
    assert isinstance(refused(missing), Missing)
