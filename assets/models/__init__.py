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
from assets.models.prices import PricePoint
from assets.models.retention import RetentionKind, RetentionRecord
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
    "PricePoint",
    "Recording",
    "RetentionKind",
    "RetentionRecord",
    "Submission",
    "SubmissionState",
    "Upload",
    "UploadState",
]
