"""Service CertificateManager: certificates with their private keys, exported and imported.

A read is one ExportCertificate, which tells by itself whether a certificate may be exported. Exports beyond a number in a month are
paid for: a session remembers them, and later reads only compare the certificate (GetCertificate). A bundle is given as
:class:`Entries` with the one name :data:`BUNDLE`, by which the dialect knows that there is no property and no map.

A pushed certificate is found by the tag :data:`REMOTE_KEY` in the index of the tagging API. The index lags: the session remembers what
it has imported, so that a second push does not import it again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from returns.result import Success

from eso_core.api.types import Model, Strings
from eso_core.door import Absent, Access, Answer, Delete, Done, Entries, Exists, Failed, Find, Found, Get, Probe, Push, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, push_metadata
from eso_core.providers.aws.calls import Line, Nothing, Tag, as_tags, fails, is_ours, surplus, tags_of
from eso_core.providers.aws.pem import FORM, decrypted, joined, split_chain
from eso_core.providers.aws.store import TAGGING
from eso_core.secret import SecretBytes
from eso_core.wire import SdkCall, SdkReply

BUNDLE: Final = "PEM"
REMOTE_KEY: Final = "external-secrets-remote-key"
CERT, KEY = "tls.crt", "tls.key"
NOT_SUPPORTED: Final = Failed(InvalidSpec("operation not supported by AWS Certificate Manager provider"))
NOT_MANAGED: Final = Failed(InvalidSpec("certificate not managed by external-secrets"))
RESERVED: Final = frozenset({MANAGED_BY, REMOTE_KEY})
PASSPHRASE_BYTES: Final = 32


class _Certificate(msgspec.Struct, rename="pascal"):
    certificate: str
    certificate_chain: str | None = None
    private_key: str | None = None


class _Imported(msgspec.Struct, rename="pascal"):
    certificate_arn: str


class _Tags(msgspec.Struct, rename="pascal"):
    tags: list[Tag]


class _Resource(msgspec.Struct, rename="pascal"):
    resource_arn: str = msgspec.field(default="", name="ResourceARN")


class _Resources(msgspec.Struct, rename="pascal"):
    resource_tag_mapping_list: list[_Resource]
    next_token: str | None = msgspec.field(default=None, name="PaginationToken")


class Metadata(Model):
    """``PushSecret.spec.data[].metadata.spec``."""

    tags: Strings = {}


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other. ``version``, ``metadata`` and the store's prefix play no part, as in the reference."""
    line = _Line(access, session.value)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get(key=arn):
                answers[query] = yield from line.bundle(arn)
            case Find():
                answers[query] = NOT_SUPPORTED
            case Probe():
                answers[query] = Found(Entries({}))  # the login has retrieved credentials, which is what the reference validates
    return answers


def fingerprint(certificate: str, chain: str | None) -> str:
    """A digest of a certificate and its chain, which are not secret."""
    return hashlib.sha256("\n".join(part.strip() for part in (certificate, chain or "")).encode("utf-8", "replace")).hexdigest()


# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a push wants. ``tags``: as the metadata has them, without those that are ours."""

    leaf: bytes
    chain: bytes
    key: SecretBytes = field(repr=False)
    tags: Mapping[str, str]
    tagged: bool


def _wanted(push: Push) -> _Wanted | Failed:
    if push.secret_key:
        return Failed(InvalidSpec(f"must be empty: the whole kubernetes.io/tls Secret is required ({CERT} and {KEY})", "match.secretKey"))
    metadata = push_metadata(push, Metadata)
    if not isinstance(metadata, Success):
        return metadata.failure()
    certificate, key = push.source.data.get(CERT), push.source.data.get(KEY)
    for name, held in ((CERT, certificate), (KEY, key)):
        if held is None or not held.reveal():
            return Failed(Missing(f'key "{name}" is not in the pushed Secret, or empty'))
    assert certificate is not None
    assert key is not None
    parts = split_chain(certificate.reveal())
    if isinstance(parts, str):
        return Failed(Broken(f'key "{CERT}" of the pushed Secret: {parts}'))
    tags = metadata.unwrap().tags
    ours = {name: value for name, value in tags.items() if name not in RESERVED}
    return _Wanted(parts[0], parts[1], key, ours, bool(tags))


def push(access: Access, session: Session, push: Push) -> Talk[Done | Failed]:
    """Import the certificate, or import it anew where it differs."""
    wanted = _wanted(push)
    if isinstance(wanted, Failed):
        return wanted
    line = _Line(access, session.value)
    key = line.name(push.key)
    arn = yield from line.arn_of(key)
    if not isinstance(arn, str):
        return Failed(arn)
    if not arn:
        return (yield from line.imported(key, wanted))
    held = yield from line.ask("GetCertificate", {"CertificateArn": arn}, _Certificate, arn)
    if isinstance(held, Absent):
        line.keys.memory.arns.pop(key, None)
        return (yield from line.imported(key, wanted))
    if not isinstance(held, _Certificate):
        return Failed(held)
    changed = _differs(held, wanted)
    if changed:
        outcome = yield from line.ask("ImportCertificate", {**_body(wanted), "CertificateArn": arn}, _Imported, arn)
        if not isinstance(outcome, _Imported):
            return fails(outcome, f"ImportCertificate {arn}")
    retagged = (yield from line.retag(arn, wanted.tags)) if wanted.tagged else False
    return retagged if isinstance(retagged, Failed) else Done(changed=changed or retagged)


def delete(access: Access, session: Session, delete: Delete) -> Talk[Done | Failed]:
    """The certificate with this key."""
    line = _Line(access, session.value)
    key = line.name(delete.key)
    arn = yield from line.arn_of(key)
    if not isinstance(arn, str):
        return Failed(arn)
    tags = (yield from line.tags(arn)) if arn else Absent()
    if isinstance(tags, Failed):
        return tags
    if isinstance(tags, Absent):
        line.keys.memory.arns.pop(key, None)
        return Done(changed=False)
    if not is_ours(tags):
        return NOT_MANAGED
    outcome = yield from line.ask("DeleteCertificate", {"CertificateArn": arn}, Nothing, arn)
    if not isinstance(outcome, Nothing | Absent):
        return Failed(outcome)
    line.keys.memory.arns.pop(key, None)
    return Done(changed=isinstance(outcome, Nothing))


def exists(access: Access, session: Session, exists: Exists) -> Talk[bool | Failed]:
    """Whether there is a certificate with this key: in the index, and in fact."""
    line = _Line(access, session.value)
    key = line.name(exists.key)
    arn = yield from line.arn_of(key)
    if not isinstance(arn, str):
        return Failed(arn)
    tags = (yield from line.tags(arn)) if arn else Absent()
    if isinstance(tags, Absent):
        line.keys.memory.arns.pop(key, None)
        return False
    return tags if isinstance(tags, Failed) else True


def _body(wanted: _Wanted) -> dict[str, str]:
    blobs = {"Certificate": wanted.leaf, "PrivateKey": wanted.key.reveal(), **({"CertificateChain": wanted.chain} if wanted.chain else {})}
    return {name: base64.b64encode(blob).decode() for name, blob in blobs.items()}


def _differs(held: _Certificate, wanted: _Wanted) -> bool:
    """Without a chain, the service gives the certificate as its own chain."""
    leaf = wanted.leaf.decode("ascii", "replace")
    chain = wanted.chain.decode("ascii", "replace") or leaf
    return fingerprint(held.certificate, held.certificate_chain) not in (fingerprint(leaf, chain), fingerprint(leaf, wanted.chain.decode()))


class _Line(Line):
    """The operations of one conversation."""

    __slots__ = ()

    def bundle(self, arn: str) -> Talk[Answer]:
        """Certificate, chain and private key. A missing certificate is a plain error, as in the reference."""
        if not arn:
            return Failed(InvalidSpec("must be the ARN of a certificate", "remoteRef.key"))
        kept = self.keys.memory.exports.get(arn)
        if kept is not None:
            held = yield from self.ask("GetCertificate", {"CertificateArn": arn}, _Certificate, arn)
            if not isinstance(held, _Certificate):
                self.keys.memory.exports.pop(arn, None)
                return fails(held, f"GetCertificate {arn}")
            if fingerprint(held.certificate, held.certificate_chain) == kept[0]:
                return Found(Entries({BUNDLE: kept[1]}))
        return (yield from self.exported(arn))

    def exported(self, arn: str) -> Talk[Answer]:
        reply = yield SdkCall(name="ambient.chance", args={"bytes": PASSPHRASE_BYTES})
        if not (isinstance(reply, SdkReply) and isinstance(reply.value, bytes) and len(reply.value) == PASSPHRASE_BYTES):
            return Failed(Broken("there is no chance to make a passphrase of"))
        passphrase = reply.value.hex().encode()  # any ASCII but #, $ and %
        body = {"CertificateArn": arn, "Passphrase": base64.b64encode(passphrase).decode()}
        outcome = yield from self.ask("ExportCertificate", body, _Certificate, arn)
        if not isinstance(outcome, _Certificate):
            return fails(outcome, f"ExportCertificate {arn}")
        key = decrypted((outcome.private_key or "").encode("utf-8", "replace"), passphrase) if outcome.private_key else b""
        if isinstance(key, str):
            return Failed(Broken(f"ExportCertificate {arn}: failed to decrypt the private key: {key}"))
        bundle = SecretBytes(joined(outcome.certificate, outcome.certificate_chain, key.decode(FORM)))
        self.keys.memory.keep_export(arn, fingerprint(outcome.certificate, outcome.certificate_chain), bundle)
        return Found(Entries({BUNDLE: bundle}))

    def arn_of(self, key: str) -> Talk[str | Failure]:
        """The certificate with this key, the first of several by its ARN; ``""`` where there is none."""
        kept = self.keys.memory.arns.get(key)
        if kept is not None:
            return kept
        filters = [{"Key": MANAGED_BY, "Values": [MANAGED_BY_US]}, {"Key": REMOTE_KEY, "Values": [key]}]
        body = {"ResourceTypeFilters": ["acm:certificate"], "TagFilters": filters}
        pages = yield from self.pages("GetResources", body, _Resources, service=TAGGING, token="PaginationToken")
        if not isinstance(pages, list):
            return pages
        arns = sorted(resource.resource_arn for page in pages for resource in page.resource_tag_mapping_list if resource.resource_arn)
        if not arns:
            return ""
        self.keys.memory.keep_arn(key, arns[0])
        return arns[0]

    def imported(self, key: str, wanted: _Wanted) -> Talk[Done | Failed]:
        tags = {**wanted.tags, MANAGED_BY: MANAGED_BY_US, REMOTE_KEY: key}
        outcome = yield from self.ask("ImportCertificate", {**_body(wanted), "Tags": as_tags(tags)}, _Imported, key)
        if not isinstance(outcome, _Imported):
            return fails(outcome, f"ImportCertificate {key}")
        self.keys.memory.keep_arn(key, outcome.certificate_arn)
        return Done(changed=True)

    def tags(self, arn: str) -> Talk[dict[str, str] | Absent | Failed]:
        outcome = yield from self.ask("ListTagsForCertificate", {"CertificateArn": arn}, _Tags, arn)
        if isinstance(outcome, _Tags):
            return tags_of(outcome.tags)
        return outcome if isinstance(outcome, Absent) else Failed(outcome)

    def retag(self, arn: str, wanted: Mapping[str, str]) -> Talk[bool | Failed]:
        """Make the tags those of the metadata, but for ours."""
        have = yield from self.tags(arn)
        if not isinstance(have, dict):
            return fails(have, f"ListTagsForCertificate {arn}") if isinstance(have, Absent) else have
        gone = [name for name in surplus(have, wanted) if name not in RESERVED]
        if gone:
            body = {"CertificateArn": arn, "Tags": as_tags({name: have[name] for name in gone})}
            outcome = yield from self.ask("RemoveTagsFromCertificate", body, Nothing, arn)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"RemoveTagsFromCertificate {arn}")
        new = {name: value for name, value in wanted.items() if have.get(name) != value}
        if new:
            outcome = yield from self.ask("AddTagsToCertificate", {"CertificateArn": arn, "Tags": as_tags(new)}, Nothing, arn)
            if not isinstance(outcome, Nothing):
                return fails(outcome, f"AddTagsToCertificate {arn}")
        return bool(gone or new)
