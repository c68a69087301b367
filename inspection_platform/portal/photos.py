"""Photos for staff pages: the published picture or a thumbnail of it, streamed to people who reach its set."""

from __future__ import annotations

import mimetypes
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase

from assets.models import Image
from assets.pictures import THUMBNAILS, thumbnail_key
from tenants.acting import reach_for_request

#: Seconds for which the person's own browser may keep a photo.
_KEPT_SECONDS = 3600


def photo(request: HttpRequest, image_set_id: UUID, image_id: UUID) -> HttpResponseBase:
    """The published picture, or its thumbnail (`?size=small`); 404 outside the person's reach, or before it is there.

    A picture without thumbnails, from before there were any, is shown whole.
    """
    rows = Image.objects.of(reach_for_request(request)).visible().filter(image_set__deleted_at__isnull=True)
    image = rows.filter(image_set=image_set_id, pk=image_id).first()
    if image is None or not image.published:
        raise Http404("There is no such photo.")
    key = _key(image, request.GET.get("size", ""))
    try:
        file = default_storage.open(key)
    except FileNotFoundError as error:
        raise Http404("The photo's file is gone.") from error
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    response = FileResponse(file, content_type=kind)
    response["Cache-Control"] = f"private, max-age={_KEPT_SECONDS}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _key(image: Image, size: str) -> str:
    key = str(image.published.name)
    return thumbnail_key(key, size) if size in THUMBNAILS and image.has_thumbnails else key
