"""The result JSON (contract section 5) from the frozen facts of a result version, and nothing else.

Each key of the contract is there. What nobody measured says so in the contract's own terms: "NA", "", 0, {} or [].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from damages.taxonomy import DamageCategory, inspektlabs_damage_type

VENDOR: Final = "Inspektlabs"
NOT_MEASURED: Final = "NA"
#: The model whose version stands for the whole result (the contract has room for one).
LEADING_MODEL: Final = "damage_detector"
#: A mark that a person drew or confirmed without a model is as sure as can be (ours).
HUMAN_CONFIDENCE: Final = 1.0

Facts = Mapping[str, Any]
UrlFor = Callable[[str], str]


def result_json(facts: Facts, *, url_for: UrlFor) -> dict[str, Any]:
    """The JSON that is sent for a result; `facts` as `ResultVersion.facts`, `url_for` signs a storage key."""
    if facts["status"] == "rejected":
        return _rejected(facts)
    return {
        "status": "Available",
        **_identity(facts),
        "version": _version(facts),
        "uploadStatus": facts["upload_status"],
        "vehicleType": "",
        "appFormData": "",
        "geoLocation": NOT_MEASURED,
        "vehicleReadings": _vehicle_readings(),
        "fraudDetection": {"videoFraudStatus": NOT_MEASURED, "videoFraudReason": "", "videoFraudTimestamp": ""},
        "preInspection": _pre_inspection(facts),
        "claim": {},
        "additionalFeatures": _additional_features(),
        "relevantImages": _relevant_images(facts, url_for),
        "customSection": {},
        "totalLoss": {"totalLossStatus": 0, "totalLossScore": 0, "repairDecision": ""},
        "document": {"make": "", "yearOfManufacture": "", "licenseExpiry": ""},
        **_echo(facts),
    }


def image_id(session: str, image: Facts) -> str:
    """`<session>-<position>.<ext>`; the frames of a video share a position, so theirs is `...-<frame>.jpg` (ours)."""
    if image["frame"]:
        return f"{session}-{image['position']}-{image['frame']}.jpg"
    return f"{session}-{image['position']}{image['extension']}"


def _rejected(facts: Facts) -> dict[str, Any]:
    return {
        "status": "Rejected",
        **_identity(facts),
        "uploadStatus": facts["upload_status"],
        "message": facts["reason"],
        **_echo(facts),
    }


def _identity(facts: Facts) -> dict[str, str]:
    return {"caseId": facts["case_id"], "inspectionId": facts["inspection_id"], "vendor": VENDOR}


def _echo(facts: Facts) -> dict[str, Any]:
    """What the client said and gets back as it was (ours: the vendor does not say where)."""
    return {"agent_id": facts["agent_id"], "agent_name": facts["agent_name"], "inputMetaData": facts["metadata"]}


def _version(facts: Facts) -> str:
    """The leading model's version; without it any other's; "NA" when no model looked."""
    versions = {model["name"]: model["version"] for model in facts["models"]}
    return str(versions.get(LEADING_MODEL) or next(iter(versions.values()), NOT_MEASURED))


def _vehicle_readings() -> dict[str, Any]:
    texts = (
        "odometerReading", "vinReading", "licensePlateReading", "engineNumberReading", "fuelMeterReading",
        "make", "model", "color", "subModel",
    )  # fmt: skip
    return {**dict.fromkeys(texts, ""), "observations": NOT_MEASURED, "laborHoursEstimate": 0}


def _pre_inspection(facts: Facts) -> dict[str, Any]:
    return {"recommendationStatus": "N", "message": _message(facts), "damagedParts": []}


def _message(facts: Facts) -> str:
    """What the reader must know to weigh the result: whether anybody looked for damages, and what was not used."""
    sentences = {
        "off": "Damage detection is switched off",
        "failed": "Damage detection failed",
    }
    told = [sentences[facts["damage_detection"]]] if facts["damage_detection"] in sentences else []
    if refused := len(facts["refused"]):
        told.append(f"{refused} uploaded {'file' if refused == 1 else 'files'} could not be used")
    return "; ".join(told)


def _additional_features() -> dict[str, Any]:
    return {
        "sizeOfDamage": {},
        "highProbabilityInternalDamages": [],
        "fastTrackFlag": "",
        "windshieldDamageRegion": "",
        "hailDamage": {},
        "blending_data": {},
    }


def _relevant_images(facts: Facts, url_for: UrlFor) -> list[dict[str, Any]]:
    """Every photo that could be decoded: what was not has no published picture and is counted in the message."""
    boxes: dict[str, list[Facts]] = {}
    for damage in facts["damages"]:
        boxes.setdefault(damage["image_id"], []).append(damage)
    shown = [image for image in facts["images"] if image["published"]]
    return [_relevant_image(facts["inspection_id"], image, boxes.get(image["id"], []), url_for) for image in shown]


def _relevant_image(session: str, image: Facts, damages: list[Facts], url_for: UrlFor) -> dict[str, Any]:
    url = url_for(image["published"])
    return {
        "imageId": image_id(session, image),
        "originalImageId": image["original_id"] or image["name"] or f"{image['position']}{image['extension']}",
        "imageUrl": url,
        "originalImageURL": url,
        "requestImageUrl": image["source_url"] or NOT_MEASURED,
        "qualityScore": 0,
        "blurScore": 0,
        "lumaScore": 0,
        "zoomScore": 0,
        "detectedAngle": 0,
        "imageTag": "",
        "photoType": "",
        "boundingBoxInformation": [_bounding_box(damage, image) for damage in damages],
        "geoLocation": NOT_MEASURED,
        "timeStamp": NOT_MEASURED,
        "imageHeight": image["height"],
        "imageWidth": image["width"],
    }


def _bounding_box(damage: Facts, image: Facts) -> dict[str, Any]:
    confidence = damage["confidence"]
    return {
        "partComponent": "",
        "damageType": inspektlabs_damage_type(DamageCategory(damage["category"])),
        "damageId": [damage["representative_id"]],
        "damageSeverityScore": 0,
        "confidenceScore": HUMAN_CONFIDENCE if confidence is None else round(confidence, 4),
        "isHailDamage": 0,
        "hailSize": "",
        "numberOfHailDamages": "",
        "partOrientationUncertain": 0,
        "coordinates": box_pixels(damage["polygon"], width=image["width"], height=image["height"]),
    }


def box_pixels(polygon: list[list[float]], *, width: int, height: int) -> dict[str, int]:
    """The smallest box of whole pixels around a polygon in shares (0..1) of a photo of `width` x `height` px."""
    left, right = _span([x for x, _ in polygon], width)
    top, bottom = _span([y for _, y in polygon], height)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def _span(shares: list[float], pixels: int) -> tuple[int, int]:
    """First pixel and the one after the last, inside the photo and at least one pixel apart."""
    # A corner on a pixel's edge must not spill into the next pixel because 0.1 * 640 is not quite 64.
    first = math.floor(round(min(shares) * pixels, 6))
    last = math.ceil(round(max(shares) * pixels, 6))
    first = min(max(first, 0), max(pixels - 1, 0))
    return first, max(min(last, pixels), first + 1)
