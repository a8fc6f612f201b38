"""The elliptic curves that Go's ``crypto/x509`` knows, and the points on them.

A point is checked here and not by ``cryptography``, to refuse it in Go's words (source: Go 1.26 ``crypto/internal/fips140/nistec`` on
amd64). Every curve is y² = x³ - 3x + b modulo p.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec

from eso_core.template.errors import FunctionError
from eso_core.template.pki.der import oid


@dataclass(frozen=True, slots=True)
class Curve:
    name: str  # Go's, as in its errors
    oid: bytes
    bits: int
    p: int
    b: int
    order: int
    element: str  # what Go calls a coordinate in its errors

    @property
    def size(self) -> int:
        return (self.bits + 7) // 8

    def check(self, point: bytes) -> None:
        """Refuses what is no uncompressed point of the curve (``SetBytes``)."""
        size = self.size
        if len(point) != 1 + 2 * size or point[0] != 4:
            raise FunctionError(f"invalid {self.name} point encoding")
        x, y = int.from_bytes(point[1 : 1 + size], "big"), int.from_bytes(point[1 + size :], "big")
        if x >= self.p or y >= self.p:
            raise FunctionError(f"invalid {self.element} encoding")
        if (y * y - (x * x * x - 3 * x + self.b)) % self.p:
            raise FunctionError(f"{self.name} point not on curve")

    def multiply(self, scalar: int) -> bytes:
        """The public point of a private key in [1, order)."""
        public = ec.derive_private_key(scalar, _CURVES[self.name]()).public_key().public_numbers()
        return b"\x04" + public.x.to_bytes(self.size, "big") + public.y.to_bytes(self.size, "big")

    @property
    def curve(self) -> ec.EllipticCurve:
        """The same in ``cryptography``."""
        return _CURVES[self.name]()


_CURVES: Mapping[str, type[ec.EllipticCurve]] = MappingProxyType(
    {"P224": ec.SECP224R1, "P256": ec.SECP256R1, "P384": ec.SECP384R1, "P521": ec.SECP521R1}
)

P224 = Curve(
    "P224",
    oid("1.3.132.0.33"),
    224,
    2**224 - 2**96 + 1,
    0xB4050A850C04B3ABF54132565044B0B7D7BFD8BA270B39432355FFB4,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D,
    "P224Element",
)
P256 = Curve(
    "P256",
    oid("1.2.840.10045.3.1.7"),
    256,
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P256 element",
)
P384 = Curve(
    "P384",
    oid("1.3.132.0.34"),
    384,
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "P384Element",
)
P521 = Curve(
    "P521",
    oid("1.3.132.0.35"),
    521,
    2**521 - 1,
    0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    "P521Element",
)

BY_OID: Mapping[bytes, Curve] = MappingProxyType({curve.oid: curve for curve in (P224, P256, P384, P521)})
BY_CLASS: Mapping[str, Curve] = MappingProxyType({"secp224r1": P224, "secp256r1": P256, "secp384r1": P384, "secp521r1": P521})
