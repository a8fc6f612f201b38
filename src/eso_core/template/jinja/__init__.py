"""Jinja2 as a second language of templates, beside Go's: an extension of ours.

Texts are read by Jinja2's own lexer and parser; what they mean is done here, by closures, as for Go's templates. No code is generated, and
nothing looks up an attribute of a Python object by a name that a template gives. So what a template can reach is what this package offers:

* values: ``None``, ``bool``, ``int``, ``float``, ``str``, ``list``, ``tuple``, ``dict``, and ``Sized`` and ``Object`` of
  ``eso_core.template.values``. None of them changes once it is there. Text that is no UTF-8 is kept by ``surrogateescape``;
* callees (``callees.py``): macros, ``loop``, ``namespace()`` and the like, functions, and methods of an allow-list (``methods.py``).

Everything is paid for from the ``Meter`` (``state.py``): steps for each node of the syntax tree that is evaluated, work for the size of
what is taken and made. This package imports Jinja2; whoever imports it does so when the first template asks for it.
"""

from eso_core.template.jinja.engine import JinjaTemplate, compile_jinja

__all__ = ["JinjaTemplate", "compile_jinja"]
