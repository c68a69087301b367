"""Body and shapes of the reviewers' waiting line."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import shape
from inspection_platform.api.core.serializers.image_set_edits import refuse_unknown

#: The reviewer's id as the vendor's sample spells it, and as its schema does.
SPELLINGS: Final = ("reviewerId", "revieverId")


class QueueBody(serializers.Serializer[Any]):
    """Who is to stand in the line (W32)."""

    reviewerId = serializers.UUIDField(required=False, help_text="The asker if it is not given (ours).")
    revieverId = serializers.UUIDField(required=False, help_text="The same, as the vendor's schema spells it.")

    def to_internal_value(self, data: Any) -> Any:
        """Who it is; a key that is unknown is refused."""
        refuse_unknown(self, data)
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One person."""
        if len(set(attrs.values())) > 1:
            raise serializers.ValidationError({"revieverId": ["It names somebody else than reviewerId."]})
        return attrs


# --- shapes for the reference ----------------------------------------------------------------------------------------


class QueuePlace(serializers.Serializer[Any]):
    """A place in the line."""

    queueTime = serializers.IntegerField(help_text="Unix seconds: since when the reviewer has stood in the line.")
    reviewerId = serializers.UUIDField()


QueueJoined = shape(
    "QueueJoined",
    "The reviewer waits.",
    success=serializers.BooleanField(),
    data=QueuePlace(),
    message=serializers.CharField(),
)
