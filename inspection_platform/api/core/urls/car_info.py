"""Routes of car information."""

from __future__ import annotations

from inspection_platform.api.core.views.car_info import LicensePlateView, PriceView, VinView
from inspection_platform.api.routing import route

urlpatterns = [
    route("carInfo/licensePlate/<str:plate>", LicensePlateView.as_view(), "core-car-info-license-plate"),
    route("carInfo/price/<str:plate>", PriceView.as_view(), "core-car-info-price"),
    route("carInfo/vin/<str:vin>", VinView.as_view(), "core-car-info-vin"),
]
