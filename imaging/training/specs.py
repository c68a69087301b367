"""What is known of each model before torch is imported: its data, its recipe, the words of its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Spec:
    """`recipe` is a module with `run(folder)`; label files lie under `DATA_ROOT`; `kind_of`: category to label."""

    recipe: str
    valid: str
    test: str
    kind_of: Mapping[str, str] = field(default_factory=dict)


_DAMAGE_KINDS = {
    f"{severity}-{kind}": kind for severity in ("minor", "moderate", "severe") for kind in ("scratch", "dent", "broken")
}

SPECS: Mapping[str, Spec] = MappingProxyType(
    {
        "damage_detector": Spec(
            recipe="imaging.training.torch_recipes.damage_detector",
            valid="damage/usedcars/val.json",
            test="damage/usedcars/test.json",
            kind_of=_DAMAGE_KINDS,
        )
    }
)
