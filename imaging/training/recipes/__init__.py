"""One short module per model on shared parts.

Each has `train(folder, *, steps, stop)`, which alone imports torch, and only then; `card(folder, options)`, which
chooses thresholds on the validation photos, measures, and ships; `evaluate(request)`, which judges what is shipped.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

from imaging.training.report import Report, Request


class Recipe(Protocol):
    """A module of this package."""

    def train(self, folder: Path, *, steps: int | None, stop: int | None) -> None:
        """Train and export into `folder`, or go on where a stopped run left off."""

    def card(self, folder: Path, options: argparse.Namespace) -> Path:
        """Ship what `folder` holds; return the written card's path."""

    def evaluate(self, request: Request) -> Report:
        """Judge the shipped model."""


def names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def recipe(name: str) -> Recipe:
    """Return the recipe of the model `name`."""
    return cast("Recipe", importlib.import_module(f"{__name__}.{name}"))
