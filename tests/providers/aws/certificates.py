"""AWS Certificate Manager and the Resource Groups Tagging API in memory.

From the "AWS Certificate Manager API Reference" (API version 2015-12-08) and the "Resource Groups Tagging API Reference" (2017-01-26),
as of November 2026.
"""

# ruff: noqa: N803  (arguments are named as the members of the requests)
from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

from tests.providers.aws.protocol import Json, Refusal, checked_tags, page


@dataclass
class Certificate:
    arn: str
    leaf: str
    chain: str
    key: bytes
    tags: dict[str, str] = field(default_factory=dict)
    exportable: bool = False
    indexed: bool = True  # the tagging API knows of it
    used: bool = False


class Certificates:
    """``lags``: what is imported does not appear in the index of tags."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.held: dict[str, Certificate] = {}
        self.denied: set[str] = set()
        self.asked: list[tuple[str, Json]] = []
        self.lags = False
        self.count = 0

    @property
    def operations(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in dir(self) if name[0].isupper()}

    def add(self, leaf: str, chain: str, key: bytes, *, exportable: bool = True, tags: dict[str, str] | None = None) -> str:
        self.count += 1
        arn = f"arn:aws:acm:{self.region}:123456789012:certificate/{self.count:08d}-1234-1234-1234-123456789012"
        self.held[arn] = Certificate(arn, leaf, chain, key, tags or {}, exportable, not self.lags)
        return arn

    def _find(self, arn: Any) -> Certificate:
        if not isinstance(arn, str) or not arn.startswith("arn:") or not 20 <= len(arn) <= 2048:
            raise Refusal("ValidationException", "1 validation error detected: Value at 'certificateArn' failed to satisfy constraint")
        if arn not in self.held:
            raise Refusal("ResourceNotFoundException", f"Could not find certificate {arn}.")
        return self.held[arn]

    def GetCertificate(self, CertificateArn: Any = None) -> Json:
        held = self._find(CertificateArn)
        return {"Certificate": held.leaf, "CertificateChain": held.chain or held.leaf}

    def ExportCertificate(self, CertificateArn: Any = None, Passphrase: str = "") -> Json:
        held = self._find(CertificateArn)
        passphrase = base64.b64decode(Passphrase, validate=True)
        if not 4 <= len(passphrase) <= 128 or any(mark in passphrase for mark in b"#$%"):
            raise Refusal("ValidationException", "passphrase")
        if not held.exportable:
            raise Refusal("ValidationException", f"Certificate ARN: {held.arn} is not exportable.")
        key = load_pem_private_key(held.key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
        return {"Certificate": held.leaf, "CertificateChain": held.chain or held.leaf, "PrivateKey": key.decode()}

    def ImportCertificate(
        self,
        Certificate: str = "",
        PrivateKey: str = "",
        CertificateChain: str | None = None,
        CertificateArn: str | None = None,
        Tags: Sequence[Json] = (),
    ) -> Json:
        try:
            leaf, key = base64.b64decode(Certificate, validate=True), base64.b64decode(PrivateKey, validate=True)
            chain = base64.b64decode(CertificateChain or "", validate=True)
            load_pem_private_key(key, None)
        except (binascii.Error, ValueError):
            raise Refusal("ValidationException", "The private key is not supported.") from None
        if leaf.count(b"-----BEGIN CERTIFICATE-----") != 1:
            raise Refusal("ValidationException", "The certificate field contains more than one certificate.")
        if CertificateArn is None:
            arn = self.add(leaf.decode(), chain.decode(), key, exportable=False, tags=checked_tags(Tags))
            return {"CertificateArn": arn}
        if Tags:
            raise Refusal("ValidationException", "Tagging is not permitted on re-import.")
        held = self._find(CertificateArn)
        held.leaf, held.chain, held.key = leaf.decode(), chain.decode(), key
        return {"CertificateArn": held.arn}

    def DeleteCertificate(self, CertificateArn: Any = None) -> None:
        if self._find(CertificateArn).used:
            raise Refusal("ResourceInUseException", "Certificate is in use.")
        del self.held[CertificateArn]

    def ListTagsForCertificate(self, CertificateArn: Any = None) -> Json:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._find(CertificateArn).tags.items()]}

    def AddTagsToCertificate(self, CertificateArn: Any = None, Tags: Sequence[Json] = ()) -> None:
        self._find(CertificateArn).tags.update(checked_tags(Tags))

    def RemoveTagsFromCertificate(self, CertificateArn: Any = None, Tags: Sequence[Json] = ()) -> None:
        held = self._find(CertificateArn)
        for tag in Tags:
            if "Value" not in tag or held.tags.get(tag["Key"]) == tag["Value"]:
                held.tags.pop(tag["Key"], None)

    def GetResources(self, ResourceTypeFilters: Any = None, TagFilters: Sequence[Json] = (), PaginationToken: str | None = None) -> Json:
        if ResourceTypeFilters != ["acm:certificate"]:
            raise Refusal("InvalidParameterException", "resource type")
        found = [
            held.arn
            for held in self.held.values()
            if held.indexed and all(held.tags.get(given["Key"]) in given["Values"] for given in TagFilters)
        ]
        part, more = page(found, 100, PaginationToken)
        return {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": []} for arn in part], "PaginationToken": more.get("NextToken", "")}
