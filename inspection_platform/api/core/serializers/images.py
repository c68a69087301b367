"""What the calls about images take and answer: W65, W66, W67, and adding and submitting, which are ours."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from imaging.jobs.fetch import MAX_VIDEO_BYTES
from inspection_platform.api.core.serializers.common import shape
from inspection_platform.api.core.serializers.damage_edits import Closed
from inspection_platform.api.judging import EXTENSIONS, VIDEO_EXTENSIONS, extension_of, is_media_type, most_bytes
from tenants.catalogue import CAMERAS

#: Files in one call.
MOST_FILES: Final = 100
#: Declared types that a signed form may be made for.
CONTENT_TYPES: Final = (
    "image/jpeg", "image/png", "image/heic", "image/heif", "video/mp4", "video/quicktime", "video/webm",
    "video/x-matroska", "video/x-msvideo", "application/octet-stream",
)  # fmt: skip
_MAX_NAME: Final = 255
_SHA256: Final = r"^[0-9a-f]{64}$"


class ImagesQuery(serializers.Serializer[Any]):
    """Which images W65 lists."""

    imageSetId = serializers.UUIDField(help_text="The image set.")
    forReview = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="`true`: only images with visible damages."
    )


def name_checked(name: str) -> str:
    """The name of a photo or video; ValidationError for another extension."""
    if extension_of(name) not in EXTENSIONS:
        raise serializers.ValidationError(f"The extension is not one of {', '.join(sorted(EXTENSIONS))}.")
    return name


class ImageFiles(Closed):
    """Photos and videos themselves."""

    files = serializers.ListField(
        child=serializers.FileField(max_length=None, allow_empty_file=True), min_length=1, max_length=MOST_FILES,
        help_text=f"1 to {MOST_FILES} photos or videos.",
    )  # fmt: skip
    camera = serializers.ListField(
        child=serializers.ChoiceField(CAMERAS, allow_blank=True), required=False, max_length=MOST_FILES,
        help_text="The camera of each file, in the order of the files; empty for none.",
    )  # fmt: skip

    def validate_files(self, value: list[Any]) -> list[Any]:
        """Known extensions and declared types; what is in the files is judged later."""
        for part in value:
            try:
                name_checked(part.name or "")
            except serializers.ValidationError as error:
                raise serializers.ValidationError(f"{part.name}: {error.detail[0]}") from error  # type: ignore[index]
            if not is_media_type(part.content_type or ""):
                raise serializers.ValidationError(f"{part.name}: The declared type is {part.content_type}.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A camera for each file or for none."""
        cameras = attrs.setdefault("camera", [""] * len(attrs["files"]))
        if len(cameras) != len(attrs["files"]):
            raise serializers.ValidationError({"camera": ["There must be as many as files."]})
        return attrs


class ImageAnnounced(Closed):
    """A photo or video that is to be uploaded."""

    fileName = serializers.CharField(max_length=_MAX_NAME, help_text="Its extension says what it is.")
    contentType = serializers.ChoiceField(CONTENT_TYPES)
    size = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_VIDEO_BYTES - 1, help_text="Bytes; what arrives must have as many."
    )
    sha256 = serializers.RegexField(
        _SHA256, required=False, help_text="What arrives must have it; a file that is in the set already is told so."
    )
    camera = serializers.ChoiceField(CAMERAS, required=False, allow_blank=True, default="")

    def validate_fileName(self, value: str) -> str:  # noqa: N802 - DRF finds it by the field's name
        """A known extension."""
        return name_checked(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Name and type that agree, and a size that may be."""
        name, declared = attrs["fileName"], attrs["contentType"]
        is_video = extension_of(name) in VIDEO_EXTENSIONS
        if declared != "application/octet-stream" and declared.startswith("video/") != is_video:
            raise serializers.ValidationError({"contentType": ["It is not what the extension says."]})
        if attrs.get("size", 0) > most_bytes(name):
            raise serializers.ValidationError({"size": [f"At most {most_bytes(name)} bytes are accepted."]})
        return attrs


def _announced() -> serializers.ListSerializer[Any]:
    """A list of files, not longer than one call may bring."""
    form: Any = ImageAnnounced
    made: serializers.ListSerializer[Any] = form(many=True, allow_empty=False, max_length=MOST_FILES)
    return made


class ImagesAnnounced(Closed):
    """Photos and videos that are to be uploaded."""

    files = _announced()


class ImagesSubmit(Closed):
    """How a set is closed."""

    leaveOut = serializers.BooleanField(
        default=False,
        help_text="Leave out files that were announced and did not arrive, or cannot be photos or videos.",
    )


# --- shapes for the reference ----------------------------------------------------------------------------------------

_AVAILABLE = shape("ImageLimitedFields", "Nothing is withheld.", isAvailable=serializers.BooleanField())
_SIZE = shape("ImageSize", "Pixels.", height=serializers.IntegerField(), width=serializers.IntegerField())
_DELETED = shape(
    "ImageSoftDeleted",
    "When it was removed, and by whom; nulls while it stands.",
    timestamp=serializers.IntegerField(allow_null=True),
    userId=serializers.UUIDField(allow_null=True),
)
_THUMBNAILS = shape(
    "ImageThumbnails",
    "Addresses of WebP pictures, at most 320 and 960 pixels long; null until the image is published.",
    small=serializers.CharField(allow_null=True),
    large=serializers.CharField(allow_null=True),
)

_QUALITY = shape(
    "ImageQuality",
    "How good a photo is.",
    flags=serializers.ListField(child=serializers.CharField()),
    reasons=serializers.ListField(child=serializers.CharField()),
    scores=serializers.DictField(child=serializers.FloatField()),
    view=serializers.CharField(allow_null=True),
)
ImageShown = shape(
    "Image",
    "An image of a set.",
    camera=serializers.CharField(),
    convertedSize=serializers.CharField(),
    createdAt=serializers.IntegerField(),
    deletedAt=serializers.IntegerField(allow_null=True),
    fileName=serializers.CharField(),
    generatedBy=serializers.CharField(),
    hasDamages=serializers.BooleanField(),
    id=serializers.UUIDField(),
    imageSetId=serializers.UUIDField(),
    key=serializers.CharField(),
    limitedTenantFields=_AVAILABLE(),
    parentType=serializers.CharField(),
    size=_SIZE(),
    softDeleted=_DELETED(),
    tenantId=serializers.UUIDField(allow_null=True),
    thumbnails=_THUMBNAILS(help_text="Ours."),
    quality=_QUALITY(
        help_text="Ours: what is wrong with the photo, in words for programs and for people; what was measured, each 0"
        " to 1 where 1 is fine; the side of the car that it shows. Empty until the photo was looked at."
    ),
)
ImageList = shape(
    "ImageList",
    "All images of a set.",
    success=serializers.BooleanField(),
    data=shape("ImageItems", "The images.", items=ImageShown(many=True))(),
)
_KEY = shape("ImageKey", "Which.", id=serializers.UUIDField())
ImageRemoved = shape(
    "ImageRemoved", "It was done.", success=serializers.BooleanField(), data=_KEY(), message=serializers.CharField()
)
FormShown = shape(
    "UploadForm",
    "A form to post as multipart/form-data: the fields as they are, then `file`.",
    url=serializers.CharField(),
    fields=serializers.DictField(child=serializers.CharField()),
)
_ADDED = shape(
    "ImageAdded",
    "A file of the set.",
    camera=serializers.CharField(allow_blank=True),
    fileName=serializers.CharField(),
    id=serializers.UUIDField(allow_null=True, help_text="Of the image; null for videos and files to come."),
    isNew=serializers.BooleanField(help_text="False: it is in the set already, and was not added again."),
    sha256=serializers.CharField(allow_null=True),
    state=serializers.CharField(help_text="`announced` or `stored`."),
    upload=FormShown(allow_null=True, help_text="Where to upload a file to come."),
    uploadId=serializers.UUIDField(),
)
ImagesAdded = shape(
    "ImagesAdded",
    "The files, in the order of the request.",
    success=serializers.BooleanField(),
    data=shape("ImagesAddedItems", "The files.", items=_ADDED(many=True))(),
    expiresIn=serializers.IntegerField(help_text="Seconds for which the forms are valid."),
    message=serializers.CharField(),
)
ImageSetSubmitted = shape(
    "ImageSetSubmitted",
    "It is in the pipeline.",
    success=serializers.BooleanField(),
    data=shape(
        "ImageSetStarted", "Which, and where it stands.", id=serializers.UUIDField(), status=serializers.CharField()
    )(),
    message=serializers.CharField(),
)
