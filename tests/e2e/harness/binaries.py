"""The control plane's binaries: taken from KUBEBUILDER_ASSETS, or built once by Go into a cache folder outside the tree.

``python -m tests.e2e.harness.binaries`` builds whatever is missing and prints the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).resolve().parent.parent / "controlplane"
HOW_TO_GET = "install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver (and kube-controller-manager)"

_TARGETS: tuple[tuple[str, str, str], ...] = (
    # (binary, the Go module that pins it, the package that is built)
    ("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    ("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
)
# No C compiler is needed; a workspace file further up the tree or the user's own build flags cannot change what is built.
_BUILD_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}


def kubernetes_version() -> str:
    """The version that the Kubernetes module pins, for example ``v1.36.3``."""
    pinned = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (MODULES / "kubernetes" / "go.mod").read_text(), re.MULTILINE)
    assert pinned, "go.mod pins no k8s.io/kubernetes"
    return pinned[1]


def _build_flags() -> tuple[str, ...]:
    version = f"-X k8s.io/component-base/version.gitVersion={kubernetes_version()}"
    return ("-p=2", "-trimpath", "-buildvcs=false", f"-ldflags=-s -w {version}")


class BinariesUnavailable(Exception):
    """Neither KUBEBUILDER_ASSETS nor Go is at hand. The message is one line and says how to get either."""


class BuildFailed(Exception):
    """Go is there but could not build; the message ends with the compiler's last lines."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the control plane's programs are. The controller manager is optional only when KUBEBUILDER_ASSETS has none."""

    directory: Path
    etcd: Path
    apiserver: Path
    controller_manager: Path | None


def cache_root() -> Path:
    """``ESO_TEST_CACHE``, else ``eso-test`` in the user's cache folder."""
    chosen = os.environ.get("ESO_TEST_CACHE")
    if chosen:
        return Path(chosen)
    user_cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(user_cache) if user_cache else Path.home() / ".cache") / "eso-test"


def find_or_build() -> Binaries:
    """The binaries, built now if they are missing. Two processes may call this at once: one builds, the other waits for it."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    return _from_assets(Path(assets)) if assets else _built()


def _from_assets(directory: Path) -> Binaries:
    missing = [name for name in ("etcd", "kube-apiserver") if not (directory / name).is_file()]
    if missing:
        raise BinariesUnavailable(f"KUBEBUILDER_ASSETS={directory} has no {' and no '.join(missing)}: {HOW_TO_GET}")
    manager = directory / "kube-controller-manager"
    return Binaries(directory, directory / "etcd", directory / "kube-apiserver", manager if manager.is_file() else None)


def _built() -> Binaries:
    go = shutil.which("go")
    if go is None:
        raise BinariesUnavailable(f"no Go and no KUBEBUILDER_ASSETS: {HOW_TO_GET}")
    directory = cache_root() / f"bin-{_digest(go)}"
    if not _complete(directory):
        with _locked(directory.with_name(f"{directory.name}.lock")):
            directory.mkdir(parents=True, exist_ok=True)
            for name, module, package in _TARGETS:
                if not (directory / name).is_file():
                    _build(go, MODULES / module, package, directory / name)
    return Binaries(directory, directory / "etcd", directory / "kube-apiserver", directory / "kube-controller-manager")


def _complete(directory: Path) -> bool:
    return all((directory / name).is_file() for name, _, _ in _TARGETS)


def _digest(go: str) -> str:
    """Changes when a pinned version, a checksum, a build flag or the compiler does."""
    digest = hashlib.sha256()
    # Asked outside the modules: inside one, a newer `toolchain` line would make Go download another Go just to print its name.
    digest.update(subprocess.run([go, "version"], check=True, capture_output=True, cwd=MODULES.anchor).stdout)
    digest.update("\0".join(_build_flags()).encode())
    for module in sorted({module for _, module, _ in _TARGETS}):
        for name in ("go.mod", "go.sum"):
            digest.update((MODULES / module / name).read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock ends with the process that holds it, however that one ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(go: str, module: Path, package: str, target: Path) -> None:
    """Built beside its place and renamed into it, so a binary that is there is a whole one."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    print(f"building {target.name} (minutes the first time, then cached)", file=sys.stderr, flush=True)
    done = subprocess.run(
        [go, "build", *_build_flags(), "-o", str(unfinished), package],
        cwd=module,
        env={**os.environ, **_BUILD_ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        unfinished.unlink(missing_ok=True)
        raise BuildFailed(f"go build {package} ended with {done.returncode}:\n" + "\n".join(done.stdout.splitlines()[-40:]))
    unfinished.replace(target)


if __name__ == "__main__":
    try:
        print(find_or_build().directory)
    except (BinariesUnavailable, BuildFailed) as failure:
        sys.exit(str(failure))
