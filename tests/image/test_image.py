"""The image, built from this tree by ``build.sh`` and run as a cluster runs it: as a user without rights, on a read-only file system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SIZE_MAX = 260_000_000  # bytes, uncompressed, with the Dockerfile's extras; measured: docs/image.md
pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Image:
    rootfs: Path
    config: dict[str, Any]
    size_bytes: int

    def run(self, *command: str, uid: int = 65532) -> subprocess.CompletedProcess[str]:
        """Runs *command* with the image's environment, without rights, the file system read-only but for the devices of /dev."""
        script = 'mount --bind "$1" "$1" && mount --bind /dev "$1/dev" && mount -t proc proc "$1/proc"'
        script += ' && mount -o remount,ro,bind "$1" "$1" && root=$1 && user=$2 && shift 2'
        script += ' && exec chroot --userspec="$user:$user" "$root" /usr/bin/env -i "$@"'
        arguments = ["sh", str(self.rootfs), str(uid), *self.config["Env"], *command]
        return subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--propagation", "private", "/bin/sh", "-c", script, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def image() -> Image:
    why = None
    if os.geteuid() != 0:
        why = "needs root: buildah and debootstrap mount"
    elif not shutil.which("apt-get") and not (shutil.which("buildah") and shutil.which("debootstrap")):
        why = "needs buildah and debootstrap, or apt-get to install them"
    if why and not os.environ.get("CI"):
        pytest.skip(why)
    built = subprocess.run([str(HERE / "build.sh")], stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    facts = dict(line.split("=", 1) for line in built.stdout.splitlines())
    inspected = json.loads(Path(facts["config"]).read_text())
    return Image(rootfs=Path(facts["rootfs"]), config=inspected["OCIv1"]["config"], size_bytes=int(facts["size_bytes"]))


def test_help(image):
    ran = image.run("eso", "--help")
    assert ran.returncode == 0, ran.stderr
    assert "run" in ran.stdout


def test_prints_its_definitions(image):
    ran = image.run("eso", "crds")
    assert ran.returncode == 0, ran.stderr
    assert "kind: CustomResourceDefinition" in ran.stdout


def test_runs_as_any_user(image):
    """The chart's default is 1000, OpenShift picks its own."""
    assert image.run("eso", "--help", uid=1000).returncode == 0
    assert image.run("eso", "--help", uid=1000680000).returncode == 0


def test_nothing_can_be_written(image):
    assert "Read-only file system" in image.run("python3", "-c", "open('/tmp/x', 'w')").stderr


def test_entry_point(image):
    assert image.config["Entrypoint"] == ["eso"]
    assert image.config["Cmd"] == ["run"]
    assert image.config["User"] == "65532:65532"
    assert image.config["ExposedPorts"].keys() == {"8080/tcp", "8082/tcp"}
    assert image.config["Labels"]["org.opencontainers.image.title"] == "eso"


def test_bytecode_is_there_and_never_stale(image):
    """An import compiles nothing: every module of the environment has its pyc, of the kind that is not compared with its source."""
    sources = [p for p in (image.rootfs / "opt/eso/lib").rglob("*.py") if p.parent.name != "__pycache__"]
    without = [p for p in sources if not list((p.parent / "__pycache__").glob(f"{p.stem}.cpython-*.pyc"))]
    assert without == []
    for package in ("eso_core", "eso_shell"):
        compiled = next((image.rootfs / "opt/eso/lib").glob(f"python3.*/site-packages/{package}/__pycache__/__init__.*.pyc"))
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1  # PEP 552: hash-based, unchecked


def test_nothing_builds_or_fetches(image):
    tools = ("uv", "pip", "pip3", "gcc", "cc", "make", "curl", "wget", "git")
    assert [tool for tool in tools if image.run("sh", "-c", f"! command -v {tool}").returncode != 0] == []
    site = next((image.rootfs / "opt/eso/lib").glob("python3.*/site-packages"))
    installed = {path.name.partition("-")[0] for path in site.glob("*.dist-info")}
    assert "eso" in installed
    assert not installed & {"pip", "uv", "setuptools", "wheel", "hatchling", "pytest", "moto", "mypy", "hypothesis"}


def test_nothing_of_the_build_is_left(image):
    """No CA bundle of the builder, no sources, no package lists."""
    left = [p for p in ("build", "opt/uv", "root/.cache", "run/secrets", "tmp/uv.txt") if (image.rootfs / p).exists()]
    assert left == []
    assert list((image.rootfs / "var/lib/apt/lists").iterdir()) == []
    packaged = (image.rootfs / "etc/ssl/certs/ca-certificates.crt").read_bytes()
    known = b"".join(p.read_bytes() for p in (image.rootfs / "usr/share/ca-certificates").rglob("*.crt"))
    assert _certificates(packaged) <= _certificates(known)


def test_no_file_gives_rights(image):
    assert [p for p in (image.rootfs / "opt/eso").rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o022] == []


def test_size(image):
    assert image.size_bytes < SIZE_MAX


def _certificates(bundle: bytes) -> set[bytes]:
    return {part.partition(b"-----END")[0].strip() for part in bundle.split(b"-----BEGIN CERTIFICATE-----")[1:]}
