"""Routes of the core family, by resource."""

from __future__ import annotations

from inspection_platform.api.core.urls import (
    auth,
    capture_sets,
    capture_units,
    car_info,
    cars,
    damages,
    groups,
    image_sets,
    images,
    keys,
    logos,
    manual,
    profile,
    recordings,
    registration,
    tenant_groups,
    tenants,
    users,
)

urlpatterns = [
    *profile.urlpatterns,
    *auth.urlpatterns,
    *registration.urlpatterns,
    *keys.urlpatterns,
    *groups.urlpatterns,
    *tenant_groups.urlpatterns,
    *tenants.urlpatterns,
    *users.urlpatterns,
    *car_info.urlpatterns,
    *cars.urlpatterns,
    *capture_sets.urlpatterns,
    *capture_units.urlpatterns,
    # Before the sets by id: its routes have words in the place of ids.
    *manual.urlpatterns,
    *image_sets.urlpatterns,
    *images.urlpatterns,
    *logos.urlpatterns,
    *damages.urlpatterns,
    *recordings.urlpatterns,
]
