"""The one place that imports a TFLite runtime: LiteRT if installed, else tflite-runtime."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# In order of preference: LiteRT carries the work on, tflite-runtime ends with Python 3.11.
_MODULES: Final[Mapping[str, str]] = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}


class RuntimeMissingError(RuntimeError):
    """Neither LiteRT nor tflite-runtime is installed."""


def installed() -> tuple[str, ...]:
    """Names of the installed runtimes, the preferred one first: "litert", "tflite"."""
    return tuple(name for name, module in _MODULES.items() if importlib.util.find_spec(module) is not None)


def preferred() -> str:
    """Name of the runtime that is used; RuntimeMissingError when there is none."""
    found = installed()
    if not found:
        raise RuntimeMissingError("install ai-edge-litert or tflite-runtime to run models")
    return found[0]


class Network:
    """A loaded `.tflite` with one input and some outputs. Threads may share it: one of them runs at a time."""

    def __init__(self, content: bytes, *, runtime: str | None = None, threads: int = 1) -> None:
        """Load the file's bytes on `runtime` (default: the preferred one) with `threads` threads."""
        name = runtime if runtime is not None else preferred()
        module = importlib.import_module(f"{_MODULES[name]}.interpreter")
        self.runtime = name
        self._lock = threading.Lock()
        self._interpreter: Any = module.Interpreter(model_content=content, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input: dict[str, Any] = self._interpreter.get_input_details()[0]
        self._outputs: list[dict[str, Any]] = self._interpreter.get_output_details()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the input, for pictures (1, H, W, 3)."""
        return tuple(int(side) for side in self._input["shape"])

    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the outputs in the file's order."""
        return tuple(tuple(int(side) for side in output["shape"]) for output in self._outputs)

    def run(self, batch: npt.NDArray[Any]) -> FloatArray:
        """Return the first output for `batch` in the input's shape; a quantised file's integers are turned to numbers.

        Raises ValueError when the shape is another one.
        """
        return self._run(batch, self._outputs[:1])[0]

    def run_all(self, batch: npt.NDArray[Any]) -> tuple[FloatArray, ...]:
        """Return all outputs in the file's order, otherwise like `run`."""
        return self._run(batch, self._outputs)

    def _run(self, batch: npt.NDArray[Any], outputs: Sequence[Mapping[str, Any]]) -> tuple[FloatArray, ...]:
        if batch.shape != self.input_shape:
            raise ValueError(f"the model wants {self.input_shape}, not {batch.shape}")
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], _quantised(batch, self._input))
            self._interpreter.invoke()
            found = [self._interpreter.get_tensor(output["index"]) for output in outputs]
        return tuple(_number(values, output) for values, output in zip(found, outputs, strict=True))


def _quantised(batch: npt.NDArray[Any], details: Mapping[str, Any]) -> npt.NDArray[Any]:
    kind = np.dtype(details["dtype"])
    if kind.kind == "f":
        return batch.astype(kind, copy=False)
    scale, zero = details["quantization"]
    limits = np.iinfo(kind)
    return np.asarray(np.clip(np.rint(batch / scale + zero), limits.min, limits.max), dtype=kind)


def _number(output: npt.NDArray[Any], details: Mapping[str, Any]) -> FloatArray:
    if output.dtype.kind == "f":
        return output.astype(np.float32, copy=False)
    scale, zero = details["quantization"]
    return np.asarray((output.astype(np.float32) - zero) * scale, dtype=np.float32)
