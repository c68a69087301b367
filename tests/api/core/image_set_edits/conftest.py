"""What tests of changing image sets share."""

from __future__ import annotations

import pytest
from django.test import Client

from assets.models import ImageSet
from tenants.models import Role, Tenant
from tenants.services.people import membership_set
from tests import factories
from tests.api.core.image_set_edits.answers import Bearer
from tests.api.core.rigs import Sender


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)


@pytest.fixture
def waiting(ours: factories.House, outsider: factories.House) -> ImageSet:
    """A recording of the other tenant's rig, which waits; our tenant is the default of its units."""
    rig = factories.rig(outsider.tenant, open_to=[ours.tenant, outsider.tenant], default=ours.tenant)
    return factories.recording(rig, plate="MISREAD", plate_is_read=True)


@pytest.fixture
def second(ours: factories.House, outsider: factories.House) -> Tenant:
    """Another tenant that our staff member belongs to."""
    tenant = Tenant.objects.create(name="Second Rental")
    membership_set(user=ours.staff, tenant=tenant, role=Role.USER)
    return tenant
