"""The models of `damages`, by noun."""

from damages.models.damage import (
    Action,
    Damage,
    DamageDecision,
    DamagedPart,
    DamageState,
    PictogramDamage,
    Source,
)
from damages.models.manual import FinishedStep, ManualProcessing, ManualStatus, ReviewerQueueEntry, Step
from damages.models.result import ResultCause, ResultVersion

__all__ = [
    "Action",
    "Damage",
    "DamageDecision",
    "DamageState",
    "DamagedPart",
    "FinishedStep",
    "ManualProcessing",
    "ManualStatus",
    "PictogramDamage",
    "ResultCause",
    "ResultVersion",
    "ReviewerQueueEntry",
    "Source",
    "Step",
]
