"""What goes wrong with a request, as an answer."""

from __future__ import annotations

from random import Random

import orjson

from eso_core.failure import Broken, Unreachable
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply, KubeCall, KubeReply

GARBAGE = (b"<html>", b'{"data":', b"[]", b'{"data":{"data":[1]}}', b"{}")
NOT_TEXT = (b"\xff\xfe", b'{"data":"\xff"}', b'{"values":"\xc3("}')


def kube_fault(fault: str, call: KubeCall, random: Random) -> KubeReply | CallFailed | None:
    """The answer instead of the API server's; ``None``: it is asked."""
    match fault:
        case "conflict" if call.method != "GET":
            return status(409, "Conflict", "the object has been modified")
        case "missing":
            return status(404, "NotFound", "not found")
        case "forbidden":
            return status(403, "Forbidden", "the service account may not")
        case "invalid" if call.method != "GET":
            return status(422, "Invalid", "a webhook or a rule says no")
        case "throttled":
            return status(429, "TooManyRequests", "too many requests", retry=random.choice((0, 1, 5)))
        case "time-out without effect":
            return unknown(fault)
        case "broken":
            return status(500, "InternalError", "etcdserver: leader changed")
        case "lost before":
            return CallFailed(Unreachable("no connection"))
        case _:
            return None


def unknown(fault: str) -> KubeReply | CallFailed:
    """The answer that does not tell whether the request was carried out."""
    if fault.startswith("time-out"):
        return status(504, "Timeout", "request did not complete within the allotted timeout")
    return CallFailed(Unreachable("the connection broke"))


def status(code: int, reason: str, message: str, retry: int = 0) -> KubeReply:
    """An error of the API server."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}
    return KubeReply(status=code, body=orjson.dumps(body), retry_after_s=retry)


def backend_fault(fault: str, call: HttpCall, random: Random) -> CallReply | None:
    """The answer instead of the backend's; ``None``: it is asked."""
    match fault:
        case "not text":
            return HttpReply(status=200, body=random.choice(NOT_TEXT))
        case "black hole":
            return CallFailed(Unreachable("no answer in time"))
        case "denied":
            return HttpReply(status=403, body=b'{"errors":["permission denied"]}')
        case "absent" if call.method == "GET" and "/auth/" not in call.url:
            return HttpReply(status=404, body=b'{"errors":[]}')
        case "unmounted":
            return HttpReply(status=404, body=b'{"errors":["no handler for route \\"x\\". route entry not found."]}')
        case "throttled":
            headers = random.choice(({}, {"retry-after": "2"}, {"retry-after": "30"}))
            return HttpReply(status=429, headers=headers, body=b'{"errors":["slow down"]}')
        case "unavailable":
            return HttpReply(status=random.choice((500, 502, 503, 504)), body=b'{"errors":["Vault is sealed"]}')
        case "garbage":
            return HttpReply(status=200, body=random.choice(GARBAGE))
        case "empty":
            return HttpReply(status=200, body=b"")
        case "huge":
            return CallFailed(Broken("the answer is larger than 8388608 bytes"))
        case _:
            return None


def peace_s(reply: CallReply | KubeReply) -> int:
    """For how many seconds the other side asks to be left alone."""
    if isinstance(reply, KubeReply):
        return reply.retry_after_s
    return int(reply.headers.get("retry-after", "0")) if isinstance(reply, HttpReply) else 0


def shown(reply: CallReply) -> str:
    """A reply for the trace."""
    return str(reply.status) if isinstance(reply, HttpReply) else repr(reply)
