"""Everything that is left to chance, from one seed: independent streams, the size of a run, and the swarm of its faults."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

KUBE = (
    "conflict", "missing", "forbidden", "invalid", "throttled", "broken", "time-out without effect", "time-out with effect",
    "lost before", "lost after",
)  # fmt: skip
BACKEND = (
    "slow", "black hole", "denied", "absent", "throttled", "unavailable", "garbage", "empty", "huge", "unmounted", "flapping", "shrunk",
    "lagging", "not text", "expired", "bad key", "short page",
)  # fmt: skip
WATCH = ("drop", "duplicate", "stall", "garbage line", "refused", "cut", "gone")
WORLD = (
    "crash", "compact", "jump", "second", "freeze", "revoke", "no permission", "quota", "namespace ends", "no definition", "fight",
)  # fmt: skip
WORK = ("slow",)  # of a long computation
PARTS = {"kube": KUBE, "backend": BACKEND, "watch": WATCH, "world": WORLD, "work": WORK}
TEMPLATED = (("kube", "conflict"), ("work", "slow"))  # what templates make interesting
RATES = (0.01, 0.03, 0.1, 0.3)
HARD = (0.2, 0.5, 0.8)  # of the few faults of a small run
LAGS = (0.0, 0.05, 1.0, 5.0, 20.0)  # seconds, on average
BEHIND = (0, 0, 0, 1, 3, 10)  # changes that a watch keeps to itself until more come
LARGE_IN = 40  # one run in so many is large
EFFECTS = (
    "POST secrets", "PUT secrets", "PATCH secrets", "DELETE secrets", "GET secrets",
    "PATCH externalsecrets", "PATCH externalsecrets/status",
    "PATCH secretstores/status", "PATCH clustersecretstores/status", "GET page", "POST events", "PATCH events", "login", "fetch",
    "GET configmaps", "work",
)  # fmt: skip
MOMENTS = ("before", "sent", "done", "seen")  # of a crash: an effect was decided; was sent; was carried out; its answer was seen


class Dice:
    """Random numbers of one run. Each part of the simulator draws from a stream of its own."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.scenario = self.stream("scenario")
        self.user = self.stream("user")
        self.delays = self.stream("delays")
        self.faults = self.stream("faults")
        self.small = seed % LARGE_IN != 0
        self.aim = _aim(seed // 4) if seed % 4 == 1 and self.small else None  # a crash that this run is made for
        self.checked = seed % 32 == 3 or seed % (2 * LARGE_IN) == 0  # the API server does all that the schemas and field ownership demand
        self.thorough = seed % 10 == 0  # with the checks that cost most

    def stream(self, name: str) -> Random:
        """A stream that does not depend on the others."""
        return Random(f"{self.seed} {name}")


@dataclass(slots=True)
class CrashPoint:
    """The operator dies at the ``nth`` effect of a kind, at one of ``MOMENTS``."""

    effect: str
    nth: int
    moment: str
    left: int = 0


def _aim(number: int) -> CrashPoint:
    """Every moment of every effect in turn."""
    effect, moment = EFFECTS[number // len(MOMENTS) % len(EFFECTS)], MOMENTS[number % len(MOMENTS)]
    return CrashPoint(effect, 1, moment, 1 + (number // (len(MOMENTS) * len(EFFECTS))) % 2)


class Swarm:
    """Which faults this run has, and how often: most kinds are off in most runs, so that rare combinations meet.

    A large run has a third of all kinds, at low rates; a small one has a few, and these strike hard. ``templated``: the run has templates.
    """

    def __init__(self, random: Random, *, small: bool, aim: CrashPoint | None, templated: bool) -> None:
        self._random = random
        self.on = True
        self.rates: dict[tuple[str, str], float] = dict.fromkeys(((part, kind) for part in PARTS for kind in PARTS[part]), 0.0)
        self.crash_points: list[CrashPoint] = []
        if aim is not None:
            self.crash_points.append(aim)
        if random.random() >= (0.7 if aim else 0.1):
            (self._few if small else self._many)()
            for place in TEMPLATED if templated else ():
                if random.random() < 0.4:
                    self.rates[place] = random.choice(HARD)
        self._active = {part: [(k, r) for (p, k), r in self.rates.items() if p == part and r] for part in PARTS}
        plurals = ("secrets", "externalsecrets", "stores")
        few = small and random.random() < 0.7
        self.lag = {plural: 0.05 if few else random.choice(LAGS[:4] if small else LAGS) for plural in plurals}
        self.behind = {plural: 0 if few else random.choice(BEHIND) for plural in plurals}
        self.grain = random.choice((0.0, 0.01, 0.01)) if small else 0.0  # seconds; what takes time on the wire takes a multiple of it
        self.slowness = random.choice((0.005, 0.05, 0.5) if small else (0.005, 0.05, 0.5, 2.0))  # seconds of a request, on average

    def _few(self) -> None:
        random = self._random
        kinds = list(self.rates)
        for part, kind in random.sample(kinds, random.choice((1, 1, 1, 2, 3))):
            self.rates[part, kind] = random.choice(HARD)
        self._crashes(0.25)

    def _many(self) -> None:
        for place in self.rates:
            if self._random.random() < 0.3:
                self.rates[place] = self._random.choice(RATES)
        self._crashes(0.5)

    def _crashes(self, chance: float) -> None:
        random = self._random
        while random.random() < chance:
            nth = random.choice((1, 1, 1, 2, 3))
            self.crash_points.append(CrashPoint(random.choice(EFFECTS), nth, random.choice(MOMENTS), nth))

    def draw(self, part: str) -> str:
        """The fault that happens to one request, answer or delivery; ``""`` for none."""
        if self.on:
            for kind, rate in self._active[part]:
                if self._random.random() < rate:
                    return kind
        return ""

    def crashes_at(self, effect: str) -> str:
        """The moment of this effect at which the operator dies; ``""``: it lives on."""
        moment = ""
        if self.crash_points and self.on:
            for point in self.crash_points:
                if point.effect == effect and point.left > 0:
                    point.left -= 1
                    moment = moment or (point.moment if point.left == 0 else "")
        return moment

    def times(self, kind: str) -> int:
        """How often a fault of the world happens in this run."""
        rate = self.rates["world", kind]
        return self._random.randint(1, 3) if rate else 0

    def has(self, kind: str) -> bool:
        """This fault of the world may have happened."""
        return self.rates["world", kind] > 0

    @property
    def active(self) -> str:
        """The faults of this run, for the trace."""
        faults = [f"{part} {kind} {rate:g}" for (part, kind), rate in self.rates.items() if rate]
        faults += [f"crash {p.moment} {p.effect} {p.nth}" for p in self.crash_points]
        faults += [f"{name} {held}" for name, held in (("lag", self.lag), ("behind", self.behind)) if any(held.values())]
        return ", ".join(faults) or "none"
