"""Samples of the vehicle mask: the same for the same seed, and masks that stay with their cars."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.training import mask_photos
from imaging.training.mask_photos import Masked, boxed_load, outlined_load
from imaging.training.mask_samples import Sources, sample_make

RED = (230, 20, 20)


def car(name: str = "car") -> Masked:
    """A red car on grey, its mask known whole."""
    pixels = np.full((120, 160, 3), 120, dtype=np.uint8)
    pixels[40:90, 30:130] = RED
    mask = np.zeros((120, 160), dtype=np.float32)
    mask[40:90, 30:130] = 1
    return Masked(name, pixels, mask, np.ones_like(mask))


def sources(boxed: tuple[Masked, ...] = ()) -> Sources:
    return Sources(
        [car()], boxed, [np.full((90, 160, 3), 60, dtype=np.uint8)], [np.full((90, 90, 3), 200, dtype=np.uint8)]
    )


@pytest.mark.parametrize("seed", range(12))
def test_samples_have_the_promised_shapes(seed: int) -> None:
    sample = sample_make(sources(), 64, np.random.default_rng(seed), boxed=0.0)
    assert sample.image.shape == (64, 64, 3)
    assert sample.image.dtype == np.uint8
    assert sample.target.shape == sample.weight.shape == (32, 32)
    assert 0 <= sample.target.min() <= sample.target.max() <= 1
    assert 0 <= sample.weight.min() <= sample.weight.max() <= 1


def test_the_same_seed_gives_the_same_sample() -> None:
    one, other = (sample_make(sources(), 64, np.random.default_rng(5), boxed=0.0) for _ in range(2))
    assert (one.image == other.image).all()
    assert (one.target == other.target).all()


def test_where_the_mask_is_the_car_is() -> None:
    """Whatever is done to a sample, its car and what is around it differ in colour."""
    apart = []
    for seed in range(60):
        sample = sample_make(sources(), 64, np.random.default_rng([1, seed]), boxed=0.0)
        small = sample.image.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
        inside, outside = (
            (sample.target > 0.95) & (sample.weight > 0.95),
            (sample.target < 0.05) & (sample.weight > 0.95),
        )
        if inside.sum() > 40 and outside.sum() > 40:
            apart.append(np.abs(np.median(small[inside], axis=0) - np.median(small[outside], axis=0)).max())
    assert len(apart) > 20
    assert np.mean(np.array(apart) > 15) > 0.85


def test_what_is_only_boxed_is_told_in_part(tmp_path: Path) -> None:
    (tmp_path / "plates/openimages/images").mkdir(parents=True)
    Image.new("RGB", (100, 80), (50, 50, 50)).save(tmp_path / "plates/openimages/images/a.jpg")
    document = {
        "categories": [{"id": 1, "name": "plate"}, {"id": 2, "name": "vehicle"}],
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "annotations": [
            {"image_id": 1, "category_id": 2, "bbox": [20, 20, 50, 40]},
            {"image_id": 1, "category_id": 2, "bbox": [80, 10, 10, 10]},
            {"image_id": 1, "category_id": 1, "bbox": [30, 50, 10, 5]},
        ],
    }
    (tmp_path / mask_photos.OPENIMAGES).write_text(json.dumps(document))
    photo = boxed_load(tmp_path)[0]
    assert (photo.mask[40, 45], photo.trust[40, 45]) == (1, pytest.approx(0.6))
    assert (photo.mask[22, 22], photo.trust[22, 22]) == (0, 0)
    assert (photo.mask[5, 5], photo.trust[5, 5]) == (0, 1)
    assert (photo.mask[15, 85], photo.trust[15, 85]) == (0, 1), "a small neighbour is not the main car"
    assert boxed_load(tmp_path, ["a"]) == []


def test_outlines_are_filled(tmp_path: Path) -> None:
    (tmp_path / "set/images").mkdir(parents=True)
    Image.new("RGB", (60, 40)).save(tmp_path / "set/images/a.jpg")
    told = {"outlines": {"set/train.json": {"a.jpg": [[10, 10, 50, 10, 50, 30, 10, 30]]}}}
    (tmp_path / "outlines.json").write_text(json.dumps(told))
    photo = outlined_load(tmp_path, tmp_path / "outlines.json")[0]
    assert photo.name == "a"
    assert photo.mask[20, 30] == 1
    assert photo.mask[5, 30] == 0
    assert photo.mask.mean() == pytest.approx(41 * 21 / 2400, abs=0.01)


def test_our_outlines_name_no_photo_of_another_split() -> None:
    """Only training splits: the photos for choosing and for the figures stay unseen."""
    told = json.loads(mask_photos.OUTLINES.read_text(encoding="utf-8"))["outlines"]
    assert all(name.endswith("/train.json") for name in told)


def test_pictures_to_judge_by_are_not_learned() -> None:
    assert not set(mask_photos.PICTURES) & set(mask_photos.JUDGED_PICTURES)
    names = (*mask_photos.PICTURES, *mask_photos.JUDGED_PICTURES)
    assert all(picture.ndim == 3 for picture in mask_photos.pictures_load(names))


def test_what_is_above_a_car_is_cut_out_without_it() -> None:
    found = mask_photos.above_load([car()])
    assert len(found) == 1
    assert found[0].shape[0] < 40
    assert (found[0] == 120).all()


@pytest.mark.parametrize("seed", range(30))
def test_scenes_without_a_car_have_none(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imaging.training.mask_samples.EMPTY", 1.0)
    sample = sample_make(sources(), 64, np.random.default_rng([4, seed]), boxed=0.0)
    assert sample.target.max() == 0
    assert sample.weight.max() > 0
