"""The functions of templates, one topic a file: sprig's subset and the reference's own (``runtime/template/v2``).

Each module offers ``TABLE: Mapping[str, Function]``; this one joins them. No name may be in two of them. Modules whose import takes long,
because of cryptography or YAML, are imported when a template names one of their functions: most operators never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module

from eso_core.template.functions import (
    dates,
    defaults,
    dicts,
    encoding,
    flow,
    hashes,
    json,
    lists,
    numbers,
    paths,
    regex,
    semver,
    strings,
    types,
    urls,
)
from eso_core.template.values import Function

_TOPICS = (dates, defaults, dicts, encoding, flow, hashes, json, lists, numbers, paths, regex, semver, strings, types, urls)

_LATE = {
    "certificates": "buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey",
    "ciphers": "encryptAES decryptAES",
    "jwk": "jwkPublicKeyPem jwkPrivateKeyPem",
    "keys": "rsaDecrypt genPrivateKey derivePassword",
    "passwords": "bcrypt htpasswd randBytes",
    "pem": "filterPEM filterCertChain certSANs",
    "pkcs12": "pkcs12key pkcs12keyPass pkcs12cert pkcs12certPass pemToPkcs12 pemToPkcs12Pass fullPemToPkcs12 fullPemToPkcs12Pass "
    "pemTruststoreToPKCS12 pemTruststoreToPKCS12Pass",
    "yaml": "toYaml fromYaml",
}


class Registry(Mapping[str, Function]):
    """Functions by name. ``late`` has the names that each module, which is not imported yet, has in its table."""

    def __init__(self, tables: Iterable[Mapping[str, Function]], late: Mapping[str, str]) -> None:
        """``ValueError`` for a name that is there twice."""
        self._known: dict[str, Function] = {}
        self._late: dict[str, str] = {}
        for table in tables:
            self._refuse_twice(table)
            self._known.update(table)
        for module, names in late.items():
            self._refuse_twice(names.split())
            self._late.update(dict.fromkeys(names.split(), module))

    def _refuse_twice(self, names: Iterable[str]) -> None:
        twice = [name for name in names if name in self._known or name in self._late]
        if twice:
            raise ValueError(f"functions in two tables: {', '.join(sorted(twice))}")

    def __getitem__(self, name: str) -> Function:
        if name not in self._known and name in self._late:
            self._known.update(import_module(f"{__name__}.{self._late[name]}").TABLE)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._late

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._known, *self._late)))

    def __len__(self) -> int:
        return len(self._known.keys() | self._late.keys())


FUNCTIONS: Mapping[str, Function] = Registry((topic.TABLE for topic in _TOPICS), _LATE)
"""By name; they win over the language's own."""
