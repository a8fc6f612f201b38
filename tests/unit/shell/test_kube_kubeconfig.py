"""What a kubeconfig file says, and what is said when it says nothing usable."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from eso_shell.kube import kubeconfig
from eso_shell.kube.config import ConfigError, Identity, in_cluster
from eso_shell.kube.kubeconfig import Issued, Renewing, find_cluster, load_kubeconfig
from tests.e2e.harness.pki import Authority

CA = Authority("cluster")
CLIENT = CA.issue("me")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def document(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **context: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": "https://host:6443/", "certificate-authority-data": b64(CA.pem), **(cluster or {})}}
        ],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **context}}],
        "current-context": "x",
    }


class Files:
    """Writes kubeconfig files into a folder and loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, content: Any, name: str = "config") -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return str(path)

    def load(self, content: Any, environ: dict[str, str] | None = None, **options: str) -> Any:
        return load_kubeconfig(environ or {}, path=self.write(content), **options)

    def refuse(self, content: Any, **options: str) -> str:
        with pytest.raises(ConfigError) as caught:
            self.load(content, **options)
        assert "\n" not in str(caught.value)
        assert "hunter2" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def without_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)


@pytest.mark.usefixtures("without_kubernetes")
class TestPlainLogins:
    async def test_a_token(self, files: Files) -> None:
        config = files.load(document({"token": "t"}, namespace="n"))
        assert (config.server, config.ca_pem, config.namespace, config.insecure) == ("https://host:6443", CA.pem, "n", False)
        assert await config.identities.current() == Identity("Bearer t")

    async def test_a_token_file_beside_the_config(self, files: Files) -> None:
        files.write("from-file\n", "secrets/token")
        config = files.load(document({"tokenFile": "secrets/token", "token": "old"}))
        assert (await config.identities.current()).authorization == "Bearer from-file"

    async def test_a_password(self, files: Files) -> None:
        config = files.load(document({"username": "u", "password": "p"}))
        assert (await config.identities.current()).authorization == "Basic dTpw"

    async def test_a_client_certificate(self, files: Files) -> None:
        expected = Identity("", CLIENT.certificate, CLIENT.key)
        config = files.load(document({"client-certificate-data": b64(CLIENT.certificate), "client-key-data": b64(CLIENT.key)}))
        assert await config.identities.current() == expected
        (files.folder / "me.crt").write_bytes(CLIENT.certificate)
        (files.folder / "me.key").write_bytes(CLIENT.key)
        config = files.load(document({"client-certificate": "me.crt", "client-key": str(files.folder / "me.key")}))
        assert await config.identities.current() == expected

    async def test_nobody(self, files: Files) -> None:
        content = document()
        del content["contexts"][0]["context"]["user"]
        assert await files.load(content).identities.current() == Identity()

    def test_verification_and_proxy(self, files: Files) -> None:
        config = files.load(
            document(cluster={"insecure-skip-tls-verify": True, "tls-server-name": "kubernetes", "proxy-url": "http://p:1"})
        )
        assert (config.insecure, config.ca_pem, config.server_name, config.proxy) == (True, b"", "kubernetes", "http://p:1")
        assert files.load(document(), {"HTTPS_PROXY": "http://env:1"}).proxy == "http://env:1"
        assert files.load(document(), {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "host"}).proxy == ""

    def test_impersonation(self, files: Files) -> None:
        user = {"token": "t", "as": "u", "as-uid": "1", "as-groups": ["g", "h"], "as-user-extra": {"Scopes/x": ["v", "w"]}}
        assert files.load(document(user)).impersonate == (
            ("Impersonate-User", "u"),
            ("Impersonate-Uid", "1"),
            ("Impersonate-Group", "g"),
            ("Impersonate-Group", "h"),
            ("Impersonate-Extra-scopes%2Fx", "v"),
            ("Impersonate-Extra-scopes%2Fx", "w"),
        )

    @pytest.mark.parametrize(
        ("server", "ca", "expected"),
        [("host:1", True, "https://host:1"), ("host:1", False, "http://host:1"), ("http://h/p/", False, "http://h/p")],
    )
    def test_servers(self, files: Files, server: str, ca: bool, expected: str) -> None:
        content = document(cluster={"server": server, **({} if ca else {"certificate-authority-data": None})})
        assert files.load(content).server == expected

    def test_a_plugin_needs_the_package(self, files: Files) -> None:
        config = files.load(document({"exec": {"command": "aws", "apiVersion": "v1"}}))
        with pytest.raises(ConfigError, match=r"exec plugin: install the extra eso\[kubeconfig\]"):
            asyncio.run(config.identities.current())


class TestWhichFile:
    def test_the_home_folder(self, files: Files) -> None:
        files.write(document(cluster={"server": "https://home"}), ".kube/config")
        assert load_kubeconfig({"HOME": str(files.folder)}).server == "https://home"

    def test_several_files_are_one(self, files: Files) -> None:
        first = {"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "first"}}], "current-context": "x"}
        second = document({"token": "t"}, {"certificate-authority-data": None, "certificate-authority": "ca.crt"}, namespace="second")
        files.write(CA.pem.decode(), "sub/ca.crt")
        listed = ":".join(
            [files.write(first, "first"), str(files.folder / "absent"), "", files.write({**second, "current-context": "y"}, "sub/two")]
        )
        config = load_kubeconfig({"KUBECONFIG": listed})
        assert (config.namespace, config.ca_pem) == ("first", CA.pem)

    def test_a_named_context(self, files: Files) -> None:
        content = document(namespace="x")
        content["contexts"].append({"name": "y", "context": {"cluster": "c", "user": "u", "namespace": "y"}})
        assert files.load(content, context="y").namespace == "y"

    def test_the_pods_own_comes_before_the_home_folder(self, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kubeconfig, "in_cluster", lambda environ: in_cluster(environ, files.folder))
        (files.folder / "ca.crt").write_bytes(CA.pem)
        path = files.write(document(), ".kube/config")
        environ = {"HOME": str(files.folder)}
        pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
        assert find_cluster(environ).server == "https://host:6443"
        assert find_cluster(environ | pod).server == "https://10.0.0.1:443"
        assert find_cluster(environ | pod, path=path).server == "https://host:6443"
        assert find_cluster(environ | pod | {"KUBECONFIG": path}).server == "https://host:6443"
        assert find_cluster(environ | pod, context="x").server == "https://host:6443"


class TestErrors:
    def test_a_missing_file(self, files: Files) -> None:
        for environ, path in (({}, "/no/such/config"), ({"KUBECONFIG": "/no/such/config"}, "")):
            with pytest.raises(ConfigError, match="kubeconfig /no/such/config cannot be read: No such file or directory"):
                load_kubeconfig(environ, path=path)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("", "is empty"),
            ("- a", "not a mapping"),
            ("a: [hunter2\nb: {", "is not YAML, line 2"),
            ("a: !!python/object:os.x hunter2", "is not YAML"),
        ],
        ids=["empty", "list", "broken", "tag"],
    )
    def test_no_kubeconfig(self, files: Files, content: str, why: str) -> None:
        assert why in files.refuse(content)

    def test_names_that_lead_nowhere(self, files: Files) -> None:
        assert files.refuse(document(), context="z") == 'kubeconfig has no context "z"'
        assert files.refuse(document(cluster_="x") | {"clusters": []}) == 'kubeconfig has no cluster "c"'
        assert files.refuse(document() | {"users": None}) == 'kubeconfig has no user "u"'
        assert files.refuse(document() | {"current-context": ""}) == "kubeconfig has no current context; name one"
        assert "clusters is not a list" in files.refuse(document() | {"clusters": "c"})
        assert "users is not a mapping" in files.refuse(document() | {"users": ["hunter2"]})

    @pytest.mark.parametrize(
        ("user", "cluster", "why"),
        [
            ({}, {"server": None}, "its cluster has no server"),
            ({}, {"certificate-authority-data": "hunter2!"}, "certificate-authority-data is not base64"),
            ({}, {"certificate-authority-data": b64(b"hunter2")}, "the CA bundle holds no readable PEM certificate"),
            ({}, {"certificate-authority-data": None, "certificate-authority": "absent.crt"}, "absent.crt cannot be read: No such file"),
            ({"client-key-data": b64(CLIENT.key)}, {}, "the client certificate is not a readable PEM certificate"),
            ({"client-certificate-data": b64(CLIENT.certificate)}, {}, "the client key is not a readable PEM private key"),
            ({}, {"proxy-url": "socks5://user:hunter2@p"}, "neither an http nor an https URL"),
        ],
    )
    def test_entries_that_cannot_be_used(self, files: Files, user: dict[str, Any], cluster: dict[str, Any], why: str) -> None:
        assert why in files.refuse(document(user, cluster))


class TestPlugins:
    """With the real package, and programs that answer as plugins do."""

    def plugin(self, files: Files, code: str, **more: Any) -> Any:
        path = files.write(code, "plugin.py")
        user = {"exec": {"command": sys.executable, "args": [path], "apiVersion": "client.authentication.k8s.io/v1", **more}}
        return files.load(document(user)).identities

    def answer(self, **status: str) -> str:
        credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
        return f"import json; print(json.dumps({credential!r}))"

    async def test_a_token(self, files: Files) -> None:
        identities = self.plugin(files, self.answer(token="t", expirationTimestamp="2099-01-01T00:00:00Z"))
        first = await identities.current()
        assert first == Identity("Bearer t")
        files.write("raise SystemExit(1)", "plugin.py")
        assert await identities.current() is first

    async def test_a_certificate(self, files: Files) -> None:
        answer = self.answer(clientCertificateData=CLIENT.certificate.decode(), clientKeyData=CLIENT.key.decode())
        assert await self.plugin(files, answer).current() == Identity("", CLIENT.certificate, CLIENT.key)

    async def test_what_it_is_told(self, files: Files) -> None:
        code = (
            "import json, os; info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
            "print(json.dumps({'apiVersion': info['apiVersion'], 'kind': 'ExecCredential', 'status': "
            "{'token': ' '.join([os.environ['WHO'], info['spec']['cluster']['server'], os.getcwd()])}}))"
        )
        identities = self.plugin(files, code, env=[{"name": "WHO", "value": "me"}], provideClusterInfo=True)
        assert (await identities.current()).authorization == f"Bearer me https://host:6443/ {files.folder}"

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            ("import sys; sys.exit('no session\\nlog in first')", "process returned 1. no session"),
            ("print('hunter2')", "failed to decode process output"),
            ("print('{}')", "missing key 'apiVersion'"),
            ("import json; print(json.dumps({'apiVersion': 'v0', 'kind': '', 'status': {}}))", "does not match"),
            ("ANSWER", "gave neither a token nor a certificate"),
            ("CERTIFICATE", "a certificate and its key come together"),
            ("EXPIRY", "its expirationTimestamp is not a time"),
        ],
    )
    async def test_failures(self, files: Files, code: str, why: str) -> None:
        answers = {
            "ANSWER": self.answer(),
            "CERTIFICATE": self.answer(clientCertificateData=CLIENT.certificate.decode()),
            "EXPIRY": self.answer(token="hunter2", expirationTimestamp="soon"),
        }
        with pytest.raises(ConfigError) as caught:
            await self.plugin(files, answers.get(code, code)).current()
        message = str(caught.value)
        assert message.startswith(f"exec plugin {sys.executable}: ")
        assert why in message
        assert "\n" not in message
        assert "hunter2" not in message

    async def test_a_plugin_that_is_not_installed(self, files: Files) -> None:
        user = {"exec": {"command": "no-such-plugin", "apiVersion": "v1", "installHint": "get it there\nand so on"}}
        with pytest.raises(ConfigError, match=r"exec plugin no-such-plugin is not installed: get it there$"):
            await files.load(document(user)).identities.current()

    async def test_a_written_token_wins(self, files: Files) -> None:
        config = files.load(document({"token": "t", "exec": {"command": "no-such-plugin", "apiVersion": "v1"}}))
        assert (await config.identities.current()).authorization == "Bearer t"

    async def test_an_auth_provider(self, files: Files) -> None:
        claims = b64(json.dumps({"exp": 4_000_000_000}).encode()).rstrip("=")
        token = f"e30.{claims}.c2ln"
        config = files.load(document({"auth-provider": {"name": "oidc", "config": {"id-token": token, "idp-issuer-url": "https://i"}}}))
        assert (await config.identities.current()).authorization == f"Bearer {token}"

    @pytest.mark.parametrize(
        "provider",
        [
            {"name": "azure", "config": {}},
            {"name": "oidc"},
            {"name": "oidc", "config": {"id-token": "hunter2"}},
            {"name": "oidc", "config": {}},
        ],
    )
    async def test_an_auth_provider_that_gives_nothing(self, files: Files, provider: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=f"auth provider {provider['name']}: (gave no token|login failed)") as caught:
            await files.load(document({"auth-provider": provider})).identities.current()
        assert "hunter2" not in str(caught.value)


class Login:
    """A login function with a script: identities, or errors."""

    def __init__(self, *script: Issued | ConfigError) -> None:
        self.script = list(script)
        self.calls = 0
        self.now = 1000.0

    def __call__(self) -> Issued:
        assert threading.current_thread() is not threading.main_thread()
        self.calls += 1
        step = self.script.pop(0)
        if isinstance(step, ConfigError):
            raise step
        return step

    def renewing(self) -> Renewing:
        return Renewing(self, wall=lambda: self.now)


def issued(name: str, expires_at: float | None = None) -> Issued:
    return Issued(Identity(f"Bearer {name}"), expires_at)


class TestRenewing:
    async def test_one_login_for_all(self) -> None:
        login = Login(issued("a"))
        source = login.renewing()
        identities = await asyncio.gather(*(source.current() for _ in range(20)))
        assert login.calls == 1
        assert len(set(map(id, identities))) == 1

    async def test_before_it_expires(self) -> None:
        login = Login(issued("a", 2000), issued("b", 3000))
        source = login.renewing()
        first = await source.current()
        login.now = 1939
        assert await source.current() is first
        login.now = 1940
        assert (await source.current()).authorization == "Bearer b"

    async def test_short_lives(self) -> None:
        login = Login(issued("a", 1020), issued("b", 3000))
        source = login.renewing()
        await source.current()
        login.now = 1017
        assert (await source.current()).authorization == "Bearer a"
        login.now = 1018
        assert (await source.current()).authorization == "Bearer b"

    async def test_a_failed_renewal_keeps_what_is_valid(self) -> None:
        login = Login(issued("a", 2000), ConfigError("down"), ConfigError("still down"), issued("b"))
        source = login.renewing()
        first = await source.current()
        login.now = 1950
        assert await source.current() is first
        login.now = 1955
        assert await source.current() is first
        assert login.calls == 2
        login.now = 2000
        with pytest.raises(ConfigError, match="still down"):
            await source.current()
        login.now = 2009
        with pytest.raises(ConfigError, match="still down"):
            await source.current()
        login.now = 2010
        assert (await source.current()).authorization == "Bearer b"
        assert login.calls == 4

    async def test_after_a_refusal(self) -> None:
        login = Login(issued("a"), issued("b"), issued("b"))
        source = login.renewing()
        first = await source.current()
        assert await source.renewed(first) is None
        login.now += 10
        second = await source.renewed(first)
        assert second is not None
        assert second.authorization == "Bearer b"
        assert await source.renewed(first) is second
        login.now += 10
        assert await source.renewed(second) is None
        assert await source.current() is second
        assert login.calls == 3

    async def test_a_login_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kubeconfig, "LOGIN_S", 0.02)
        release = threading.Event()

        def login() -> Issued:
            release.wait()
            return issued("late")

        with pytest.raises(ConfigError, match=r"login took longer than 0\.02 s"):
            await Renewing(login).current()
        release.set()
