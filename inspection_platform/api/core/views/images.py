"""Images: list, one's address, removal; and adding them to a set, which the contract leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Image, ImageSet, UploadState
from assets.selectors import image_sets_unassigned
from assets.services.additions import Announcement, Arrival, announced_key, images_add, uploads_announce
from assets.services.staging import is_object_store
from assets.services.uploads import IncomingFile
from damages.selectors_images import images_of_set
from damages.services.images import image_delete
from imaging.ops.media import UnusableMedia
from inspection_platform import workflow
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import images as docs
from inspection_platform.api.core.presenters import images as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.images import (
    MOST_FILES,
    ImageFiles,
    ImagesAnnounced,
    ImagesQuery,
    ImagesSubmit,
)
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.core.views.image_sets import SeenSetsView
from inspection_platform.api.idempotency import idempotent
from inspection_platform.api.incoming import IncomingMultiPartParser, PartLimits
from inspection_platform.api.judging import most_bytes, part_judged
from inspection_platform.api.parsers import StrictJSONParser
from inspection_platform.api.presigned import UPLOAD_SECONDS, Form, Grant, expiry, form_of
from tenants.errors import Conflict, Invalid, NotFound
from tenants.scope import Reach

DELETED: Final = "Image deleted successfully"
LOCATION: Final = "URL to the content in the Location header"
ADDED: Final = "Successfully added images"
SUBMITTED: Final = "Successfully submitted image set"
UNPUBLISHED: Final = "The image is not published yet."
_HOMELESS: Final = "A set that waits for its tenant takes no images from clients."


class ImagesView(SeenSetsView):
    """W65."""

    operations = {"GET": "W65"}
    image_set: ImageSet | None = None

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """The set, if the asker sees it."""
        pk = maybe_uuid(request.query_params.get("imageSetId"))
        if pk is not None:
            self.image_set = self.sets_seen({pk}).get()
        return Concern()

    @docs.images
    def get(self, request: Request) -> Response:
        """List the images of a set."""
        query = query_of(ImagesQuery, request)
        if self.image_set is None:
            raise TypeError("A query that names no set is refused before.")
        rows = images_of_set(self.image_set, with_damages_only=bool(query["forReview"]))
        return Response(success({"items": [present.image(row) for row in rows]}))


class ImageView(CoreView):
    """W66 and W67."""

    operations = {"DELETE": "W66", "GET": "W67"}
    image: Image

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The image, if the asker sees its set; the role in the set's tenant counts."""
        pk = as_uuid(kwargs["image_id"], "Image")
        standing = ImageSet.objects.of(self.actor.reach).visible()
        rows = Image.objects.of(Reach.every()).visible().select_related("image_set").filter(pk=pk)
        image = (
            rows.filter(image_set__in=standing).first()
            or rows.filter(image_set__in=image_sets_unassigned(self.actor.reach)).first()
        )
        if image is None:
            raise NotFound("Image not found.")
        self.image = image
        tenant_id = image.image_set.tenant_id
        return Concern(tenants=(tenant_id,) if tenant_id else ())

    @docs.image
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Lead to the picture."""
        if not self.image.published.name:
            raise Conflict(UNPUBLISHED)
        headers = {"Location": present.picture_url(self.image)}
        return Response(success(message=LOCATION), status=302, headers=headers)

    @docs.image_delete
    def delete(self, _request: Request, **_kwargs: Any) -> Response:
        """Remove one image with its damages."""
        image_delete(image=self.image, by=self.user)
        workflow.changes_hand_on()
        return Response(success({"id": str(self.image.pk)}, message=DELETED))


class OpenSetView(CoreView):
    """What the views share that add to a set: the set in the path, which must have a tenant."""

    found: ImageSet

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The set, if the asker sees it; one that waits for its tenant is seen, and refused later."""
        pk = as_uuid(kwargs["image_set_id"], "Image set")
        found = (
            ImageSet.objects.of(self.actor.reach).visible().filter(pk=pk).first()
            or image_sets_unassigned(self.actor.reach).filter(pk=pk).first()
        )
        if found is None:
            raise NotFound("Image set not found.")
        self.found = found
        return Concern(tenants=(found.tenant_id,) if found.tenant_id else None)

    @property
    def image_set(self) -> ImageSet:
        """The set, a tenant's own; Conflict otherwise."""
        if self.found.tenant_id is None:
            raise Conflict(_HOMELESS)
        return self.found


class ImageSetImagesView(OpenSetView):
    """Adding images (ours): themselves, or announced."""

    operations = {"POST": "W55-images"}
    parser_classes = [StrictJSONParser, IncomingMultiPartParser]
    part_limits = PartLimits(field="files", max_files=MOST_FILES, max_bytes=most_bytes)

    @docs.images_add
    @idempotent
    def post(self, request: Request, /, **_kwargs: Any) -> Response:
        """Add images to a set."""
        is_multipart = "multipart" in (request.content_type or "")
        arrivals = self._take() if is_multipart else self._announce()
        items = [present.added(one, _form(one)) for one in arrivals]
        return Response(success({"items": items}, message=ADDED, expiresIn=UPLOAD_SECONDS))

    def _take(self) -> list[Arrival]:
        values = self.validated(ImageFiles)
        return images_add(image_set=self.image_set, files=_judged(values["files"], values["camera"]))

    def _announce(self) -> list[Arrival]:
        values = self.validated(ImagesAnnounced)["files"]
        files = [
            Announcement(
                name=one["fileName"], size=one.get("size", 0), sha256=one.get("sha256", ""), camera=one["camera"],
                content_type=one["contentType"],
            )
            for one in values
        ]  # fmt: skip
        return uploads_announce(image_set=self.image_set, files=files, staged=is_object_store())


class ImageSetSubmitView(OpenSetView):
    """Closing a set (ours)."""

    operations = {"POST": "W55-submit"}

    @docs.image_set_submit
    @idempotent
    def post(self, _request: Request, /, **_kwargs: Any) -> Response:
        """Submit a set to the pipeline."""
        leave_out = self.validated(ImagesSubmit)["leaveOut"]
        run = workflow.submit_images(image_set=self.image_set, leave_out=leave_out)
        shown = {"id": str(run.image_set_id), "status": run.image_set.state}
        return Response(success(shown, message=SUBMITTED))


def _judged(parts: Sequence[Any], cameras: Sequence[str]) -> list[IncomingFile]:
    """The parts as judged files; Invalid names every one whose content is not what its name says, or is broken."""
    judged, faults = [], []
    for part, camera in zip(parts, cameras, strict=True):
        try:
            judged.append(part_judged(part, camera=camera))
        except UnusableMedia as unusable:
            faults.append(f"{part.name}: {unusable.reason}")
    if faults:
        raise Invalid(f"files: {faults[0]}", {"files": faults})
    return judged


def _form(arrival: Arrival) -> Form | None:
    """Where a file to come is uploaded; None for one that is here."""
    upload = arrival.upload
    if upload.state != UploadState.ANNOUNCED:
        return None
    return form_of(
        Grant(
            key=announced_key(upload), content_type=arrival.content_type, expires=expiry(),
            most=upload.size or most_bytes(upload.name),
        )
    )  # fmt: skip
