"""Adapter of templates that are applied to an object: `eso_core/template/target.py` with the engine."""

from typing import Any

from returns.result import Result

from eso_core.template import Ambient, Meter, TemplateError, compile_template
from eso_core.template.target import apply, evaluate
from tests.parity.form import Adapter, raw, raw_map
from tests.template_chance import SeededChance


def _template_execute(args: dict[str, Any]) -> Result[Any, str]:
    data = {key.encode(): value for key, value in raw_map(args["data"]).items()}
    ambient = Ambient(0, SeededChance(), Meter())

    def render(name: str, text: bytes) -> Result[bytes, TemplateError]:
        return compile_template(name, text).bind(lambda template: template.execute(data, ambient))

    secret = args["object"] is None
    pieces = evaluate({args["key"]: raw(args["template"])}, args["scope"], args["target"], args["strategy"], render)
    made = pieces.bind(lambda pieces: apply(pieces, args["object"] or {}, secret=secret))
    return made.map(_secret if secret else dict).alt(lambda error: f"{error.stage}: {error.full}")


def _secret(fields: dict[str, Any]) -> dict[str, Any]:
    meta = fields.get("metadata") or {}
    return {"data": fields.get("data"), "labels": meta.get("labels"), "annotations": meta.get("annotations")}


ADAPTERS: dict[str, Adapter] = {"template_execute": _template_execute}
"""The runner knows no class of errors but `no-secret`; the stage stands before the text of ours."""
