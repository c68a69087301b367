"""Checks of the reader's torch-only code, for the training environment; `make train-check` runs them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from imaging.ml.models.plate_reader import decode, stretched
from imaging.ml.plate_grammar import ALPHABET
from imaging.ml.runtime import Network, installed
from imaging.training.plate_drawing import plate_draw
from imaging.training.torch_reader import Reader, pretrained
from imaging.training.torch_recipes.plate_reader import Crops, Deployed, export, frozen, loss_of


def test_the_packages_weights_read_a_clean_plate() -> None:
    """Every layer took the weights that the file means for it, and the head kept the right classes."""
    reader = Deployed(pretrained()).eval()
    right = 0
    for seed in range(40):
        plate = plate_draw(np.random.default_rng(seed))
        picture = torch.from_numpy(stretched(plate.pixels, 256, 48).astype(np.float32))[None]
        with torch.no_grad():
            said = "".join(sign for sign, _ in decode(reader(picture)[0].numpy()))
        right += said == plate.text
    assert right >= 15


def test_an_example_spells_its_text() -> None:
    """Targets are places in the alphabet, from 1, and the same index gives the same example."""
    crops = Crops(seed=1, length=10)
    item, again = crops[3], crops[3]
    assert item["picture"].shape == (48, 256, 3)
    assert np.array_equal(item["picture"], again["picture"])
    assert all(1 <= place <= len(ALPHABET) for place in item["target"][: item["length"]])
    assert not item["target"][item["length"] :].any()


def test_a_step_moves_all_but_the_frozen_layers() -> None:
    """The loss reaches every layer that is to learn, and is a number even for texts of no length."""
    torch.manual_seed(0)
    reader = frozen(Reader())
    items = [Crops(seed=1, length=10)[index] for index in range(3)]
    batch = {key: torch.as_tensor(np.stack([item[key] for item in items])) for key in ("picture", "target")}
    batch["length"] = torch.tensor([item["length"] for item in items])
    loss = loss_of(reader, batch)
    loss.backward()
    still = [name for name, parameter in reader.named_parameters() if parameter.grad is None]
    assert torch.isfinite(loss)
    assert still
    assert all(name.startswith(("stem.", "blocks.")) for name in still)
    assert "blocks.4.depth.weight" not in still


def test_exported_file_gives_the_same_chances() -> None:
    """On every runtime."""
    torch.manual_seed(0)
    reader = pretrained().eval()
    picture = np.random.default_rng(0).uniform(0, 255, (1, 48, 256, 3)).astype(np.float32)
    with torch.no_grad():
        expected = Deployed(reader)(torch.from_numpy(picture)).numpy()
    with tempfile.TemporaryDirectory() as folder:
        export(reader, Path(folder))
        content = (Path(folder) / "plate_reader.float16.tflite").read_bytes()
    for name in installed():
        np.testing.assert_allclose(Network(content, runtime=name).run(picture), expected, atol=2e-2)
