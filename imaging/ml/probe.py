"""Try a model's files in a process of its own: a file that crashes, hangs or eats memory takes nothing else along.

`python -m imaging.ml.probe CARD.json` loads the files beside the card on each runtime that they are for, compares their
shapes with the released model's and lets it look at drawn photos. It prints one JSON object.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from imaging.ml import registry, runtime
from imaging.ml.card import Card, CardError, card_read
from imaging.ml.model import Model
from imaging.ml.runtime import Network
from imaging.ml.types import Finding, Reading

ROOT: Final = Path(__file__).resolve().parents[2]
#: Bytes of address space: the runtimes reserve far more than they use.
_MEMORY: Final = 6 << 30
#: Height and width of the drawn photos: wide, high, and tiny.
_SIZES: Final = ((480, 640), (900, 300), (5, 7))
#: What is told of an error in the child: its last words.
_SAID: Final = 300
_MOST_POINTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Probe:
    """How a try went: `fault` is "" for a model that works; `seconds` is the longest look at a drawn photo."""

    fault: str
    seconds: float = 0.0


def probe(card: Path, *, seconds: float) -> Probe:
    """Try the model of a card, whose files lie beside it, in another process for at most so long."""
    # Nothing of this process' environment: no secret is within reach of what a file might make the runtime do.
    command = [sys.executable, "-m", "imaging.ml.probe", str(card)]
    environment = {"OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module; the path is ours
            command, cwd=ROOT, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Probe(f"The model did not answer within {seconds:.0f} seconds.")
    return _judged(done)


def _judged(done: subprocess.CompletedProcess[bytes]) -> Probe:
    if done.returncode < 0:
        return Probe(f"The model crashes the runtime ({_signal_name(-done.returncode)}).")
    try:
        # Runtimes print what they like to standard output.
        said = json.loads(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
        return Probe(str(said["fault"]), float(said["seconds"]))
    except (ValueError, KeyError, IndexError, TypeError):
        words = done.stderr.decode("utf-8", "replace").strip()[-_SAID:]
        return Probe(f"The model could not be tried: {words or 'it said nothing'}.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# --- in the other process ---


def main(arguments: Sequence[str]) -> int:
    """Try the model of the card that is named, and print how it went."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        seconds, fault = tried(card_read(Path(arguments[0]))), ""
    except CardError as error:
        seconds, fault = 0.0, f"{error}."
    except KeyError as error:
        seconds, fault = 0.0, f"The card lacks {error}, which the model's code needs."
    except Exception as error:  # noqa: BLE001 - whatever a file makes the runtime or the model's code raise
        seconds, fault = 0.0, f"The model does not work: {type(error).__name__}: {error}"[:_SAID]
    print(json.dumps({"fault": fault, "seconds": seconds}))
    return 0


def tried(card: Card) -> float:
    """Load the model on each installed runtime and let it look; returns the seconds of its longest look.

    Raises CardError, saying what is wrong, and whatever the runtime or the model's code raises.
    """
    longest = 0.0
    for name in runtime.installed():
        networks: list[Network] = []
        model = registry.build(card, runtime=name, around=_keeping(networks))
        _compare(networks, card, name)
        for photo in _photos():
            started = time.perf_counter()
            _look(model, photo)
            longest = max(longest, time.perf_counter() - started)
        # Once more with every score counted: what lies below the threshold must be sound as well.
        floor = replace(card, thresholds={**card.thresholds, "score": 0.0})
        _look(registry.build(floor, runtime=name), next(_photos()))
    return longest


def _keeping(kept: list[Network]) -> Callable[[Network], Network]:
    """Something to wrap networks in that only notes them."""

    def note(network: Network) -> Network:
        kept.append(network)
        return network

    return note


def _photos() -> Iterator[npt.NDArray[np.uint8]]:
    """Drawn photos: a gradient with noise, so that a network has something to answer."""
    dice = np.random.default_rng(1)
    for height, width in _SIZES:
        rows, columns = np.mgrid[0:height, 0:width]
        light = 90 + 60 * np.sin(columns / 40) * np.cos(rows / 50)
        picture = light[..., None] + dice.normal(0, 25, (height, width, 3))
        yield np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def _look(model: Model, photo: npt.NDArray[np.uint8]) -> None:
    said = model.predict(photo)
    if (said.width, said.height) != (photo.shape[1], photo.shape[0]):
        raise CardError("the model tells another size of the photo than it has")
    for finding in said.findings:
        _check_finding(finding, model.card)
    read: Any = getattr(model, "read", None)
    if read is not None:
        _check_reading(read(photo))


def _check_finding(finding: Finding, card: Card) -> None:
    if finding.label not in card.labels:
        raise CardError(f"the model says {finding.label!r}, which is no label of its card")
    points = np.asarray(finding.polygon, dtype=np.float64)
    shaped = points.ndim == 2 and points.shape[1] == 2 and 3 <= len(points) <= _MOST_POINTS  # noqa: PLR2004 - (x, y)
    if not shaped or not np.isfinite(points).all() or points.min() < 0 or points.max() > 1:
        raise CardError("the model's outlines leave the photo")
    if not 0 <= finding.score <= 1:
        raise CardError(f"the model gives a score of {finding.score}")


def _check_reading(reading: Reading) -> None:
    if not 0 <= reading.score <= 1 or len(reading.characters) != len(reading.text):
        raise CardError("the model's readings make no sense")


# --- shapes ---


def _compare(networks: Sequence[Network], card: Card, name: str) -> None:
    """CardError unless the networks have the shapes that the model's code was written for: those of the release."""
    released = registry.card(card.name)
    if released.parts != card.parts:
        raise CardError(f"the parts of {card.name} are {released.parts or 'one'}, not {card.parts or 'one'}")
    shipped: list[Network] = []
    registry.build(released, runtime=name, around=_keeping(shipped))
    more_labels = len(card.labels) - len(released.labels) if len(released.labels) > 1 else 0
    for network, known in zip(networks, shipped, strict=True):
        if reason := shapes_differ(network, known, more=more_labels):
            raise CardError(f"the shapes are not those that the code of {card.name} expects: {reason}")


def shapes_differ(network: Network, known: Network, *, more: int = 0) -> str:
    """Why a network cannot take the place of a known one; "" if it can.

    Tiles may be larger or smaller, as long as the outputs follow. `more`: how many labels it has more, each of which
    adds a channel.
    """
    if _framed(network.input_shape) != _framed(known.input_shape):
        return f"input {network.input_shape}, expected like {known.input_shape}"
    if len(network.output_shapes) != len(known.output_shapes):
        return f"{len(network.output_shapes)} outputs, expected {len(known.output_shapes)}"
    for shape, wanted in zip(network.output_shapes, known.output_shapes, strict=True):
        channels = {wanted[-1], wanted[-1] + more} if more else {wanted[-1]}
        if len(shape) != len(wanted) or shape[-1] not in channels or not _follows(shape, wanted, network, known):
            return f"output {shape}, expected like {wanted}"
    if more and [shape[-1:] for shape in network.output_shapes] == [shape[-1:] for shape in known.output_shapes]:
        return "the outputs have no channels for the labels of the card"
    return ""


def _framed(shape: Sequence[int]) -> tuple[int, ...]:
    """What must not differ of an input: how many axes, one picture at a time, colours."""
    return (len(shape), shape[0], shape[-1]) if shape else ()


def _follows(shape: Sequence[int], wanted: Sequence[int], network: Network, known: Network) -> bool:
    """Whether a map's sides stand to the input's as the known one's do; outputs that are no maps say nothing here."""
    if len(shape) != len(network.input_shape):
        return True
    sides = zip(shape[1:-1], wanted[1:-1], network.input_shape[1:-1], known.input_shape[1:-1], strict=True)
    return all(side * before == should * now for side, should, now, before in sides)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
