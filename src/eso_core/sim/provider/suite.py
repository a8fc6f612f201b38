"""All checks of a provider, by name. Each is a function of a :class:`~eso_core.sim.provider.case.Case` and nothing else.

============  ====================================================================================================
topic         what it asks
============  ====================================================================================================
reading       are values, properties, versions, metadata and finds what the backend has
faults        is everything that a misbehaving backend says a failure, and never an absence or another value
tenants       are sessions renewed, credentials replaced, and identities kept apart
pushing       are commands idempotent, complete, and kept from what others made
hostile       do keys stay keys
calls         are operations as cheap as the case's table says
============  ====================================================================================================

In every check, whatever is sent, given or said is searched for secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from eso_core.sim.provider import faults, hostile, pushing, reading, tenants
from eso_core.sim.provider.bench import NotApplicable, Unmet
from eso_core.sim.provider.case import Case

Verdict = Literal["passed", "not applicable", "failed"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one check. ``text`` says what failed, or what a case lacks for it."""

    case: str
    check: str
    verdict: Verdict
    text: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One demand. ``meets`` raises :class:`Unmet` or :class:`NotApplicable`."""

    name: str
    meets: Callable[[Case], None]

    @property
    def about(self) -> str:
        """What it demands, in one line or a few."""
        return " ".join((self.meets.__doc__ or "").split())

    def of(self, case: Case) -> Checked:
        """What becomes of it. An exception of a provider or a server is a failed check."""
        if self.name in case.apart:
            return Checked(case.name, self.name, "not applicable", case.apart[self.name])
        try:
            self.meets(case)
        except NotApplicable as why:
            return Checked(case.name, self.name, "not applicable", str(why))
        except Unmet as unmet:
            return Checked(case.name, self.name, "failed", str(unmet))
        except Exception as bug:  # a provider must not raise: that it does is what is told
            return Checked(case.name, self.name, "failed", _raised(bug))
        return Checked(case.name, self.name, "passed")


def _raised(bug: Exception) -> str:
    """Type and place; the text of an exception may hold secrets."""
    at, frame = bug.__traceback__, ""
    while at is not None:
        frame, at = f"{at.tb_frame.f_code.co_filename.rpartition('/')[2]}:{at.tb_lineno} in {at.tb_frame.f_code.co_name}", at.tb_next
    return f"{type(bug).__name__} is raised at {frame}"


CHECKS: Final = tuple(
    Check(meets.__name__.replace("_", "-"), meets)
    for meets in (
        reading.the_store_is_accepted,
        reading.needs_are_met,
        reading.a_probe_succeeds,
        reading.a_value_is_read,
        reading.the_dialect_holds,
        reading.a_missing_key_is_told,
        reading.a_missing_property_is_told,
        reading.versions_are_read,
        reading.metadata_is_read,
        reading.find_by_name,
        reading.find_by_path,
        reading.find_by_tags,
        reading.batches_are_equal_to_one_by_one,
        faults.statuses_are_failures,
        faults.garbage_is_not_believed,
        faults.cut_bodies_are_not_believed,
        faults.other_types_are_survived,
        faults.no_answer_is_a_failure,
        faults.surroundings_may_fail,
        tenants.a_session_is_used_again,
        tenants.an_expired_session_is_renewed,
        tenants.a_rotated_credential_is_used,
        tenants.tenants_share_nothing,
        pushing.a_push_writes,
        pushing.a_push_of_an_odd_value_is_survived,
        pushing.a_push_of_a_property,
        pushing.a_push_of_a_whole_secret,
        pushing.a_push_of_a_missing_key_fails,
        pushing.wrong_metadata_is_refused,
        pushing.what_others_made_is_left_alone,
        pushing.a_deletion_deletes,
        pushing.existence_is_told,
        hostile.hostile_keys_stay_inside,
        hostile.hostile_properties_are_survived,
        hostile.hostile_finds_are_survived,
        hostile.hostile_push_keys_are_survived,
        reading.calls_are_as_few_as_told,
        pushing.writes_are_as_few_as_told,
    )
)
"""In the order in which they are worth reading."""


def walk(case: Case, *, only: frozenset[str] = frozenset()) -> Iterator[Checked]:
    """All checks of one case; with ``only``, those of these names."""
    return (check.of(case) for check in CHECKS if not only or check.name in only)


def calls_of(case: Case) -> dict[str, tuple[int, int]]:
    """For each operation: the calls that it took, and the most that it may take. Raises :class:`Unmet` when one does not work."""
    writes = pushing.measured_writes(case) if case.provider.push is not None and case.keeps else {}
    return {**reading.measured(case), **writes}
