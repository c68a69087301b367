"""The public API reference of this family."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from inspection_platform.api.inspektlabs import errors
from inspection_platform.api.inspektlabs.errors import Answer

UPLOAD = "/inspektlabs/api/upload"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    document: dict[str, Any] = Client().get("/api/schema/?format=json").json()
    return document


#: Texts for refusals that no operation of today's can meet.
UNSENT = {"NO_ACCESS", "NOT_FOUND"}
SENT = [name for name, value in vars(errors).items() if isinstance(value, Answer) and name not in UNSENT]


@pytest.mark.parametrize("name", SENT)
def test_every_text_is_in_the_reference(schema: dict[str, Any], name: str) -> None:
    answer: Answer = getattr(errors, name)
    operations = [path["post"] for route, path in schema["paths"].items() if route.startswith("/inspektlabs/")]
    told = [json.dumps(operation["responses"].get(str(answer.status), {})) for operation in operations]
    message = "Invalid data: <reason>" if name == "BODY_TOO_LARGE" else answer.message
    assert any(json.dumps(message) in text for text in told)


def test_the_upload_takes_two_forms_and_calls_back(schema: dict[str, Any]) -> None:
    operation = schema["paths"][UPLOAD]["post"]
    assert set(operation["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    (callback,) = operation["callbacks"]["result"].values()
    examples = callback["post"]["requestBody"]["content"]["application/json"]["examples"]
    statuses = [example["value"]["status"] for example in examples.values()]
    assert statuses == ["Available", "Rejected"]
