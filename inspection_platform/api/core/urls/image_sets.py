"""Routes of image sets."""

from __future__ import annotations

from inspection_platform.api.core.views.image_sets import (
    ImageSetsNewDamagesView,
    ImageSetsRedirectView,
    ImageSetsView,
    ImageSetView,
)
from inspection_platform.api.routing import route

urlpatterns = [
    route("imageSets", ImageSetsView.as_view(), "core-image-sets"),
    route("imageSets/newDamages", ImageSetsNewDamagesView.as_view(), "core-image-sets-new-damages"),
    route("imageSets/redirect", ImageSetsRedirectView.as_view(), "core-image-sets-redirect"),
    route("imageSets/<str:image_set_id>", ImageSetView.as_view(), "core-image-set"),
]
