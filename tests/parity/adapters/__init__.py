"""One adapter per function of the reference that has a counterpart here."""

from tests.parity.adapters import compat, fake, stages, targets
from tests.parity.form import Adapter

ADAPTERS: dict[str, Adapter] = {**compat.ADAPTERS, **fake.ADAPTERS, **stages.ADAPTERS, **targets.ADAPTERS}
