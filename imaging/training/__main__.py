"""`python -m imaging.training train | card | evaluate MODEL`: the only door to training; see `make train`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from imaging.ml import registry
from imaging.training.cards import card_write
from imaging.training.coco import coco_load, data_root
from imaging.training.evaluate import Proposer, details, figures, look
from imaging.training.sheet import sheet_write
from imaging.training.specs import SPECS

WORK = Path("var/training")
SHEETS = Path("var/evaluate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    command: Any = options.command
    return int(command(options) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imaging.training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train and export; goes on where a stopped run left off")
    train.set_defaults(command=_train)
    train.add_argument("--steps", type=int, help="shorter or longer than the recipe")
    train.add_argument("--stop", type=int, help="stop after this step, as if interrupted")
    card = commands.add_parser("card", help="choose thresholds, measure, and ship what was trained")
    card.set_defaults(command=_card)
    card.add_argument("--zooms", type=float, nargs="+", default=[1.0, 1.5, 2.0])
    card.add_argument("--one-label", action="store_true", help="do not tell the kinds of damage apart")
    evaluate = commands.add_parser("evaluate", help="judge the shipped model")
    evaluate.set_defaults(command=_evaluate)
    evaluate.add_argument("--data", type=Path, help="COCO file; default: the test split of the model's data")
    evaluate.add_argument("--images", type=Path, help="folder of its photos; default: `images` beside it")
    evaluate.add_argument("--json", action="store_true", help="one JSON object as the last line")
    for command in (train, card, evaluate):
        command.add_argument("model", choices=sorted(SPECS))
    return parser


def _train(options: argparse.Namespace) -> None:
    recipe = importlib.import_module(SPECS[options.model].recipe)
    recipe.run(WORK / options.model, steps=options.steps, stop=options.stop)


def _card(options: argparse.Namespace) -> None:
    path = card_write(options.model, WORK / options.model, zooms=options.zooms, kinds=not options.one_label)
    _print(f"wrote {path.name}")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _evaluate(options: argparse.Namespace) -> None:
    labels = options.data if options.data is not None else data_root() / SPECS[options.model].test
    model = cast("Proposer", registry.load(options.model))
    found = look(model, coco_load(labels, options.images))
    threshold = model.card.thresholds["score"]
    row = figures(found, threshold)
    sheet = SHEETS / f"{options.model}.png"
    sheet_write(found.seen, threshold, sheet)
    for line in table(row, details(found, threshold)):
        _print(line)
    _print(f"hits (green), alarms (orange), misses (red): {sheet}")
    if options.json:
        _print(json.dumps({key: round(value, 4) for key, value in row.items()}))


def table(row: dict[str, float], more: dict[str, Any]) -> list[str]:
    """Lines of the card's table."""
    lines = [f"{more['photos']} photos, {more['labels']} labels"]
    lines += [f"{name:<20}{value:>8.3f}" for name, value in row.items()]
    lines += [f"recall at {alarms} alarms an image: {value:.3f}" for alarms, value in more["recall_by_alarms"].items()]
    for title in ("recall_by_size", "recall_by_category"):
        lines += [
            f"{title[10:]:<9}{name:<20}{one['recall']:>8.3f} of {one['labels']}" for name, one in more[title].items()
        ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
