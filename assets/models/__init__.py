"""The models of `assets`, by noun."""

from assets.models.capture import CaptureSet, CaptureUnit
from assets.models.car import Car, Logo, Passage, PassageKind, Recording
from assets.models.image_set import (
    Image,
    ImageSet,
    ImageState,
    Submission,
    SubmissionState,
    Upload,
    UploadState,
)
from assets.states import ImageSetState

__all__ = [
    "CaptureSet",
    "CaptureUnit",
    "Car",
    "Image",
    "ImageSet",
    "ImageSetState",
    "ImageState",
    "Logo",
    "Passage",
    "PassageKind",
    "Recording",
    "Submission",
    "SubmissionState",
    "Upload",
    "UploadState",
]
