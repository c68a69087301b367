"""Asking for one-time codes, for the API and the staff pages alike: a row and a task, whoever the name belongs to."""

from __future__ import annotations

from django_q.tasks import async_task

from tenants.services.registration import Registration, registration_request, reset_request


def registration_ask(registration: Registration) -> None:
    """Keep the registration and have its code sent."""
    # No transaction around: hashing the password would hold SQLite's write lock, and a row without its task is found.
    code_enqueue(str(registration_request(registration).pk))


def reset_ask(username: str) -> None:
    """Have a code for a new password sent to whoever has this name, if anybody has."""
    code_enqueue(str(reset_request(username=username).pk))


def code_enqueue(code_id: str) -> None:
    """Tell a worker about the row; the queue holds its id alone."""
    async_task("inspection_platform.tasks.send_code", code_id, cluster="io", task_name="code")
