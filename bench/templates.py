"""What templates cost: ``python -m bench.templates``.

One template as users write it, five actions and three functions, compiled and executed by the operator's engine, and by Jinja2 for
comparison: the same text, the same data, in the same process. Each figure is the smallest of several runs, in microseconds.
"""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jinja2

from eso_core.template import Ambient, Meter, Template, compile_template
from eso_core.template.builtins import BUILTINS
from eso_core.template.compile import compile_tree
from eso_core.template.engine import NAMES
from eso_core.template.functions import FUNCTIONS
from eso_core.template.parse import parse

OURS = b"""host={{ .host }}
port={{ .port | default "5432" }}
auth={{ printf "%s:%s" .user .password | b64enc }}
{{ if .tls }}ssl={{ .tls | upper }}{{ end }}
"""
JINJA = """host={{ host }}
port={{ port | default("5432", true) }}
auth={{ "%s:%s" | format(user, password) | b64enc }}
{% if tls %}ssl={{ tls | upper }}{% endif %}
"""
DATA = {"host": "db.example.com", "port": "", "user": "admin", "password": "s3cr3t!", "tls": "require"}
OUTPUT = b"host=db.example.com\nport=5432\nauth=YWRtaW46czNjcjN0IQ==\nssl=REQUIRE\n"


class NoChance:
    """The template asks for no randomness."""

    def token(self, size: int) -> bytes:
        raise AssertionError

    def key(self, kind: str) -> object:
        raise AssertionError


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds."""

    execute: float
    compile: float


def best_us(work: Callable[[], object], times: int, rounds: int = 7) -> float:
    """The time of one call of ``work``, in the round of ``times`` calls that took least."""
    spans = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            work()
        spans.append(time.perf_counter() - start)
    return min(spans) / times * 1e6


def ours(times: int) -> Cost:
    template = compile_template("key", OURS).unwrap()
    data = {name.encode(): value.encode() for name, value in DATA.items()}
    assert _executed(template, data) == OUTPUT
    compiling = best_us(lambda: compile_tree(parse("key", OURS, NAMES).unwrap(), FUNCTIONS, BUILTINS, True), max(times // 10, 1))
    return Cost(best_us(lambda: _executed(template, data), times), compiling)


def _executed(template: Template, data: Mapping[bytes, bytes]) -> bytes:
    return template.execute(data, Ambient(0, NoChance(), Meter())).unwrap()


def jinja(times: int) -> Cost:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False, cache_size=0)
    environment.filters["b64enc"] = lambda text: base64.b64encode(text.encode()).decode()
    template = environment.from_string(JINJA)
    assert template.render(DATA).encode() == OUTPUT
    return Cost(best_us(lambda: template.render(DATA), times), best_us(lambda: environment.from_string(JINJA), max(times // 10, 1)))


def table(costs: Mapping[str, Cost]) -> str:
    lines = [f"{'µs':<10}{'execute':>10}{'compile':>10}"]
    lines += [f"{name:<10}{cost.execute:>10.1f}{cost.compile:>10.0f}" for name, cost in costs.items()]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    if argv:
        print("usage: python -m bench.templates", file=sys.stderr)
        return 2
    print(table({"ours": ours(2_000), "Jinja2": jinja(2_000)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
