"""`python -m imaging.training train | card | evaluate MODEL`: the only door to training; see `make train`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imaging.ml.card import CardError
from imaging.training.recipes import names, recipe
from imaging.training.report import Request

WORK = Path("var/training")
SHEETS = Path("var/evaluate")
HINT = (
    "DATA_ROOT names the folder of the data sets; DATA and IMAGES name a label file and its photos; train before card."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 1 with a message when the data or the model are not right."""
    options = _parser().parse_args(arguments)
    command: Any = options.command
    try:
        command(options)
    except FileNotFoundError as missing:
        sys.stderr.write(f"{missing.filename} is not there. {HINT}\n")
        return 1
    except (ValueError, CardError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imaging.training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train and export; goes on where a stopped run left off")
    train.set_defaults(command=_train)
    train.add_argument("--steps", type=int, help="shorter or longer than the recipe")
    train.add_argument("--stop", type=int, help="stop after this step, as if interrupted")
    card = commands.add_parser("card", help="choose thresholds, measure, and ship what was trained")
    card.set_defaults(command=_card)
    card.add_argument("--zooms", type=float, nargs="+", help="scales to try on the validation photos")
    card.add_argument("--one-label", action="store_true", help="do not tell the kinds of damage apart")
    evaluate = commands.add_parser("evaluate", help="judge the shipped model")
    evaluate.set_defaults(command=_evaluate)
    evaluate.add_argument("--data", type=Path, help="COCO file or, for a reader, TSV; default: the model's test data")
    evaluate.add_argument("--images", type=Path, help="folder of its photos; default: `images` beside it")
    evaluate.add_argument("--masks", type=Path, help="folder of masks, for a model that gives one")
    evaluate.add_argument("--json", action="store_true", help="one JSON object as the last line")
    for command in (train, card, evaluate):
        command.add_argument("model", choices=names())
    return parser


def _train(options: argparse.Namespace) -> None:
    recipe(options.model).train(WORK / options.model, steps=options.steps, stop=options.stop)


def _card(options: argparse.Namespace) -> None:
    _print(f"wrote {recipe(options.model).card(WORK / options.model, options).name}")


def _evaluate(options: argparse.Namespace) -> None:
    sheet = SHEETS / f"{options.model}.png"
    asked = Request(data=options.data, images=options.images, masks=options.masks, sheet=sheet)
    report = recipe(options.model).evaluate(asked)
    for line in report.lines:
        _print(line)
    if options.json:
        _print(json.dumps({key: round(value, 4) for key, value in report.figures.items()}))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
