"""The rules of an upload (contract 3.3), each a small check, in the one order in which they are asked.

First what the contract names by its own text, from the cheapest to the dearest; `files` in a refusal names the files at
fault with a sentence for each. 1 MB is 1,000,000 bytes (ours: the contract does not say).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from assets.services.submissions import IncomingFile, IncomingUrl, SubmissionDetails, submission_is_used
from imaging.jobs.fetch import MAX_VIDEO_BYTES, MIN_VIDEO_BYTES
from imaging.ops.media import UnusableMedia
from inspection_platform.api.incoming import IncomingPart, PartLimits
from inspection_platform.api.inspektlabs import errors
from inspection_platform.api.inspektlabs.errors import Refused, invalid_data
from inspection_platform.api.judging import (
    EXTENSIONS,
    PHOTO_EXTENSIONS,
    VIDEO_EXTENSIONS,
    extension_of,
    is_media_type,
    most_bytes,
    part_judged,
)
from tenants.errors import Unavailable
from tenants.models import Family, Tenant, Webhook
from tenants.outbound import OutboundRefused, check_url

MAX_IMAGES: Final = 99


@dataclass(frozen=True, slots=True)
class Upload:
    """A well-formed request that the rules are asked about; either `parts` or `urls` is empty."""

    tenant: Tenant
    session: str
    details: SubmissionDetails
    parts: Sequence[IncomingPart] = ()
    urls: Sequence[IncomingUrl] = ()


Check = Callable[[Upload], None]


def window_check(tenant: Tenant) -> None:
    """Unavailable outside the service window; asked before the body is read."""
    if not tenant.settings.inspektlabs_window_open:
        raise Unavailable("The service window is closed.")


def upload_check(upload: Upload) -> None:
    """Ask every rule in order; Refused by the first that says no. The content of files is judged after all of them."""
    for check in CHECKS:
        check(upload)


def files_judged(parts: Sequence[IncomingPart]) -> list[IncomingFile]:
    """The parts as judged files; Refused, naming every file whose content is not what its name says or is broken."""
    judged, faults = [], []
    for part in parts:
        try:
            judged.append(part_judged(part))
        except UnusableMedia as unusable:
            faults.append(_fault(part.name or "", unusable.reason))
    _refuse(errors.INVALID_FILE_TYPE, faults)
    return judged


PART_LIMITS: Final = PartLimits(field="files", max_files=MAX_IMAGES, max_bytes=most_bytes)


def _session_is_new(upload: Upload) -> None:
    if submission_is_used(tenant=upload.tenant, family=Family.INSPEKTLABS, external_key=upload.session):
        raise Refused(errors.SESSION_USED)


def _not_too_many(upload: Upload) -> None:
    if len(upload.parts) + len(upload.urls) > MAX_IMAGES:
        raise Refused(errors.TOO_MANY_IMAGES)


def _extensions_are_known(upload: Upload) -> None:
    wrong = [
        name for name in _names(upload) if extension_of(name) not in EXTENSIONS and (extension_of(name) or upload.parts)
    ]
    reason = f"The extension is not one of {', '.join(sorted(EXTENSIONS))}."
    _refuse(errors.INVALID_FILE_TYPE, [_fault(name, reason) for name in wrong])


def _types_are_media(upload: Upload) -> None:
    wrong = [part for part in upload.parts if not is_media_type(part.content_type or "")]
    _refuse(
        errors.UNSUPPORTED_TYPE,
        [_fault(part.name or "", f"The declared type is {part.content_type}.") for part in wrong],
    )


def _not_mixed(upload: Upload) -> None:
    extensions = {extension_of(name) for name in _names(upload)}
    if extensions & PHOTO_EXTENSIONS and extensions & VIDEO_EXTENSIONS:
        raise Refused(errors.MIXED_MEDIA)


def _pairs_are_photos(upload: Upload) -> None:
    if any(item.pair and extension_of(url_name(item.url)) in VIDEO_EXTENSIONS for item in upload.urls):
        raise Refused(errors.PAIR_SIZE)


def _videos_in_size(upload: Upload) -> None:
    videos = [part for part in upload.parts if extension_of(part.name or "") in VIDEO_EXTENSIONS]
    small = [part for part in videos if (part.size or 0) <= MIN_VIDEO_BYTES]
    large = [part for part in videos if (part.size or 0) >= MAX_VIDEO_BYTES]
    _refuse(errors.VIDEO_TOO_SMALL, [_fault(part.name or "", f"It has {part.size} bytes.") for part in small])
    _refuse(errors.VIDEO_TOO_LARGE, [_fault(part.name or "", f"It has {part.size} bytes.") for part in large])


def _urls_may_be_called(upload: Upload) -> None:
    targets = [("urls", item.url) for item in upload.urls]
    if upload.details.callback_url:
        targets.append(("callback_url", upload.details.callback_url))
    for field, url in targets:
        try:
            check_url(url)
        except OutboundRefused as refused:
            raise invalid_data(f"{field}: {refused.reason}") from refused


def _result_has_a_receiver(upload: Upload) -> None:
    hooks = Webhook.objects.of(upload.tenant.pk).filter(family=Family.INSPEKTLABS, is_active=True)
    if not upload.details.callback_url and not hooks.exists():
        raise Refused(errors.CALLBACK_MISSING)


#: The order of the rules; `files_judged` (what is in the files) comes last.
CHECKS: Final[tuple[Check, ...]] = (
    _session_is_new,
    _not_too_many,
    _extensions_are_known,
    _pairs_are_photos,
    _types_are_media,
    _not_mixed,
    _videos_in_size,
    _urls_may_be_called,
    _result_has_a_receiver,
)


def url_name(url: str) -> str:
    """The file name at the end of an address, without query."""
    try:
        return PurePosixPath(unquote(urlsplit(url).path)).name
    except ValueError:
        return ""  # `_urls_may_be_called` says what is wrong with it


def _names(upload: Upload) -> list[str]:
    return [part.name or "" for part in upload.parts] + [url_name(item.url) for item in upload.urls]


def _fault(name: str, reason: str) -> dict[str, str]:
    return {"name": name, "reason": reason}


def _refuse(answer: errors.Answer, faults: Iterable[dict[str, str]]) -> None:
    if named := list(faults):
        raise Refused(answer, files=named)
