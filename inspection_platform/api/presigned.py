"""Uploads by a form signed beforehand: who holds it may put one file, of one type, up to one size, for a while.

Photos and videos for an object store are signed for it (SigV4 policies), and go there. On local storage, and for logos
always, the form leads to a door of our own, which asks for the same fields under the same names.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.core.files.storage import storages
from django.core.signing import BadSignature, Signer
from django.utils.crypto import constant_time_compare, salted_hmac

from assets.services.staging import is_object_store
from tenants.errors import Forbidden

#: Seconds for which a form is valid.
UPLOAD_SECONDS: Final = 900
LOGOS_FOLDER: Final = "logos/"
_SALT: Final = "inspection_platform.presigned"
_SIGNER: Final = Signer(sep=".", salt=_SALT)
_ISSUER: Final = "inspection-platform"
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to put a file under `key`: `content_type` as declared, 1 to `most` bytes, `expires` in Unix seconds.

    `by` is the id of the person who asked. `is_logo` chooses the names of the fields: those of the contract for logos,
    those of SigV4 otherwise.
    """

    key: str
    content_type: str
    most: int
    expires: int
    by: str = ""
    is_logo: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """Where to post, and the fields to send before the field `file`."""

    url: str
    fields: Mapping[str, str]


def expiry(now: float | None = None) -> int:
    """When a form that is signed now is over, in Unix seconds."""
    return int(time.time() if now is None else now) + UPLOAD_SECONDS


def form_of(grant: Grant) -> Form:
    """The signed form: the object store's where files can go there, else that of our own door."""
    return _store_form(grant) if is_object_store() and not grant.is_logo else own_form(grant)


def own_form(grant: Grant) -> Form:
    """A form that leads to `/uploads/`."""
    return Form(f"{settings.PUBLIC_URL}/uploads/{_SIGNER.sign_object(asdict(grant))}", fields_of(grant))


def fields_of(grant: Grant) -> dict[str, str]:
    """The fields that have to come back unchanged; the policy says in the open what is allowed."""
    policy = _policy(grant)
    signature = salted_hmac(_SALT, policy, algorithm="sha256").hexdigest()
    begun = datetime.fromtimestamp(grant.expires - UPLOAD_SECONDS, UTC)
    common = {"Content-Type": grant.content_type, "key": grant.key, "policy": policy}
    if grant.is_logo:
        return {
            "AWSAccessKeyId": _ISSUER,
            "acl": "bucket-owner-full-control",
            "signature": signature,
            "x-amz-security-token": salted_hmac(_SALT, grant.key, algorithm="sha256").hexdigest(),
            **common,
        }
    return {
        **common,
        "x-amz-algorithm": _ALGORITHM,
        "x-amz-credential": f"{_ISSUER}/{begun:%Y%m%d}/local/s3/aws4_request",
        "x-amz-date": f"{begun:%Y%m%dT%H%M%SZ}",
        "x-amz-signature": signature,
    }


def grant_read(token: str) -> Grant:
    """What was granted by the last part of a form's address; Forbidden if it was not signed here, or is over."""
    try:
        grant = Grant(**_SIGNER.unsign_object(token))
    except (BadSignature, ValueError, TypeError) as error:
        raise Forbidden("The form was not signed here.") from error
    if grant.expires <= time.time():
        raise Forbidden("The form has expired.")
    return grant


def fields_check(grant: Grant, given: Mapping[str, Any]) -> None:
    """Raise Forbidden unless every field came back as it was handed out."""
    for name, value in fields_of(grant).items():
        if not constant_time_compare(str(given.get(name, "")), value):
            raise Forbidden(f"The field {name} is not as it was signed.")


def _policy(grant: Grant) -> str:
    """What is allowed, as a policy document of S3."""
    document = {
        "expiration": f"{datetime.fromtimestamp(grant.expires, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [
            {"key": grant.key},
            {"Content-Type": grant.content_type},
            ["content-length-range", 1, grant.most],
        ],
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


def _store_form(grant: Grant) -> Form:
    storage: Any = storages["default"]
    key = f"{storage.location}/{grant.key}" if storage.location else grant.key
    signed = storage.bucket.meta.client.generate_presigned_post(
        storage.bucket.name,
        key,
        Fields={"Content-Type": grant.content_type},
        Conditions=[{"Content-Type": grant.content_type}, ["content-length-range", 1, grant.most]],
        ExpiresIn=max(1, grant.expires - int(time.time())),
    )
    return Form(signed["url"], signed["fields"])
