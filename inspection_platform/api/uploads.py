"""The door that signed forms lead to: announced photos and videos on local storage, and logos on every storage."""

from __future__ import annotations

from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, ClassVar, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assets.services.additions import ANNOUNCED_FOLDER, announced_find, announced_store
from imaging.ops.media import UnusableMedia
from imaging.services.logos import logo_put
from inspection_platform.api.base import FamilyView
from inspection_platform.api.core import errors
from inspection_platform.api.incoming import IncomingMultiPartParser, IncomingPart, PartLimits
from inspection_platform.api.judging import part_judged
from inspection_platform.api.presigned import LOGOS_FOLDER, Grant, fields_check, grant_read
from inspection_platform.api.refusals import FamilyEnvelope
from tenants.errors import Forbidden, Invalid, NotFound
from tenants.models import Tenant, User

#: Bytes of a form beside its file.
_AROUND: Final = 64 * 1024


@extend_schema(exclude=True)
class UploadView(FamilyView):
    """POST /uploads/{token}: 204 when the file is kept; the address is the permission, and it ends.

    Nothing of a body is read before the address is found good. Refusals are those of the core family.
    """

    envelope: ClassVar[FamilyEnvelope] = errors
    authentication_classes = []
    permission_classes = []
    parser_classes = [IncomingMultiPartParser]

    def post(self, request: Request, token: str) -> Response:
        """Take the file of a signed form."""
        self._token = token
        if _length(request) > self.grant.most + _AROUND:
            raise Invalid(f"The file is too large: at most {self.grant.most} bytes were granted.")
        data: Any = request.data
        fields_check(self.grant, data)
        part = self._part(data.get("file"))
        if self.grant.key.startswith(ANNOUNCED_FOLDER):
            _take_announced(self.grant, part)
        else:
            _take_logo(self.grant, part)
        return Response(status=204)

    @cached_property
    def grant(self) -> Grant:
        """What the address allows."""
        return grant_read(self._token)

    @property
    def part_limits(self) -> PartLimits:
        """For the parser: one file, no longer than was granted."""
        return PartLimits(field="file", max_files=1, max_bytes=lambda _name: self.grant.most)

    def _part(self, part: Any) -> IncomingPart:
        if not isinstance(part, IncomingPart):
            raise Invalid("The form has no file.", {"file": ["This field is required."]})
        if not part.is_kept:
            raise Invalid(f"The file is too large: at most {self.grant.most} bytes were granted.")
        return part


def _length(request: Request) -> int:
    text = str(request.META.get("CONTENT_LENGTH", ""))
    return int(text) if text.isdigit() else 0


def _take_announced(grant: Grant, part: IncomingPart) -> None:
    upload = announced_find(UUID(PurePosixPath(grant.key).name))
    # It is judged by the name under which it was announced; what the form calls it does not matter.
    part.name = upload.name
    try:
        file = part_judged(part, camera=upload.camera)
    except UnusableMedia as unusable:
        raise Invalid(unusable.reason, {"file": [unusable.reason]}) from unusable
    announced_store(upload=upload, file=file)


def _take_logo(grant: Grant, part: IncomingPart) -> None:
    tenant_id = PurePosixPath(grant.key.removeprefix(LOGOS_FOLDER)).parts[0]
    tenant = Tenant.objects.filter(pk=tenant_id, is_active=True).first()
    by = User.objects.filter(pk=grant.by, is_active=True).first()
    if tenant is None:
        raise NotFound("Tenant not found.")
    if by is None:
        raise Forbidden("Who asked for this form is not here any more.")
    logo_put(tenant=tenant, file=part.disk, by=by)


receive = UploadView.as_view()
