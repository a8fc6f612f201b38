"""1Password: vaults by name and by id; documents, and items with fields."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import Any

from eso_core.providers.onepassword import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.onepassword.server import HOST, Connect, id_of

BY_NAME = {"first": 1, "second": 2}
BY_ID = {id_of("vault first"): 1, id_of("vault second"): 2}
EMPTY_LIST = b"[]"  # what Connect says of a title that no item has

APART = {
    "find-by-tags": "tags of 1Password are words, so that the keys of find.tags count alone: test_a_find_by_tags_looks_at_all_vaults",
    "find-by-path": "find.path is the title of an item, and what is found are its fields: test_a_find_by_path_is_of_one_title",
}
HAS_APART = "apart" in {field.name for field in fields(Case)}


def spec(vaults: dict[str, int]) -> dict[str, Any]:
    return {
        "connectHost": f"https://{HOST}",
        "vaults": vaults,
        "auth": {"secretRef": {"connectTokenSecretRef": {"name": "connect", "key": "token"}}},
    }


def case(name: str, vaults: dict[str, int], calls: Calls, **more: Any) -> Case:
    """What all have in common."""
    apart = {"apart": APART} if HAS_APART else {}
    return Case(
        name=f"onepassword-{name}",
        provider=PROVIDER,
        spec=spec(vaults),
        secrets={"token": b"connect-token-0"},
        missing="failed",
        nothing=(EMPTY_LIST,),
        finds=frozenset({"name", "path", "tags"}),
        push_metadata={
            "apiVersion": "kubernetes.external-secrets.io/v1alpha1",
            "kind": "PushSecretMetadata",
            "spec": {"tags": ["pushed"], "vault": next(iter(vaults))},
        },
        guarded=False,
        calls=calls,
        **{**apart, **more},
    )


DOCUMENTS = case(
    "documents",
    BY_ID,
    # of what is found, the item and its file; a key that no vault has by that id takes four calls: two vaults, id and title
    Calls(login=0, get=2, batch=(5, 10), probe=1, find=3, found=2, push_new=5, push_same=4, delete=5),
    server=Connect,
    path="app",
    key=id_of,
    push_key=id_of,
    opaque=True,
)
FIELDS = case(
    "fields",
    BY_NAME,
    Calls(login=1, get=2, batch=(5, 10), probe=1, find=2 + 3, found=0, push_new=3, push_same=2, delete=3),
    server=partial(Connect, fields=True),
    dialect=(
        Sample(value=b"plain", property="", gives=b"plain"),
        Sample(value=b"plain", property="password", gives=b"plain"),
        Sample(value=b"plain", property="field/password", gives=b"plain"),
        Sample(value=b'{"a": 1}', property="a", gives="failed"),
        Sample(value=b"plain", property="file/password", gives="failed"),
    ),
)

CASES: tuple[Case, ...] = (DOCUMENTS, FIELDS)
