"""Go's ``text/template`` with the functions of the reference: text and data to bytes, or to what is wrong with the text."""

from eso_core.template.engine import Template, compile_template
from eso_core.template.errors import TemplateError
from eso_core.template.limits import Ambient, Chance, Meter

__all__ = ["Ambient", "Chance", "Meter", "Template", "TemplateError", "compile_template"]
