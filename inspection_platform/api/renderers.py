"""Writing JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder


class FastJSONRenderer(JSONRenderer):
    """DRF's renderer with its words for dates and decimals, several times as fast on long lists."""

    _words = JSONEncoder()

    def render(
        self, data: Any, _accepted_media_type: str | None = None, _renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The body in UTF-8, without spaces; nothing for None."""
        if data is None:
            return b""
        return orjson.dumps(data, default=self._words.default, option=orjson.OPT_PASSTHROUGH_DATETIME)
