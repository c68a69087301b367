"""Training tiles: labels stay on the pixels they belong to, and a tile depends on its generator alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from imaging.training.coco import Photo, Thing, coco_load
from imaging.training.evaluate import photo_read
from imaging.training.tiles import DOUBTFUL, HARD, IGNORE, LOOKALIKE, TileRecipe, patch_cut, tile_make
from tests.imaging.training.drawn import set_write

KINDS = {"minor-scratch": 0, "minor-dent": 1, "scratch": 0}
PLAIN = TileRecipe(size=128, paste=0.0, draw=0.0, lookalike=0.0, jpeg=0.0, positive=1.0)


def drawn(tmp_path: Path) -> Photo:
    return coco_load(set_write(tmp_path, [[(200, 150, 40, 12)]], size=(400, 300)))[0]


@pytest.mark.parametrize("seed", range(12))
def test_label_lies_on_the_damage(seed: int, tmp_path: Path) -> None:
    photo = drawn(tmp_path)
    rng = np.random.default_rng(seed)
    tile = tile_make(photo, photo_read(photo), recipe=PLAIN, kinds=KINDS, patches=(), rng=rng)
    assert tile.image.shape == (128, 128, 3)
    assert tile.target.shape == tile.weight.shape == tile.kind.shape == (32, 32)
    bright = tile.image.max(axis=2).reshape(32, 4, 32, 4).mean(axis=(1, 3))
    inside, outside = bright[tile.target > 0], bright[(tile.target == 0) & (tile.weight == 1)]
    assert inside.size
    assert inside.mean() > outside.mean() + 50
    assert set(np.unique(tile.kind[tile.target > 0])) == {0}
    assert set(np.unique(tile.kind[tile.target == 0])) == {IGNORE}
    assert set(np.unique(tile.thing[tile.target > 0])) == {1}


def test_same_generator_same_tile(tmp_path: Path) -> None:
    photo = drawn(tmp_path)
    pixels = photo_read(photo)
    patch = patch_cut(pixels, photo.things[0])
    assert patch is not None
    recipe = TileRecipe(size=128, paste=1.0, draw=1.0, lookalike=1.0, jpeg=1.0)

    def make(seed: int) -> npt.NDArray[np.uint8]:
        rng = np.random.default_rng(seed)
        return tile_make(photo, pixels, recipe=recipe, kinds=KINDS, patches=[patch], rng=rng).image

    np.testing.assert_array_equal(make(3), make(3))
    assert (make(3) != make(4)).any()


def test_photo_without_damage_gives_an_empty_label(tmp_path: Path) -> None:
    photo = coco_load(set_write(tmp_path, [[]], size=(60, 50)))[0]
    tile = tile_make(photo, photo_read(photo), recipe=PLAIN, kinds=KINDS, patches=(), rng=np.random.default_rng(1))
    assert not tile.target.any()
    assert (tile.weight == 1).all()


def test_small_objects_weigh_more(tmp_path: Path) -> None:
    photo = coco_load(set_write(tmp_path, [[(100, 100, 60, 60), (20, 100, 8, 8)]], size=(256, 256)))[0]
    recipe = replace(PLAIN, size=256, zoom=(1.0, 1.0), turn=0.0, positive=0.0)
    tile = tile_make(photo, photo_read(photo), recipe=recipe, kinds=KINDS, patches=(), rng=np.random.default_rng(2))
    assert tile.weight[tile.thing == 2].max() > tile.weight[tile.thing == 1].max()


def test_patch_keeps_the_difference_to_the_paint(tmp_path: Path) -> None:
    photo = drawn(tmp_path)
    patch = patch_cut(photo_read(photo), photo.things[0])
    assert patch is not None
    assert patch.category == "minor-scratch"
    assert patch.residual[patch.mask == 0][0] == pytest.approx([0, 0, 0])
    assert np.median(patch.residual[patch.mask == 1]) == pytest.approx(195)


@pytest.mark.parametrize("box", [(0.0, 10.0, 20.0, 20.0), (50.0, 50.0, 2.0, 2.0), (10.0, 10.0, 90.0, 90.0)])
def test_patch_at_the_edge_or_of_a_bad_size_is_left(box: tuple[float, float, float, float]) -> None:
    left, top, width, height = box
    ring = ((left, top), (left + width, top), (left + width, top + height))
    assert patch_cut(np.zeros((120, 120, 3), dtype=np.uint8), Thing("minor-scratch", (ring,), box)) is None


def with_place(photo: Photo, category: str, box: tuple[float, float, float, float]) -> Photo:
    """The photo with one more place on it."""
    left, top, width, height = box
    ring = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return replace(photo, things=(*photo.things, Thing(category, (ring,), box)))


@pytest.mark.parametrize(("category", "weight"), [(LOOKALIKE, HARD), (DOUBTFUL, 0.0)])
def test_places_that_are_no_damage_are_weighed_not_learned(tmp_path: Path, category: str, weight: float) -> None:
    photo = coco_load(set_write(tmp_path, [[(100, 100, 40, 40)]], size=(256, 256)))[0]
    photo = with_place(photo, category, (90, 90, 110, 30))
    recipe = replace(PLAIN, size=256, zoom=(1.0, 1.0), turn=0.0, positive=0.0)
    tile = tile_make(photo, photo_read(photo), recipe=recipe, kinds=KINDS, patches=(), rng=np.random.default_rng(2))
    # The damage under it stays damage.
    assert set(np.unique(tile.thing)) == {0, 1}
    assert (tile.weight[tile.target > 0] >= 0.5).all()
    changed = (tile.weight == weight) & (tile.target == 0)
    assert 80 < changed.sum() < 300


def test_a_tile_is_cut_around_look_alikes_but_never_around_doubtful_places(tmp_path: Path) -> None:
    clean = coco_load(set_write(tmp_path, [[]], size=(2000, 2000)))[0]
    pixels = photo_read(clean)

    def weights(category: str) -> set[float]:
        photo = with_place(clean, category, (40, 1900, 20, 20))
        rngs = (np.random.default_rng(seed) for seed in range(12))
        tiles = [tile_make(photo, pixels, recipe=PLAIN, kinds=KINDS, patches=(), rng=rng) for rng in rngs]
        return {float(value) for tile in tiles for value in np.unique(tile.weight)}

    assert HARD in weights(LOOKALIKE)
    assert weights(DOUBTFUL) == {1.0}


def test_added_damage_stays_on_the_surface(tmp_path: Path) -> None:
    photo = coco_load(set_write(tmp_path, [[]], size=(256, 256)))[0]
    recipe = replace(PLAIN, size=256, zoom=(1.0, 1.0), turn=0.0, draw=1.0, positive=0.0)
    surface = np.zeros((256, 256), dtype=np.uint8)
    surface[64:192, 64:192] = 255
    drawn = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        tile = tile_make(
            photo, photo_read(photo), recipe=recipe, kinds={"scratch": 0, "dent": 1}, patches=(), rng=rng,
            surface=surface,
        )  # fmt: skip
        bare = tile_make(
            photo, photo_read(photo), recipe=recipe, kinds={}, patches=(), rng=np.random.default_rng(seed),
            surface=np.zeros_like(surface),
        )  # fmt: skip
        assert not bare.target.any()
        drawn += int(tile.target.any())
        assert not tile.target.any() or tile.target[12:52, 12:52].any()
    assert drawn > 8
