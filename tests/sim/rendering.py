"""Laws of templates: one pass writes one thing, something random comes with a due refresh only, and errors tell no values.

When may two random values be written for one due period? A pass evaluates once, so what it writes again after a conflict is the same. It
ends by recording the refresh in the status; when it is cut off before (a crash, a lost answer, a refused status) the refresh is still due
for all that anybody knows, and the next pass makes a new value, over the first where that one was written after all. Hence the law holds
while nothing goes wrong: then one refresh that the status records, and one write, belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eso_core.compat.gotime import parse_time
from eso_core.compat.hash import resource_version
from eso_core.failure import InvalidSpec, describe
from eso_core.instant import SECOND
from eso_core.machines.commands import Report
from eso_core.plan import CreateTarget, DeleteTarget, UpdateTarget
from eso_core.refs import EXTERNAL_SECRET, Ref
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL
from tests.sim.laws import Violation, Work, in_sync
from tests.sim.templates import OWN

if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import Tracked, World

FEATURES = (
    "Merge", "Replace", "ConfigMap", "literal", "labels", "written again in one pass", "failed", "without its ConfigMap", "healed",
    "kept the Secret", "random renewed", "answered late", "others went on",
)  # fmt: skip
FROM_TEXTS = ("error fetching templateFrom", "error in configmap")
RENEWED = ("resourceVersion", "managedFields", "annotations")
Data = dict[str, str]


@dataclass(frozen=True, slots=True)
class Renewal:
    """A write of something random, for the refresh after the one that the status told of then.

    ``stirred``: when somebody had done something last. A pass that a crash cuts off may be done again.
    """

    refreshed: str
    uid: str
    stirred: int


class Rendering:
    """Sees what is sent and reported in runs with templates."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sent: dict[tuple[str, Ref], Data] = {}  # what a pass has written already
        self._failing: set[Ref] = set()
        self._renewals: dict[tuple[str, str], Renewal] = {}
        self._reports = 0
        self.stirred = 0  # when somebody did something last

    def _counts(self, feature: str) -> None:
        self._world.counts(f"template {feature}")

    # ------------------------------------------------------------ passes

    def sent(self, host: Host, tracked: Tracked, data: Data) -> None:
        """A target is about to be written."""
        place = (host.name, Ref(EXTERNAL_SECRET, tracked.namespace, tracked.name))
        before = self._sent.get(place)
        self._sent[place] = data
        if before is None:
            return
        merging = any(spec.creation in ("Merge", "CreateOrMerge") for spec in tracked.specs)
        keys = OWN & before.keys() & data.keys() if merging else before.keys() | data.keys()
        if any(before.get(key) != data.get(key) for key in keys):
            raise Violation("I2 twice", f"one pass over {tracked.name} writes {before} and then {data}")
        if tracked.wanted.template is not None:
            self._counts("written again in one pass")

    def reported(self, host: Host, report: Report) -> None:
        """A pass has ended."""
        key, settled, detail = report.key, report.settled, report.settled.detail
        self._reports += 1
        self._sent.pop((host.name, key), None)
        if key.kind != EXTERNAL_SECRET or settled.because is None:
            return
        lost = detail is not None and describe(detail).startswith(FROM_TEXTS)
        if lost or (isinstance(detail, InvalidSpec) and detail.path.startswith("spec.target.template")):
            self._failing.add(key)
            if any(isinstance(action, CreateTarget | UpdateTarget | DeleteTarget) for action, _ in report.writes):
                raise Violation("I1 values", f"a pass over {key} has written to its target, although a template fails: {report.writes}")
            self._counts("without its ConfigMap" if lost else "failed")
            tracked = self._world.objects.get((key.namespace, key.name))
            secret = self._world.target_of(tracked) if tracked is not None and tracked.specs else None
            if secret is not None and secret.get("data"):
                self._counts("kept the Secret")
        elif settled.because.ready and key in self._failing:
            self._failing.discard(key)
            self._counts("healed")

    # ------------------------------------------------------------ writes

    def written(self, tracked: Tracked, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """A target was written."""
        world, layout = self._world, tracked.wanted.template
        if layout is None or after["metadata"]["name"] != tracked.wanted.target:
            return
        self._counts("Replace" if layout.replaces else "Merge")
        for feature, there in (("ConfigMap", layout.items), ("literal", layout.literal), ("labels", layout.labels)):
            if there:
                self._counts(feature)
        if before is None or before.get("data") == after.get("data") or not self._is_random(tracked) or not _is_whole(before):
            return
        self._counts("random renewed")
        calm = world.clock.mono - max(self.stirred, world.upset_until, world.checks.touched_at) > 60 * SECOND
        if (world.checks.quiet or calm) and not (world.swarm.has("jump") or world.swarm.has("second")):
            self._renewed(tracked)

    def _is_random(self, tracked: Tracked) -> bool:
        return tracked.wanted.lively and self._world.draws(tracked)

    def _renewed(self, tracked: Tracked) -> None:
        """Nobody has done anything for a while: the refresh must be due as the status tells, and no other write be for it."""
        place = (tracked.namespace, tracked.name)
        found = self._world.server.read(Ref(EXTERNAL_SECRET, *place))
        if found is None:
            return
        meta, status = found["metadata"], found.get("status") or {}
        renewal = Renewal(status.get("refreshTime", ""), meta["uid"], self.stirred)
        if self._renewals.get(place) == renewal:
            raise Violation("I2 twice", f"{place} is given two random values for the refresh after {renewal.refreshed}")
        self._renewals[place] = renewal
        elapsed = self._world.wall.ns - parse_time(renewal.refreshed).value_or(0)
        version = resource_version(meta["generation"], meta.get("annotations", {}), meta.get("labels", {}))
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))
        if ready and status.get("syncedResourceVersion") == version and 0 <= elapsed < tracked.wanted.interval_s * SECOND:
            raise Violation("I2 twice", f"{place} is given another random value {elapsed / SECOND} s after its refresh")

    def may_renew(self, tracked: Tracked | None, before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
        """A write in a settled cluster that only brings something random."""
        if tracked is None or before is None or not self._is_random(tracked):
            return False
        return _steady_part(before) == _steady_part(after)

    # ------------------------------------------------------------ long computations

    def works_on(self, host: Host, ticket: int) -> Work:
        """One begins."""
        key = host.engine._works[ticket].key
        return Work(key, self._version(key), self._reports)

    def worked(self, work: Work) -> None:
        """It is told."""
        if self._version(work.key) != work.version:
            self._counts("answered late")
        if self._reports > work.reports:
            self._counts("others went on")

    def _version(self, key: Ref) -> str:
        found = self._world.server.read(key)
        return str(found["metadata"]["resourceVersion"]) if found is not None else ""


def _is_whole(secret: dict[str, Any]) -> bool:
    return in_sync(secret) and secret["metadata"].get("labels", {}).get(MANAGED_LABEL) == "true"


def _steady_part(secret: dict[str, Any]) -> tuple[Any, ...]:
    """Everything but values, their hash, and annotations that templates may have made."""
    meta = secret["metadata"]
    rest = {key: value for key, value in secret.items() if key not in ("data", "metadata")}
    kept = {key: value for key, value in meta.items() if key not in RENEWED}
    return rest, kept, sorted(secret.get("data") or {}), sorted(meta.get("annotations", {}).keys() | {HASH_ANNOTATION})
