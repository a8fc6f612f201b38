"""How a template vector is checked: rendered like the template of a Secret's key, or like a transform of keys."""

import base64
import re
from dataclasses import dataclass
from typing import Any

from returns.result import Failure, Result, Success

from eso_core.template import Ambient, Meter, TemplateError, compile_template
from tests.parity.form import raw
from tests.template_chance import SeededChance

NOW_NS = 1_781_524_830 * 10**9  # 2026-06-15T12:00:30Z


@dataclass(frozen=True, slots=True)
class Checked:
    """Why a vector fails, empty if it passes; and of an error that it wants, whether ours has its kind and its text."""

    reason: str
    same_kind: bool = True
    same_text: bool = True


def rendered(vector: dict[str, Any]) -> Result[bytes, TemplateError]:
    """What our engine makes of the vector's template and data."""
    transform = vector.get("mode") == "transform"
    data = {"value": vector["key"]} if transform else vector["data"]
    compiled = compile_template("transform" if transform else "out", raw(vector["template"]), missing_is_error=not transform)
    ambient = Ambient(NOW_NS, SeededChance(), Meter())
    return compiled.bind(lambda template: template.execute({raw(key): raw(value) for key, value in data.items()}, ambient))


def check(vector: dict[str, Any]) -> Checked:
    match rendered(vector):
        case Success(output):
            return Checked(_output_fault(vector, output))
        case Failure(error):
            if vector["ok"] or vector.get("nondeterministic"):
                return Checked(f"failed: {error.full:.300}")
            reason = (
                ""
                if error.stage == vector["error_class"]
                else f"error class {error.stage}, want {vector['error_class']} ({error.full:.200})"
            )
            return Checked(reason, error.kind == vector.get("error_kind", ""), vector.get("error", error.full).endswith(error.full))
    raise AssertionError(vector)


def _output_fault(vector: dict[str, Any], output: bytes) -> str:
    if vector.get("nondeterministic"):
        pattern = vector["check"]["regex"]
        return "" if re.fullmatch(pattern, output.decode()) else f"got {output!r:.300}, want a match of {pattern}"
    if not vector["ok"]:
        return f"succeeded with {output!r:.200}, should fail: {vector.get('error')}"
    wanted = base64.b64decode(vector["output_b64"]) if "output_b64" in vector else vector["output"].encode()
    return "" if output == wanted else f"got {output!r:.300}, want {wanted!r:.300}"
