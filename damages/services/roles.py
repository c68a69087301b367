"""Which person may do which manual work. That they may see the set at all is the caller's reach."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from damages.models import Source, Step
from damages.states import GROUP
from tenants.errors import Forbidden
from tenants.models import Membership, Role, User
from tenants.services.people import is_global_admin, user_groups

#: The role that a decision carries when it is made within a step.
ROLE: Final[dict[Step, Source]] = {Step.ANNOTATION: Source.ANNOTATOR, Step.REVIEW: Source.REVIEWER}
_STEP: Final[dict[Source, Step]] = {role: step for step, role in ROLE.items()}


def step_permit(*, user: User, step: Step) -> None:
    """Raise Forbidden unless the person may do this step: ANNOTATOR annotates, REVIEWER reviews, global admins both."""
    if not (GROUP[step] in user_groups(user) or is_global_admin(user)):
        raise Forbidden(f"Only members of {GROUP[step]} may do this.")


def role_permit(*, user: User, role: Source, tenant_id: UUID) -> None:
    """Raise Forbidden unless the person may act on damages of the tenant in this role (STAFF: its admins)."""
    if role in _STEP:
        step_permit(user=user, step=_STEP[role])
        return
    admin_of_it = Membership.objects.of(tenant_id).filter(user=user, role=Role.ADMIN_TENANT)
    if role is not Source.STAFF or not (admin_of_it.exists() or is_global_admin(user)):
        raise Forbidden("Only admins of the tenant may do this.")
