"""The least that syncing takes: Vault GET, Secret POST, status PATCH, Event POST. No cache, no ownership, no errors handled.

Run as the operator, it shows what this machine, this API server and asyncio allow: the ceiling. With ``--watch`` it goes on to
sync what is created or annotated later, which makes it an operator small enough to try the bench with.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop
import yaml

from bench.burst import Target, session
from bench.objects import API, FORCE_SYNC, MERGE, Json

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_STORES = ("clustersecretstores", "secretstores")


def target_of(kubeconfig: Path) -> Target:
    """The only cluster and user of a file as the control plane writes it."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return Target(cluster["server"], base64.b64decode(cluster["certificate-authority-data"]).decode(), user["token"])


class Bare:
    """One run."""

    def __init__(self, target: Target, vault: str, token: str, api: aiohttp.ClientSession, backend: aiohttp.ClientSession) -> None:
        self._server, self._vault, self._vault_headers = target.server, vault, {"X-Vault-Token": token}
        self._api, self._backend = api, backend
        self._due: asyncio.Queue[Json] = asyncio.Queue()
        self._pending: set[str] = set()

    async def run(self, concurrency: int, *, watch: bool) -> None:
        async with asyncio.TaskGroup() as group:
            await self._validate_stores()
            for _ in range(concurrency):
                group.create_task(self._worker())
            version = await self._list()
            if watch:
                group.create_task(self._watch(version))

    async def _validate_stores(self) -> None:
        ready = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Valid"}]}}
        for plural in _STORES:
            for store in (await self._get(f"/apis/{API}/{plural}"))["items"]:
                home = store["metadata"].get("namespace")
                scope = f"namespaces/{home}/" if home else ""
                await self._send("PATCH", f"/apis/{API}/{scope}{plural}/{store['metadata']['name']}/status", ready)

    async def _list(self) -> str:
        token = ""
        while True:
            page = await self._get(f"/apis/{API}/externalsecrets?limit=500&continue={token}")
            for item in page["items"]:
                self._offer(item)
            token = page["metadata"].get("continue") or ""
            if not token:
                return str(page["metadata"]["resourceVersion"])

    async def _watch(self, version: str) -> None:
        url = f"{self._server}/apis/{API}/externalsecrets?watch=1&timeoutSeconds=86400&resourceVersion={version}"
        async with self._api.get(url) as stream:
            async for line in stream.content:
                event = orjson.loads(line)
                if event["type"] in ("ADDED", "MODIFIED"):
                    self._offer(event["object"])

    def _offer(self, item: Json) -> None:
        key = item["metadata"]["uid"] + _asked(item)
        if _is_due(item) and key not in self._pending:
            self._pending.add(key)
            self._due.put_nowait(item)

    async def _worker(self) -> None:
        while True:
            item = await self._due.get()
            await self._sync(item)
            self._pending.discard(item["metadata"]["uid"] + _asked(item))

    async def _sync(self, item: Json) -> None:
        metadata, spec = item["metadata"], item["spec"]
        home, name = metadata["namespace"], metadata["name"]
        entries = spec["data"]
        async with self._backend.get(
            f"{self._vault}/v1/secret/data/{entries[0]['remoteRef']['key']}", headers=self._vault_headers
        ) as answer:
            values = orjson.loads(await answer.read())["data"]["data"]
        if not item.get("status"):
            data = {each["secretKey"]: base64.b64encode(values[each["remoteRef"]["property"]].encode()).decode() for each in entries}
            owner = {"apiVersion": API, "kind": "ExternalSecret", "name": name, "uid": metadata["uid"], "controller": True}
            secret = {"metadata": {"name": spec["target"]["name"], "ownerReferences": [owner]}, "data": data}
            await self._send("POST", f"/api/v1/namespaces/{home}/secrets", secret)
        now = time.strftime(_TIME, time.gmtime())
        ready = {"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced", "lastTransitionTime": now}
        status = {"conditions": [ready], "refreshTime": now, "syncedResourceVersion": _asked(item), "binding": {"name": name}}
        await self._send("PATCH", f"/apis/{API}/namespaces/{home}/externalsecrets/{name}/status", {"status": status})
        involved = {"apiVersion": API, "kind": "ExternalSecret", "name": name, "namespace": home, "uid": metadata["uid"]}
        event = {
            "metadata": {"generateName": f"{name}."},
            "involvedObject": involved,
            "type": "Normal",
            "reason": "Created",
            "message": "synced",
        }
        await self._send("POST", f"/api/v1/namespaces/{home}/events", event)

    async def _get(self, path: str) -> Json:
        async with self._api.get(self._server + path, raise_for_status=True) as answer:
            found: Json = orjson.loads(await answer.read())
            return found

    async def _send(self, method: str, path: str, body: Json) -> None:
        headers = {"Content-Type": MERGE if method == "PATCH" else "application/json"}
        async with self._api.request(method, self._server + path, data=orjson.dumps(body), headers=headers) as answer:
            raw = await answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {raw[:300]!r}")


def _is_due(item: Json) -> bool:
    """New, changed, or refreshed more than an hour ago."""
    status = item.get("status") or {}
    an_hour_ago = time.strftime(_TIME, time.gmtime(time.time() - 3600))
    return status.get("syncedResourceVersion") != _asked(item) or status.get("refreshTime", "") < an_hour_ago


def _asked(item: dict[str, Any]) -> str:
    """Stands for what the object asks for, as the status repeats it."""
    return "1-" + str((item["metadata"].get("annotations") or {}).get(FORCE_SYNC, ""))


async def _run(given: argparse.Namespace) -> None:
    target = target_of(given.kubeconfig)
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    try:
        async with session(target, given.concurrency + 2) as api, aiohttp.ClientSession() as backend:
            await Bare(target, given.vault, given.token, api, backend).run(given.concurrency, watch=given.watch)
    except asyncio.CancelledError:
        return


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m bench.bare", description="The least that syncing takes.")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--vault", required=True, help="address of the stub")
    parser.add_argument("--token", required=True)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--watch", action="store_true", help="go on with what is created or annotated later")
    uvloop.run(_run(parser.parse_args(argv)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
