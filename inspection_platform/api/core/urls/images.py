"""Routes of images."""

from __future__ import annotations

from inspection_platform.api.core.views.images import ImageSetImagesView, ImageSetSubmitView, ImagesView, ImageView
from inspection_platform.api.routing import route

urlpatterns = [
    route("images", ImagesView.as_view(), "core-images"),
    route("images/<str:image_id>", ImageView.as_view(), "core-image"),
    route("imageSets/<str:image_set_id>/images", ImageSetImagesView.as_view(), "core-image-set-images"),
    route("imageSets/<str:image_set_id>/submit", ImageSetSubmitView.as_view(), "core-image-set-submit"),
]
