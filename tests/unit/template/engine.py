"""Short ways to run a template in tests."""

from returns.result import Failure, Success

from eso_core.template import Ambient, Meter, TemplateError, compile_template
from tests.template_chance import SeededChance

NOW_NS = 1_781_524_830 * 10**9  # 2026-06-15T12:00:30Z
DATA = {b"a": b"alpha", b"n": b"5", b"json": b'{"a":null,"b":{"c":null,"d":[1,null,{"e":2}]},"m":{},"s":"x"}'}


def output(text: str, *, strict: bool = True) -> bytes | TemplateError:
    """What `text` prints for `DATA`, or its error."""
    compiled = compile_template("out", text.encode(), missing_is_error=strict)
    match compiled.bind(lambda template: template.execute(DATA, Ambient(NOW_NS, SeededChance(), Meter()))):
        case Success(shown):
            return shown
        case Failure(error):
            return error
    raise AssertionError(text)


def why(text: str, *, strict: bool = True) -> str:
    """Go's text of the error, from the place on."""
    error = output(text, strict=strict)
    assert isinstance(error, TemplateError), error
    return error.full.removeprefix("template: out:")
