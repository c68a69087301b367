"""A small labelled set, drawn: plain panels with rectangles as damage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Box = tuple[int, int, int, int]


def set_write(folder: Path, boxes: Sequence[Sequence[Box]], *, size: tuple[int, int] = (120, 80)) -> Path:
    """Write one photo per entry of `boxes` (left, top, width, height) and the COCO file; return the latter."""
    (folder / "images").mkdir(parents=True)
    annotations: list[dict[str, Any]] = []
    for index, ones in enumerate(boxes):
        pixels = np.full((size[1], size[0], 3), 60, dtype=np.uint8)
        for left, top, width, height in ones:
            pixels[top : top + height, left : left + width] = 255
            ring = [left, top, left + width, top, left + width, top + height, left, top + height]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": 1 + len(annotations) % 2,
                    "bbox": [left, top, width, height],
                    "segmentation": [ring],
                }
            )
        Image.fromarray(pixels).save(folder / "images" / f"{index}.png")
    document = {
        "images": [
            {"id": index, "file_name": f"{index}.png", "width": size[0], "height": size[1]}
            for index in range(len(boxes))
        ],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "minor-scratch"}, {"id": 2, "name": "minor-dent"}],
    }
    path = folder / "labels.json"
    path.write_text(json.dumps(document))
    return path
