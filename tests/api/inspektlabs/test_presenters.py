"""The result JSON, letter by letter, from frozen facts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damages.taxonomy import DamageCategory
from inspection_platform.api.inspektlabs.presenters import box_pixels, result_json

GOLDEN = Path(__file__).parent / "golden"
SESSION = "in123420250909153012"
REPRESENTATIVE = "7b0d1d84-55a5-44c8-92b0-5a9a8e2b1a01"


def sign(key: str) -> str:
    return f"https://files.example/{key}?signed"


def image(number: int, **extra: Any) -> dict[str, Any]:
    return {
        "id": f"image-{number}", "position": number, "frame": 0, "name": f"photo-{number}.jpg", "extension": ".jpg",
        "original_id": "", "pair": None, "source_url": "", "width": 1280, "height": 853, "flags": [], "state": "usable",
        "published": f"published/{number}.jpg",
    } | extra  # fmt: skip


def damage(number: int, image_number: int, **extra: Any) -> dict[str, Any]:
    return {
        "id": f"damage-{number}", "representative_id": REPRESENTATIVE, "image_id": f"image-{image_number}",
        "category": "lineScratches", "polygon": [[0.1, 0.2], [0.3, 0.2], [0.3, 0.5], [0.1, 0.5]], "image_width": 1280,
        "image_height": 853, "confidence": 0.81234567, "state": "created", "source": "model",
        "model_version": "damage_detector 1.0.0", "first_damage_id": None,
    } | extra  # fmt: skip


def facts(**extra: Any) -> dict[str, Any]:
    return {
        "schema": 1, "status": "available", "reason": "", "inspection_id": SESSION, "case_id": "case_001",
        "image_set_id": "set", "tenant_id": "tenant", "family": "inspektlabs", "metadata": {"customerName": "John Doe"},
        "agent_id": "a-7", "agent_name": "Ada",
        "submitted_at": "2025-09-09T15:30:12+00:00", "finished_at": "2025-09-09T15:30:40+00:00",
        "upload_status": "complete upload", "damage_detection": "done",
        "models": [{"name": "damage_detector", "version": "1.0.0", "sha256": "0" * 64}],
        "images": [image(1)], "refused": [], "damages": [],
    } | extra  # fmt: skip


AVAILABLE = facts(
    images=[
        image(1, name="IMG_1.PNG", extension=".png"),
        image(2, original_id="back", source_url="https://example.com/p1.jpg", pair=1, flags=["too_dark"]),
        image(3, state="unusable", flags=["black"]),
        image(4, published="", state="unusable"),
    ],
    damages=[
        damage(1, 1, id=REPRESENTATIVE),
        damage(2, 2, category="dents", confidence=None, source="annotator", first_damage_id="earlier"),
    ],
    refused=[{"position": 5, "name": "x.jpg", "source_url": "https://example.com/x.jpg", "reason": "It answered 404."}],
    upload_status="incomplete upload",
)
REJECTED = facts(
    status="rejected", reason="Corrupt media: none of the photos could be decoded.", images=[image(1, published="")]
)


@pytest.mark.parametrize(("name", "given_facts"), [("available", AVAILABLE), ("rejected", REJECTED)])
def test_golden(name: str, given_facts: dict[str, Any]) -> None:
    text = json.dumps(result_json(given_facts, url_for=sign), indent=2, ensure_ascii=False)
    assert text + "\n" == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


def test_every_key_of_the_contract_is_there() -> None:
    body = result_json(AVAILABLE, url_for=sign)
    assert set(body) >= {
        "status", "caseId", "inspectionId", "vendor", "version", "uploadStatus", "vehicleType", "appFormData",
        "geoLocation", "vehicleReadings", "fraudDetection", "preInspection", "claim", "additionalFeatures",
        "relevantImages", "customSection", "totalLoss", "document",
    }  # fmt: skip
    assert set(body["vehicleReadings"]) == {
        "odometerReading", "vinReading", "licensePlateReading", "engineNumberReading", "fuelMeterReading",
        "observations", "make", "model", "color", "subModel", "laborHoursEstimate",
    }  # fmt: skip
    assert set(body["relevantImages"][0]) == {
        "imageId", "originalImageId", "imageUrl", "originalImageURL", "requestImageUrl", "qualityScore", "blurScore",
        "lumaScore", "zoomScore", "detectedAngle", "imageTag", "photoType", "boundingBoxInformation", "geoLocation",
        "timeStamp", "imageHeight", "imageWidth",
    }  # fmt: skip
    assert set(body["relevantImages"][0]["boundingBoxInformation"][0]) == {
        "partComponent", "damageType", "damageId", "damageSeverityScore", "confidenceScore", "isHailDamage", "hailSize",
        "numberOfHailDamages", "partOrientationUncertain", "coordinates",
    }  # fmt: skip
    assert "reportURL" not in body


def test_one_box_for_each_member_of_a_family_under_the_representatives_id() -> None:
    boxes = [
        box
        for shown in result_json(AVAILABLE, url_for=sign)["relevantImages"]
        for box in shown["boundingBoxInformation"]
    ]
    assert [box["damageId"] for box in boxes] == [[REPRESENTATIVE], [REPRESENTATIVE]]
    assert boxes[0]["coordinates"] == {"x": 128, "y": 170, "width": 256, "height": 257}


def test_no_damage_is_an_empty_list_on_every_photo() -> None:
    shown = result_json(facts(images=[image(1), image(2)]), url_for=sign)["relevantImages"]
    assert [entry["boundingBoxInformation"] for entry in shown] == [[], []]


def test_frames_of_a_video_have_names_of_their_own() -> None:
    frames = [image(1, frame=n, extension=".mp4", published=f"published/1-{n}.jpg") for n in (1, 17)]
    shown = result_json(facts(images=frames), url_for=sign)["relevantImages"]
    assert [entry["imageId"] for entry in shown] == [f"{SESSION}-1-1.jpg", f"{SESSION}-1-17.jpg"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, ""),
        ({"damage_detection": "off"}, "Damage detection is switched off"),
        ({"damage_detection": "failed"}, "Damage detection failed"),
        ({"refused": [{}]}, "1 uploaded file could not be used"),
        (
            {"refused": [{}, {}], "damage_detection": "off"},
            "Damage detection is switched off; 2 uploaded files could not be used",
        ),
    ],
)
def test_the_message_tells_what_the_reader_must_know(extra: dict[str, Any], message: str) -> None:
    assert result_json(facts(**extra), url_for=sign)["preInspection"]["message"] == message


@pytest.mark.parametrize(
    ("models", "version"),
    [
        ([], "NA"),
        ([{"name": "other", "version": "3", "sha256": ""}], "3"),
        (
            [
                {"name": "a", "version": "3", "sha256": ""},
                {"name": "damage_detector", "version": "2.0.1", "sha256": ""},
            ],
            "2.0.1",
        ),
    ],
)
def test_the_version_is_the_damage_models(models: list[dict[str, str]], version: str) -> None:
    assert result_json(facts(models=models), url_for=sign)["version"] == version


@pytest.mark.parametrize("category", list(DamageCategory))
def test_damage_types_are_the_names_seen_on_the_wire(category: DamageCategory) -> None:
    body = result_json(facts(damages=[damage(1, 1, category=category.value)]), url_for=sign)
    (box,) = body["relevantImages"][0]["boundingBoxInformation"]
    assert box["damageType"] in {"scratch_or_spot", "tear", "stitch_or_screw", "crack", "shallow_dent"}


def test_every_address_shows_what_was_published() -> None:
    text = json.dumps(result_json(AVAILABLE, url_for=sign))
    assert set(re.findall(r"https://files\.example/(\w+)/", text)) == {"published"}


shares = st.floats(min_value=-0.1, max_value=1.1)


@given(
    polygon=st.lists(st.tuples(shares, shares).map(list), min_size=3, max_size=12),
    width=st.integers(1, 8000),
    height=st.integers(1, 8000),
)
def test_boxes_lie_within_the_photo(polygon: list[list[float]], width: int, height: int) -> None:
    box = box_pixels(polygon, width=width, height=height)
    assert 0 <= box["x"] < box["x"] + box["width"] <= width
    assert 0 <= box["y"] < box["y"] + box["height"] <= height


@given(
    x=st.integers(0, 499), y=st.integers(0, 499), wide=st.integers(1, 500), high=st.integers(1, 500),
    width=st.integers(1000, 8000), height=st.integers(1000, 8000),
)  # fmt: skip
def test_whole_pixels_come_back_as_they_were(x: int, y: int, wide: int, high: int, width: int, height: int) -> None:
    corners = [[x / width, y / height], [(x + wide) / width, (y + high) / height]]
    assert box_pixels(corners, width=width, height=height) == {"x": x, "y": y, "width": wide, "height": high}
