"""Every operation of the table as every role, as the outsider and as nobody; and the table against the routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import URLResolver

from inspection_platform.api.core.operations import OPERATIONS, Caller, Operation, callers_text
from inspection_platform.api.core.views.common import CoreView, PublicCoreView
from tenants.models import User
from tenants.services.people import membership_set
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.requests import REQUESTS, Sent, Stage
from tests.outbox import Message

pytestmark = pytest.mark.django_db
MOUNT: Final = "core/v1/"
#: People of our house, and what the table calls them.
OURS: Final = {
    "global_admin": Caller.GLOBAL_ADMIN,
    "tenant_admin": Caller.TENANT_ADMIN,
    "annotator": Caller.ANNOTATOR,
    "reviewer": Caller.REVIEWER,
    "staff": Caller.MEMBER,
}
THEIRS: Final = ("tenant_admin", "staff")

#: An operation without a request fails a test of its own below.
METHODS: Final = [
    pytest.param(operation, method, id=f"{operation.number}-{method}")
    for operation in OPERATIONS.values()
    for method in operation.methods
    if operation.number in REQUESTS
]


def is_permitted(operation: Operation, caller: Caller) -> bool:
    """What the table says of somebody about whom the request is not."""
    return caller == Caller.GLOBAL_ADMIN or bool(operation.callers & {Caller.PUBLIC, Caller.MEMBER, caller})


@pytest.fixture
def send(
    client: Client,
    ours: factories.House,
    outbox: list[Message],
    drain: Callable[[], int],
    bearer: Callable[[User], Headers],
) -> Callable[..., Any]:
    """Make the valid request of an operation for a caller, and send it."""

    def sent(operation: Operation, method: str, caller: User | None, made: Sent | None = None) -> Any:
        request = made or REQUESTS[operation.number].make(Stage(ours, caller, outbox, drain))
        call = getattr(client, method.lower())
        headers = bearer(caller) if caller else {}
        path = f"/{MOUNT}{request.path.lstrip('/')}"
        if request.body is None:
            return call(path, headers=headers)
        return call(path, request.body, content_type="application/json", headers=headers)

    return sent


@pytest.mark.parametrize(("operation", "method"), METHODS)
@pytest.mark.parametrize("name", OURS)
def test_ours_may_what_the_table_says(
    ours: factories.House, send: Callable[..., Any], operation: Operation, method: str, name: str
) -> None:
    response = send(operation, method, getattr(ours, name))
    if is_permitted(operation, OURS[name]):
        assert response.status_code < 400, response.content
    else:
        assert response.status_code == 403, response.content
        assert response.json() == {"success": False, "message": "You may not do this."}


@pytest.mark.parametrize(("operation", "method"), METHODS)
@pytest.mark.parametrize("name", THEIRS)
def test_outsiders_do_not_see_what_is_ours(
    outsider: factories.House, send: Callable[..., Any], operation: Operation, method: str, name: str
) -> None:
    response = send(operation, method, getattr(outsider, name))
    if REQUESTS[operation.number].names_ours:
        assert response.status_code == 404, response.content
    elif is_permitted(operation, OURS[name]):
        assert response.status_code < 400, response.content
    else:
        assert response.status_code == 403, response.content


@pytest.mark.parametrize(("operation", "method"), METHODS)
def test_nobody_may_what_is_public(send: Callable[..., Any], operation: Operation, method: str) -> None:
    response = send(operation, method, None)
    if Caller.PUBLIC in operation.callers:
        assert response.status_code < 400, response.content
    else:
        assert response.status_code == 401, response.content


@pytest.mark.parametrize("number", [number for number, row in OPERATIONS.items() if Caller.SELF in row.callers])
@pytest.mark.parametrize("name", OURS)
def test_people_may_it_with_themselves(
    ours: factories.House, outsider: factories.House, send: Callable[..., Any], number: str, name: str
) -> None:
    caller: User = getattr(ours, name)
    operation = OPERATIONS[number]
    about_self = Sent(operation.path.replace("{id}", str(caller.pk)))
    for method in operation.methods:
        assert send(operation, method, caller, about_self).status_code < 400


def test_a_tenant_admin_of_both_tenants_acts_in_both(
    ours: factories.House, outsider: factories.House, send: Callable[..., Any]
) -> None:
    """The role counts in the tenant concerned: it is not the tenant of the token that decides."""
    operation = OPERATIONS["W25"]
    visitor = factories.user(outsider.tenant)
    membership_set(user=visitor, tenant=ours.tenant, role="USER")
    assert send(operation, "PATCH", visitor).status_code == 403
    membership_set(user=visitor, tenant=ours.tenant, role="ADMIN_TENANT")
    assert send(operation, "PATCH", visitor).status_code < 400


# --- table and routes ------------------------------------------------------------------------------------------------


def routes() -> Iterator[tuple[str, str, Any]]:
    """Path as the table writes it, method, and the view's class of every route of the family."""
    for pattern in _patterns():
        view: Any = pattern.callback.view_class  # type: ignore[attr-defined]  # Django sets it on class-based views
        path = "/" + "/".join(
            "{id}" if part.startswith("<") else part for part in str(pattern.pattern).strip("/").split("/")
        )
        for method in view.http_method_names:
            if method != "options" and hasattr(view, method):
                yield path, method.upper(), view


def _patterns() -> Iterator[URLPattern]:
    (family,) = (entry for entry in get_resolver().url_patterns if str(entry.pattern) == MOUNT)
    assert isinstance(family, URLResolver)
    for entry in family.url_patterns:
        assert isinstance(entry, URLPattern), entry
        yield entry


def test_table_and_routes_are_the_same() -> None:
    served = {(path, method, view.operations.get(method)) for path, method, view in routes() if method != "HEAD"}
    assert served == {
        (operation.path, method, number) for number, operation in OPERATIONS.items() for method in operation.methods
    }


def test_views_name_no_operation_that_they_do_not_serve() -> None:
    for _, _, view in routes():
        assert {method for method in view.operations if not hasattr(view, method.lower())} == set(), view


def test_public_views_are_those_of_public_operations() -> None:
    for _, method, view in routes():
        is_public = Caller.PUBLIC in OPERATIONS[view.operations[method]].callers
        assert issubclass(view, PublicCoreView if is_public else CoreView), view


def test_there_is_a_request_for_every_operation() -> None:
    """What devices may has a story of its own, in `recordings`."""
    of_devices = {number for number, row in OPERATIONS.items() if row.callers == {Caller.DEVICE}}
    assert REQUESTS.keys() == OPERATIONS.keys() - of_devices


def test_a_method_without_a_row_lets_nobody_in(
    ours: factories.House, bearer: Callable[[User], Headers], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forgets the row of a new method has shut the door, not opened it."""
    (view,) = {view for path, method, view in routes() if (path, method) == ("/profile/{id}", "GET")}
    monkeypatch.setattr(view, "operations", {})
    response = client.get(f"/{MOUNT}profile/{ours.staff.pk}", headers=bearer(ours.global_admin))
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("W5", "For everybody, without credentials."),
        ("W3", "For everybody with credentials."),
        ("W6", "For global admins."),
        ("W25", "For tenant admins and global admins."),
        ("W27", "For the person concerned and global admins."),
    ],
)
def test_the_reference_says_it_in_words(number: str, text: str) -> None:
    assert callers_text(number) == text
