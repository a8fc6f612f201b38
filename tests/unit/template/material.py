"""Certificates and keys for the tests, and a way to call functions as the executor does."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from eso_core.template.limits import WORK_MAX, Ambient, Chance, Meter
from eso_core.template.values import Function
from tests.template_chance import SeededChance

NOW_NS = 1_764_400_000_000_000_000

LEAF = b"""\
-----BEGIN CERTIFICATE-----
MIIBoTCCAUegAwIBAgIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARSb290MCAX
DTI2MTEyOTEwMzUzNloYDzIxMjYxMTA1MTAzNTM2WjAPMQ0wCwYDVQQDDARsZWFm
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKNfJs5AlhKXkZI1IDhfw+4ztoVZk
eY0DojUoiEmqjBaTqqliUYCYGT06GHJ+BxDeEGZQrMg5SMH8cf3hRG6XiqOBkTCB
jjAdBgNVHQ4EFgQUACMLX+q6WXX0Qv4yUc81lhVfAgowHwYDVR0jBBgwFoAUnArx
+Z6/oS2TqbbObG9sG5bVXpcwTAYDVR0RBEUwQ4IJYS5leGFtcGxlhwQKAAABhxAg
AQ24AAAAAAAAAAAAAAABgQV4QHkueoYXSFRUUFM6Ly9oLmV4YW1wbGUvYSUyRmIw
CgYIKoZIzj0EAwIDSAAwRQIhANvdfpRUjQvaYecb2fUREtb8Gh/CDFwRQ2LhfRHw
RqYZAiAZFb1PBe9VIMhbs0XZFx/dlOokv+wqyczqBO9llPsaCg==
-----END CERTIFICATE-----
"""

ROOT = b"""\
-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUPQVS40HYZxPE4TnHgdwCwWjcpIgwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjkxMDM1MzZaGA8yMTI2MTEwNTEwMzUz
NlowDzENMAsGA1UEAwwEUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLgy
etc1pFtWS9HgnU/sLpOvjw+xba6Zqw/SNLwcyqygAXwotFX7GT2OEWFBCe1E1MSZ
wxYd3sDrbj6aZSk/rxmjUzBRMB0GA1UdDgQWBBScCvH5nr+hLZOpts5sb2wbltVe
lzAfBgNVHSMEGDAWgBScCvH5nr+hLZOpts5sb2wbltVelzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCUxUzntewnaQv0hdzEepeScYMAxkS13aQR
4FBx/xyoXQIgLcvUUJSYUqz9RPMjn4rWvYC+X6DhtSKNdbJClu3drbY=
-----END CERTIFICATE-----
"""

# The leaf and its key as OpenSSL wrote them of old (-legacy): RC2 with 40 bits, Triple DES, a MAC with SHA-1. The password is "secret".
LEGACY_P12 = base64.b64decode("""
MIIDogIBAzCCA2gGCSqGSIb3DQEHAaCCA1kEggNVMIIDUTCCAkcGCSqGSIb3DQEHBqCCAjgwggI0AgEAMIICLQYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQYw
DgQI8vbp+1WfHmYCAggAgIICAL6IIUUN52dPEjoeobIu8TxxAiAzKohVm8bsfx8HKRKfwIUSfo01mTT2qcOHX1On+Pfk24ldsR0KzwbW8RGEneHhbfqnH7wi
B9h7q5yAub/632YQWc+wgmuQdy3cWLyTBCLpx9BVA0qd6DIHQGvMEJEnB+355K/UvqgF4e7vWGARyXaV/xBP2OHBwwx8nnRer7AGsjrRSDbSTQEn8ufd8/wF
jOof9aJigLxQ8xaVliwTuseoSk2+TPNlxWO5KQaGZOs4gjTEvAsMa7T8LXva7E5yHFeAkmpQVeY0rZHszrOOTvLS65Hvm2mpCIUn/GySkIl/TTam3se5hhm1
iKvWXtIwp9o0zICeArHjNx7BUV6+x0eKVy6D7YqhkH9K10YHlVLVEhysu/093nOG/aoXbGkeWyeq1PxilvH/43jEMAcBqECLOYR5YYvuPXCiRu15pN9S+xi5
fK+DgW8Qq+JNShJUBEul6l7duZ+wRoP/INNae8zH8VclYW4vw7Z2IOXf7Pcmo5LWj9gqHbfOivrVtAWjgdVR7emSdM1SsnvvNGofzyZuYwy/Woyx2ErXwoLp
Klh+POU1p/bk6U+krtG9T1keo8DCqDA3mLPRH2DOIwIFIum+7uml230JBW8A4B57c2XeM5GKx0G6WhGy+K4/7FEFCCD5vDeMZu4JaiGE+gZwMIIBAgYJKoZI
hvcNAQcBoIH0BIHxMIHuMIHrBgsqhkiG9w0BDAoBAqCBtDCBsTAcBgoqhkiG9w0BDAEDMA4ECCo2zmm/HPwSAgIIAASBkD67on+3/t7ioc4zLcbToVR5eO8R
2SMsKv8QgowC5jK8B5HzeQxVAvTYF+VKkhHy3+cb+RysXtnaeVQTmvOBM3V9EL0eVi9XQoZKnUshT7Y7hl87ETRhnhowTl6nA0/xPeKzDDmFfGogYcZqlWnP
OVpLG7214NuajzmagyWrKKT6su0rAJp9hYOVggn20ovC2jElMCMGCSqGSIb3DQEJFTEWBBQfzmqhRgmMoe3Yb9mvnsMgMlWvrjAxMCEwCQYFKw4DAhoFAAQU
jkjmMl1tOeCwGXGr2TAnBG3vPS0ECBitMPhHE0pyAgIIAA==
""")

# What Go made of the key ed25519_key(): genSelfSignedCertWithKey "test" (list "10.0.0.1" "::1") (list "a.example" "*.b.example") 30,
# and genCAWithKey "ca" 30.
GO_SELF_SIGNED = base64.b64decode("""
MIIBVjCCAQigAwIBAgIQH8TT7FnVO1AjgM69KPigTDAFBgMrZXAwDzENMAsGA1UEAxMEdGVzdDAeFw0yNjExMjkxMDM1NDNaFw0yNjEyMjkxMDM1NDNaMA8x
DTALBgNVBAMTBHRlc3QwKjAFBgMrZXADIQADoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuKN6MHgwDgYDVR0PAQH/BAQDAgWgMB0GA1UdJQQWMBQG
CCsGAQUFBwMBBggrBgEFBQcDAjAMBgNVHRMBAf8EAjAAMDkGA1UdEQQyMDCCCWEuZXhhbXBsZYILKi5iLmV4YW1wbGWHBAoAAAGHEAAAAAAAAAAAAAAAAAAA
AAEwBQYDK2VwA0EAB6uyqize+0Yk03ogXnUEnyrRZnng0vv6l+PkS7fOPPSrgLuvkCgvr3zkxKzREsrCbtVoCMl5jIbzpYcvtTd+CQ==
""")
GO_CA = base64.b64decode("""
MIIBODCB66ADAgECAhBAbiD0XFcjfTsc8/la+l9MMAUGAytlcDANMQswCQYDVQQDEwJjYTAeFw0yNjExMjkxMDM1NDNaFw0yNjEyMjkxMDM1NDNaMA0xCzAJ
BgNVBAMTAmNhMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbijYTBfMA4GA1UdDwEB/wQEAwICpDAdBgNVHSUEFjAUBggrBgEF
BQcDAQYIKwYBBQUHAwIwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUVkdap1RjR0wChd9dvyvKtz2mUTUwBQYDK2VwA0EAV1gJOd9gnRHSFF8dS4cZuBCY
idesBa4q5QmVgcAIzJ3rLX1ekVOpJkQpRev+ov5kdyUoFEWtk7AAqKp83rEqAQ==
""")


class Counting:
    """Bytes 0, 1, 2… as randomness, which a Go program can draw as well."""

    def __init__(self) -> None:
        self._next = 0

    def token(self, size: int) -> bytes:
        drawn = bytes((self._next + at) % 256 for at in range(size))
        self._next += size
        return drawn

    def key(self, kind: str) -> Any:
        return SeededChance().key(kind)


def ambient(chance: Chance | None = None, now_ns: int = NOW_NS, work: int = WORK_MAX) -> Ambient:
    return Ambient(now_ns, chance or SeededChance(), Meter(work=work))


def call(function: Function, *args: Any, within: Ambient | None = None) -> Any:
    """What the function gives for the arguments."""
    return function.call(within or ambient(), *args) if function.ambient else function.call(*args)


@cache
def leaf_key() -> ec.EllipticCurvePrivateKey:
    """The key of ``LEAF``."""
    scalar = 0x77F9B20F493B634F50D952FB7C913FF01060C8FB1299A3AD3ED509E17E2CFD24
    return ec.derive_private_key(scalar, ec.SECP256R1())


def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    text: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return text
