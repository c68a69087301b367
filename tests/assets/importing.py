"""What the tests of imports share: sending a file, confirming its preview, reading its faults."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client

from assets.models import Car
from tests import factories
from tests.admin_pages import page


def upload(client: Client, text: str | bytes, model: type[Model] = Car) -> Any:
    content = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("cars.csv", content, "text/csv")
    return client.post(page(model, "import"), {"import_file": file, "format": "0", "resource": "0"})


def confirm(client: Client, preview: Any, model: type[Model] = Car, **changes: str) -> Any:
    assert "confirm_form" in preview.context, faults(preview)
    sent = {name: str(value) for name, value in preview.context["confirm_form"].initial.items()}
    return client.post(page(model, "process_import"), sent | changes, follow=True)


def faults(response: Any) -> str:
    """Everything that a preview finds wrong, as one text."""
    form, result = response.context["form"], response.context.get("result")
    found = [str(error) for errors in form.errors.values() for error in errors]
    if result is not None:
        found += [str(fault.error) for fault in result.base_errors]
        found += [str(fault.error) for _, faults in result.row_errors() for fault in faults]
        found += [f"row {row.number}: {row.error}" for row in result.invalid_rows]
    return " | ".join(found)


def plates(house: factories.House) -> list[str]:
    return list(Car.objects.of(house.tenant.pk).assigned().order_by("plate").values_list("plate", flat=True))


def admin_standings() -> Any:
    from assets.services.register import Standings

    return Standings()
