"""Routes of cars."""

from __future__ import annotations

from inspection_platform.api.core.views.cars import CarsView
from inspection_platform.api.routing import route

urlpatterns = [route("cars", CarsView.as_view(), "core-cars")]
