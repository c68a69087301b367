"""British English with the 24-hour clock: at a station nobody should wonder which half of the day is meant."""

from typing import Final

TIME_FORMAT: Final = "H:i"
DATETIME_FORMAT: Final = "j M Y, H:i"
SHORT_DATETIME_FORMAT: Final = "d/m/Y H:i"
