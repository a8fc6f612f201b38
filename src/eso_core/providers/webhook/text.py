"""The templates of a webhook store: what they are given, and what they may use.

=================================  ==================================================================================
``.remoteRef`` of                  has
=================================  ==================================================================================
a read                             ``key``, ``version``, ``property``, ``namespace`` (the consumer's)
a question for existence           the same, and ``remoteKey``
a push                             ``remoteKey``, ``secretKey`` (unless the whole Secret is pushed), and the value under
                                   the name of the remote key
a deletion                         ``remoteKey``
=================================  ==================================================================================

Besides, each of ``secrets`` is a map under its name. In the URL, what comes from an object of the cluster is escaped for a query; what
comes from a Secret is not. A missing name prints ``<no value>``, as in the reference.

Time and chance are asked for only where a template names a function that needs them. A conversation must not keep others waiting, so
functions that take tens of milliseconds (keys, certificates, password hashes) end in an error.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.compat.text import to_bytes
from eso_core.door import Access, Talk
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.template import Ambient, Meter, compile_template
from eso_core.template.errors import FunctionError
from eso_core.template.functions import FUNCTIONS
from eso_core.template.values import StringMap
from eso_core.wire import CallFailed, SdkCall, SdkReply

WORK_MAX: Final = 25_000_000  # nanoseconds of all templates of one conversation, as `eso_core.template.costs` estimates them
SEED_SIZE: Final = 48  # bytes
PURE: Final = re.compile("regex|json|semver|yaml|case$|quote", re.IGNORECASE)  # these look at the meter alone
AMBIENT: Final = frozenset(name for name, function in FUNCTIONS.items() if function.ambient and not PURE.search(name))
REF: Final = b"remoteRef"
WIDE_REF: Final = re.compile(r"remoteRef(?!\.(?:key|version|property|remoteKey|secretKey)\b)")  # more of it than these is read


@dataclass(frozen=True, slots=True)
class Luck:
    """Time, and bytes that chance is made of."""

    now_ns: int = 0
    seed: bytes = field(default=b"", repr=False)


NO_LUCK: Final = Luck()


class Seeded:
    """:class:`~eso_core.template.limits.Chance` out of a seed: each token is another part of its SHAKE-256 stream."""

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed, self._count = seed, 0

    def token(self, size: int) -> bytes:
        """See the class."""
        self._count += 1
        return hashlib.shake_256(self._seed + self._count.to_bytes(8)).digest(size)

    def key(self, kind: str) -> Any:
        """Keys take too long."""
        raise FunctionError("a store's templates cannot make keys")


class Printer:
    """Evaluates the templates of one conversation, which share what they may use."""

    __slots__ = ("_ambient",)

    def __init__(self, luck: Luck) -> None:
        self._ambient = Ambient(luck.now_ns, Seeded(luck.seed), Meter(work=WORK_MAX))

    def text(self, template: str, data: Mapping[bytes, StringMap], what: str) -> Result[bytes, InvalidSpec]:
        """What ``template``, the field ``what`` of the store, prints."""
        compiled = compile_template("webhooktemplate", to_bytes(template), missing_is_error=False)
        printed = compiled.bind(lambda made: made.execute(data, self._ambient))  # type: ignore[arg-type]  # a map of maps does as well
        return printed.alt(lambda error: InvalidSpec(_kit.line(f"failed to parse {what}: {error.public}"), f"spec.provider.webhook.{what}"))


@dataclass(frozen=True, slots=True)
class Reads:
    """What templates read: the functions they call, and whether they may look at the consumer's namespace."""

    functions: frozenset[str] = frozenset()
    namespace: bool = False

    def __or__(self, other: Reads) -> Reads:
        return Reads(self.functions | other.functions, self.namespace or other.namespace)


def check(template: str, what: str) -> Result[Reads, InvalidSpec]:
    """What ``template`` reads, if it can be parsed."""
    compiled = compile_template("webhooktemplate", to_bytes(template), missing_is_error=False)
    if isinstance(compiled, Wrong):
        return Wrong(InvalidSpec(_kit.line(compiled.failure().public), f"spec.provider.webhook.{what}"))
    found = compiled.unwrap().references
    return Success(Reads(frozenset(found.functions), found.whole or WIDE_REF.search(template) is not None))


def draw(wanted: bool) -> Talk[Luck | Failure]:
    """Time and chance, if they are ``wanted``."""
    if not wanted:
        return NO_LUCK
    now = yield SdkCall(name="ambient.now")
    seed = yield SdkCall(name="ambient.chance", args={"bytes": SEED_SIZE})
    for reply in (now, seed):
        if isinstance(reply, CallFailed):
            return reply.failure
    if isinstance(now, SdkReply) and isinstance(now.value, int | float) and isinstance(seed, SdkReply) and isinstance(seed.value, bytes):
        return Luck(int(now.value * 1_000_000_000), seed.value)
    return Broken("the time or chance is not known")


def read_ref(access: Access, key: str, version: str = "", prop: str = "") -> dict[str, bytes]:
    """``.remoteRef`` of a read."""
    texts = {"key": key, "version": version, "property": prop, "namespace": access.namespace}
    return {name: to_bytes(text) for name, text in texts.items()}


def given(ref: Mapping[str, bytes], secrets: Iterable[tuple[str, Mapping[str, bytes]]], *, escaped: bool = False) -> dict[bytes, StringMap]:
    """The data of a template. A Secret named ``remoteRef`` is laid over it, as in the reference."""
    shown = {name: value if name == "namespace" or not escaped else quote_plus(value).encode() for name, value in ref.items()}
    data = {REF: StringMap({to_bytes(name): value for name, value in shown.items()})}
    for name, keys in secrets:
        data.setdefault(to_bytes(name), StringMap()).update({to_bytes(key): value for key, value in keys.items()})
    return data
