"""Overlap of masks and of their rims, and the pairing of photos with masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from imaging.training.mask_photos import largest, mask_files, mask_read, masked_load
from imaging.training.masked import pair_read
from imaging.training.masks import boundary_iou, iou


def square(left: int, top: int, side: int, size: int = 100) -> NDArray[np.bool_]:
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_iou_is_the_shared_part_of_both() -> None:
    assert iou(square(0, 0, 10), square(5, 0, 10)) == pytest.approx(50 / 150)
    assert iou(square(0, 0, 10), square(50, 50, 10)) == 0
    assert iou(square(0, 0, 0), square(0, 0, 0)) == 1


def test_boundary_iou_punishes_a_shifted_edge_more() -> None:
    one, other = square(10, 10, 80), square(12, 10, 80)
    assert iou(one, other) > 0.94
    assert boundary_iou(one, other) < 0.5
    assert boundary_iou(one, one) == 1


def test_boundary_iou_does_not_care_about_the_middle() -> None:
    whole, hollow = square(10, 10, 80), square(10, 10, 80)
    rim = boundary_iou(whole, hollow & ~square(48, 48, 2))
    assert rim > 0.95


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 50))
def test_both_are_symmetric_and_within_bounds(left: int, top: int, side: int) -> None:
    one, other = square(20, 20, 40), square(left, top, side)
    for measure in (iou, boundary_iou):
        assert measure(one, other) == measure(other, one)
        assert 0 <= measure(one, other) <= 1


def test_largest_piece_stays() -> None:
    mask = square(0, 0, 10) | square(50, 50, 30)
    assert (largest(mask) == square(50, 50, 30)).all()
    assert not largest(square(0, 0, 0)).any()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two photos with masks, of which the second also shows a neighbour."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for name, mask in (("a", square(10, 10, 30)), ("b", square(10, 10, 30) | square(60, 60, 10))):
        Image.new("RGB", (100, 100), (9, 9, 9)).save(images / f"{name}.jpg")
        Image.fromarray(mask.astype(np.uint8) * 255).save(masks / f"{name}.png")
    return images, masks


def test_photos_meet_the_masks_of_their_names(folders: tuple[Path, Path]) -> None:
    assert [(one.name, other.name) for one, other in mask_files(*folders)] == [("a.jpg", "a.png"), ("b.jpg", "b.png")]


def test_a_photo_without_a_mask_is_told(folders: tuple[Path, Path]) -> None:
    (folders[1] / "b.png").unlink()
    with pytest.raises(ValueError, match=r"b\.jpg"):
        mask_files(*folders)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no photo"):
        mask_files(tmp_path, tmp_path)


def test_a_neighbour_in_a_mask_is_not_told_either_way(folders: tuple[Path, Path]) -> None:
    second = masked_load(mask_files(*folders))[1]
    assert (second.mask > 0).sum() == 30 * 30
    assert second.trust[65, 65] == 0
    assert second.trust.sum() == 100 * 100 - 10 * 10


def test_a_mask_of_another_size_is_refused(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="size"):
        mask_read(folders[1] / "a.png", 50, 100)
    Image.new("L", (40, 30)).save(folders[1] / "a.png")
    with pytest.raises(ValueError, match="pixels large"):
        pair_read(folders[0] / "a.jpg", folders[1] / "a.png")


def test_photo_is_turned_as_its_mask_was_drawn(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), (200, 0, 0)).save(tmp_path / "p.jpg", exif=exif)
    Image.new("L", (20, 40)).save(tmp_path / "m.png")
    pixels, mask = pair_read(tmp_path / "p.jpg", tmp_path / "m.png")
    assert pixels.shape == (40, 20, 3)
    assert mask.shape == (40, 20)
