"""Writing to a vault: secrets, keys and certificates that carry the tag ``managed-by: external-secrets``.

An object is read first, by plain HTTP: one without the tag is not touched, and what is the same is not written. What is written goes
through Azure's own package (``eso_shell/sdk/azure.py``), as does a deletion. A write makes a new version.

===========  =====================================================================  ============================
kind         the same when                                                          metadata that is written
===========  =====================================================================  ============================
secret       value and ``expirationDate`` are, and ``contentType`` if it is given   all
key          the public part is (a symmetric key has none: never)                   ``tags``
certificate  the DER form is                                                        ``tags``
===========  =====================================================================  ============================

Tags that are given have to be there, too; others do not matter. A property is a member of the JSON object that a secret is, and the other
members stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Model, Strings
from eso_core.compat.gotime import parse_time
from eso_core.compat.sjson import set_text
from eso_core.compat.text import to_bytes
from eso_core.door import Absent, Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.instant import SECOND
from eso_core.providers._kit import line as line_of_text
from eso_core.providers._kit import secret
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US, push_metadata, push_value, unwritten
from eso_core.providers.azurekv.line import CERT, KEY, SECRET, Bundle, Line, Object, line_of, object_of, read
from eso_core.providers.azurekv.material import certificate_of, is_pem, key_of, same_key
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, SdkCall, SdkReply

COUNTED: Final = {
    "azure.set_secret secret": "SetSecret",
    "azure.import_key key": "ImportKey",
    "azure.import_certificate cert": "ImportCertificate",
    "azure.delete secret": "DeleteSecret",
    "azure.delete key": "DeleteKey",
    "azure.delete cert": "DeleteCertificate",
}
"""Names of calls in metrics, by function and kind."""
TIME_MAX: Final = 253_402_300_800  # the year 10000, in seconds since 1970


class Metadata(Model):
    """``PushSecret.spec.data[].metadata.spec``."""

    expiration_date: str = ""
    content_type: str = ""
    tags: Strings = {}


@dataclass(frozen=True, slots=True)
class Change:
    """A function of the library, and what it is given besides the connection and the name."""

    object: Object
    call: str
    args: Mapping[str, Any] = field(repr=False)
    der: bytes = b""  # of a certificate


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Write the value, unless it is there."""
    change = _change(command)
    if isinstance(change, Failed):
        return change
    line = line_of(access, session)
    held = yield from _managed(line, change.object)
    if isinstance(held, Failed):
        return held
    within = _within(change, held, command.property) if command.property else change
    if isinstance(within, Failed):
        return within
    if held is not None and _is_there(within, held):
        return Done(changed=False)
    args = within.args
    if within.object.kind == SECRET and held is not None and args["content_type"] is None:
        args = {**args, "content_type": held.content_type}
    return (yield from _write(line, within.call, within.object, args))


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """Delete the whole object, whatever the property."""
    wanted = object_of(command.key)
    if isinstance(wanted, Wrong):
        return Failed(wanted.failure())
    line = line_of(access, session)
    held = yield from _managed(line, wanted.unwrap())
    if not isinstance(held, Bundle):
        return held if held is not None else Done(changed=False)
    done = yield from _write(line, "azure.delete", wanted.unwrap(), {"kind": wanted.unwrap().kind})
    gone = isinstance(done, Failed) and isinstance(done.failure, Missing)
    return Done(changed=False) if gone else done


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether there is such an object, whoever manages it and whatever the property."""
    wanted = object_of(command.key)
    if isinstance(wanted, Wrong):
        return Failed(wanted.failure())
    held = yield from read(line_of(access, session), wanted.unwrap())
    if isinstance(held, Bundle):
        return True
    return False if isinstance(held, Absent) else Failed(held)


# ---------------------------------------------------------------- steps


def _managed(line: Line, wanted: Object) -> Talk[Bundle | Failed | None]:
    """What is there and may be touched; ``None`` where there is nothing."""
    held = yield from read(line, wanted)
    if isinstance(held, Absent):
        return None
    if not isinstance(held, Bundle):
        return Failed(held)
    if (held.tags or {}).get(MANAGED_BY) != MANAGED_BY_US:
        return Failed(InvalidSpec(f"{wanted.kind} {wanted.name}: not managed by external-secrets"))
    return held


def _write(line: Line, name: str, wanted: Object, args: Mapping[str, Any]) -> Talk[Done | Failed]:
    common = {"vault": line.store.vault, "token": line.token, "name": wanted.name}
    counted = COUNTED[f"{name} {wanted.kind}"]
    reply = yield SdkCall(name=name, args={**common, **args}, counted=counted, goes_to=line.store.vault)
    match reply:
        case SdkReply():
            return Done(changed=True)
        case CallFailed(failure):
            return Failed(failure)
        case _:
            return Failed(Broken("a library call was answered as an HTTP call"))


def _change(command: Push) -> Change | Failed:
    """What a push asks for; the vault is not asked."""
    wanted, value, metadata = object_of(command.key).alt(Failed), push_value(command), push_metadata(command, Metadata)
    expires = metadata.bind(lambda spec: _expires(spec.expiration_date))
    for part in (wanted, value, metadata, expires):
        if isinstance(part, Wrong):
            failed: Failed = part.failure()
            return failed
    change = _call(wanted.unwrap(), command.property, value.unwrap(), metadata.unwrap(), expires.unwrap())
    return change.unwrap() if isinstance(change, Success) else change.failure()


def _call(wanted: Object, prop: str, value: SecretBytes, metadata: Metadata, expires: int | None) -> Result[Change, Failed]:
    if MANAGED_BY in metadata.tags:
        return Wrong(Failed(InvalidSpec(f"Cannot specify a '{MANAGED_BY}' tag", f"metadata.spec.tags.{MANAGED_BY}")))
    if prop and wanted.kind != SECRET:
        return Wrong(Failed(InvalidSpec(f"a {wanted.kind} has no properties", "remoteRef.property")))
    tags, raw = {MANAGED_BY: MANAGED_BY_US, **metadata.tags}, value.reveal()
    if wanted.kind == KEY:
        return key_of(raw).map(lambda key: Change(wanted, "azure.import_key", {"key": key, "tags": tags})).alt(unwritten)
    if wanted.kind == CERT:
        held = {"value": value, "tags": tags, "pem": is_pem(raw)}
        return certificate_of(raw).map(lambda der: Change(wanted, "azure.import_certificate", held, der)).alt(unwritten)
    if not _is_text(raw):
        return Wrong(unwritten("is not UTF-8 text, which is all that a secret of a key vault can be"))
    args = {"value": value, "tags": tags, "content_type": metadata.content_type or None, "expires": expires}
    return Success(Change(wanted, "azure.set_secret", args))


def _within(change: Change, held: Bundle | None, prop: str) -> Change | Failed:
    """The same change, to one member of the JSON object that the secret is."""
    before = to_bytes(held.value) if held is not None and held.value is not None else b""
    after = set_text(before, prop, change.args["value"].reveal())
    if isinstance(after, Wrong):
        return Failed(Broken(f"property {line_of_text(prop)} cannot be set in what the secret holds now"))
    return replace(change, args={**change.args, "value": SecretBytes(after.unwrap())})


def _expires(text: str) -> Result[int | None, Failed]:
    """Seconds since 1970 of an RFC 3339 time."""
    if not text:
        return Success(None)
    path = "metadata.spec.expirationDate"
    at = parse_time(text)
    if isinstance(at, Wrong):
        return Wrong(Failed(InvalidSpec("must be a time such as 2024-12-31T20:00:00Z (RFC 3339)", path)))
    seconds = at.unwrap() // SECOND
    if not 0 <= seconds < TIME_MAX:
        return Wrong(Failed(InvalidSpec("must be a time of the years 1970 to 9999", path)))
    return Success(seconds)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_there(change: Change, held: Bundle) -> bool:
    args, tags = change.args, held.tags or {}
    if any(tags.get(name) != text for name, text in args["tags"].items()):
        return False
    if change.object.kind == KEY:
        return held.key is not None and same_key(args["key"], held.key)
    if change.object.kind == CERT:
        return held.cer is not None and held.cer == change.der
    expires = held.attributes.exp if held.attributes is not None else None
    if held.value is None or secret(held.value) != args["value"] or expires != args["expires"]:
        return False
    return args["content_type"] is None or held.content_type == args["content_type"]
