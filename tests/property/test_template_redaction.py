"""What a template says of secrets when it fails: nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure as Bad

from eso_core.failure import describe
from eso_core.refs import CONFIG_MAP, SECRET
from eso_core.secret import SecretBytes
from eso_core.template.functions import FUNCTIONS
from tests.property.strategies.core import CANARY
from tests.property.test_redaction import check, leaks
from tests.unit.core.objects import es_of, pieces_of

COSTLY = {"genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "bcrypt", "htpasswd"}
NAMES = sorted(FUNCTIONS.keys() - COSTLY - {"derivePassword", "genSignedCertWithKey"})
VALUES = {"k": SecretBytes(CANARY), "json": SecretBytes(b'{"a": ["' + CANARY + b'", 1], "b": {"c": "' + CANARY + b'"}}')}

terms = st.sampled_from(
    [".k", ".json", "(fromJson .json)", "(fromJson .json).a", "(fromJson .json).b", '"x"', "1", "2.5", "nil", "$.k", "."]
)
calls = st.builds(lambda name, args: " ".join((name, *args)), st.sampled_from(NAMES), st.lists(terms, max_size=4))
pipes = st.lists(calls, min_size=1, max_size=2).flatmap(lambda made: terms.map(lambda first: " | ".join((first, *made))))
forms = st.sampled_from(
    ["{{ %s }}", "{{ range %s }}{{ . }}{{ end }}", "{{ with %s }}{{ .x.y }}{{ end }}", "{{ index . (%s) }}", "{{ template (%s) }}"]
)
templates = st.builds(lambda form, pipe: form % pipe, forms, calls | pipes)


@given(st.lists(templates, min_size=1, max_size=3).map("\n".join), st.sampled_from(["data", "literal", "manifest"]))
def test_no_fault_shows_a_value(text: str, where: str) -> None:
    template = {"templateFrom": [{"literal": text}]} if where == "literal" else {"data": {"t": text}}
    found = pieces_of(es_of(target={"template": template}), CONFIG_MAP if where == "manifest" else SECRET, VALUES)
    if isinstance(found, Bad):
        assert not leaks(describe(found.failure()))
        check(found.failure())
    else:
        check(found, *found.unwrap())
