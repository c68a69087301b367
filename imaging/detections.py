"""Which of a model's findings are proposals, and which are kept only for those who ask for more."""

from __future__ import annotations

from django.db.models import F, FloatField, Q, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan


def is_proposal() -> Q:
    """Detections with at least the score from which on findings of their model count, as its card says.

    A condition for `filter`, to the same effect as `ModelVersion.threshold`. A card that names none lets all count.
    """
    return Q(GreaterThanOrEqual(F("score"), _threshold()))


def is_weaker() -> Q:
    """Detections below that score: kept for a second look, and for judging the model later."""
    return Q(LessThan(F("score"), _threshold()))


def _threshold() -> Coalesce:
    named = KeyTextTransform("score", KeyTransform("thresholds", "model_version__card"))
    return Coalesce(Cast(named, FloatField()), Value(0.0))
