"""Everything that is left to chance, from one seed: independent streams, and the swarm of faults of one run."""

from __future__ import annotations

from random import Random

KUBE = ("conflict", "missing", "forbidden", "throttled", "broken", "lost before", "lost after")
BACKEND = ("slow", "black hole", "denied", "absent", "throttled", "unavailable", "garbage", "empty", "huge", "unmounted")
WATCH = ("drop", "duplicate", "stall", "garbage line", "refused")
WORLD = ("crash", "compact", "jump", "second", "freeze", "revoke")
RATES = (0.01, 0.03, 0.1, 0.3)


class Dice:
    """Random numbers of one run. Each part of the simulator draws from a stream of its own."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.scenario = self.stream("scenario")
        self.user = self.stream("user")
        self.delays = self.stream("delays")
        self.faults = self.stream("faults")

    def stream(self, name: str) -> Random:
        """A stream that does not depend on the others."""
        return Random(f"{self.seed} {name}")


class Swarm:
    """Which faults this run has, and how often: most kinds are off in most runs, so that rare combinations meet."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.on = True
        calm = random.random() < 0.1
        self.rates = {(part, kind): self._rate(calm) for part in ("kube", "backend", "watch", "world") for kind in _kinds(part)}
        self.lag = {plural: random.choice((0.0, 0.05, 1.0, 5.0, 20.0)) for plural in ("secrets", "externalsecrets", "stores")}
        self.slowness = random.choice((0.005, 0.05, 0.5, 2.0))  # seconds of a request, on average

    def _rate(self, calm: bool) -> float:
        return 0.0 if calm or self._random.random() < 0.7 else self._random.choice(RATES)

    def draw(self, part: str) -> str:
        """The fault that happens to one request, answer or delivery; ``""`` for none."""
        if not self.on:
            return ""
        for kind in _kinds(part):
            rate = self.rates[part, kind]
            if rate and self._random.random() < rate:
                return kind
        return ""

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
        return ", ".join(f"{part} {kind} {rate:g}" for (part, kind), rate in self.rates.items() if rate) or "none"


def _kinds(part: str) -> tuple[str, ...]:
    return {"kube": KUBE, "backend": BACKEND, "watch": WATCH, "world": WORLD}[part]
