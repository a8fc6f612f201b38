"""Makes a wheel of a pure Python package and installs it into a folder, without a network and without its build backend."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path


def wheel(folder: Path, into: Path) -> Path:
    """The wheel of the package in ``folder``: each package of Python files below it, and its entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = f"{name}-{version}.dist-info"
    points = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project.get("entry-points", {}).items()
    )
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("*/*.py"))}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = points.encode()
    record = "".join(f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    made = into / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return made


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def install(made: Path, target: Path) -> None:
    """Into a folder, with pip, or else with uv."""
    tool = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else [str(Path(sys.executable).parent / "uv"), "pip"]
    offline = ["--no-index", "--no-deps", "--quiet", "--target", str(target), str(made)]
    subprocess.run([*tool, "install", *offline], check=True, capture_output=True, timeout=120)
