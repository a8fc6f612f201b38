"""The addresses and credentials of one run, which scenarios and recordings call by names."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TOKEN = "admintoken"  # the administrator's in recordings, where Secrets show it


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """``apiserver`` and ``stub`` are URLs without a path, ``ca_bundle`` is base64, ``token`` the administrator's."""

    apiserver: str
    ca_bundle: str
    token: str = field(repr=False)
    stub: str

    def given(self) -> Mapping[str, str]:
        """What a manifest may name, and what it stands for."""
        return {
            "${APISERVER}": self.apiserver,
            "${CA_BUNDLE}": self.ca_bundle,
            "${TOKEN}": self.token,
            "${STUB}": self.stub,
        }

    def hidden(self) -> tuple[tuple[str, str], ...]:
        """What may be seen in an object, and how a recording calls it; URLs before the hosts in them."""
        return (
            (self.apiserver, "${APISERVER}"),
            (self.ca_bundle, "${CA_BUNDLE}"),
            (self.stub, "${STUB}"),
            (urlsplit(self.apiserver).netloc, "${APISERVER_HOST}"),
            (urlsplit(self.stub).netloc, "${STUB_HOST}"),
        )

    def recorded(self, data: Mapping[str, str]) -> dict[str, str]:
        """The data of a Secret (base64) as a recording shows it: values are not rewritten, but the token is that of the recording."""
        own, theirs = (base64.b64encode(token.encode()).decode() for token in (self.token, TOKEN))
        return {name: theirs if value == own else value for name, value in data.items()}
