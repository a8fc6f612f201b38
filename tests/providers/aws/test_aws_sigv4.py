"""The signer against botocore's."""

from __future__ import annotations

import datetime

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from eso_core.wire import HttpCall, SigV4
from eso_shell.sigv4 import sign, signer

AT = 1_700_000_000
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def theirs(call, monkeypatch):
    """What botocore adds to the same call."""
    stamp = datetime.datetime.fromtimestamp(AT, datetime.UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: stamp.replace(tzinfo=None))
    request = AWSRequest(method=call.method, url=call.url, headers=dict(call.headers), data=call.body)
    key = call.sign
    botocore.auth.SigV4Auth(Credentials(key.access_key, key.secret_key, key.token or None), key.service, key.region).add_auth(request)
    return {name: value for name, value in request.headers.items() if name not in call.headers}


def call(
    url="https://secretsmanager.eu-central-1.amazonaws.com/",
    body=b"{}",
    token="",
    headers=None,
    service="secretsmanager",
    region="eu-central-1",
):
    sent = headers or {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    return HttpCall(
        method="POST", url=url, headers=sent, body=body,
        sign=SigV4(service=service, region=region, access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCY", token=token),
    )  # fmt: skip


@pytest.mark.parametrize(
    "made",
    [
        call(),
        call(token="a+token/with=marks"),
        call(url="http://127.0.0.1:4566/"),
        call(url="https://host:443/a%20b/c~d"),
        call(url="https://host"),
        call(body="ü".encode() * 1000, service="ssm", region="us-gov-west-1"),
        call(headers={"X-Amz-Target": " a   b ", "Content-Type": "x", "X-Amz-Other": "1"}),
    ],
)
def test_as_botocore(made, monkeypatch):
    assert sign(made, AT) == theirs(made, monkeypatch)


@given(body=st.binary(max_size=200), token=st.one_of(st.just(""), WORDS), target=WORDS)
def test_as_botocore_for_all(body, token, target):
    made = call(body=body, token=token, headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target})
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert sign(made, AT) == theirs(made, monkeypatch)


def test_the_clock_is_read_at_the_moment_of_sending():
    times = iter([AT, AT + 86_400])
    made = signer(lambda: next(times))
    assert made(call())["X-Amz-Date"] == "20231114T221320Z"
    assert "/20231115/" in made(call())["Authorization"]


def test_the_secret_is_not_in_the_headers():
    assert "wJalr" not in str(sign(call(), AT))
