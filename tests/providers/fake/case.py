"""The fake provider in one case."""

from eso_core.providers.fake import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.fake.server import Server

CASES = (
    Case(
        name="fake",
        provider=PROVIDER,
        spec=Server.spec,
        server=Server,
        finds=frozenset({"name"}),
        versions=True,
        dialect=(
            Sample(value=b"text", property="", gives=b"text"),
            Sample(value=b'{"a":{"b":"deep"}}', property="a.b", gives=b"deep"),
            Sample(value=b'{"a":1}', property="b", gives="absent"),
        ),
        calls=Calls(get=0, probe=0, find=0, found=None, push_new=0, push_same=0, delete=0),
        push_property="",  # as in the reference, a property of a push is not looked at
        keeps=False,  # what is pushed is part of the session, and here each conversation has its own: tests/providers/fake/test_fake.py
    ),
)
