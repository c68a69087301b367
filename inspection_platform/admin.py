"""Admin pages of what other packages brought along: kept where they help an operator, taken away where they mislead.

Those kept are for global admins only, since none of these rows belongs to a tenant.
"""

from __future__ import annotations

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from axes.utils import reset
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_q.models import Failure, OrmQ, Schedule, Success

from tenants.admin_base import M, RecordAdmin, person
from tenants.admin_parts import column
from tenants.errors import DomainError
from tenants.scope import Reach
from tenants.services.people import is_global_admin

# Groups are set up by a table in the code after each migration, so editing them would last until the next one.
# django-q keeps no successes here (`save_limit`) and runs no schedules; axes does not keep the log of failures that it
# has a page for.
for model in (Group, AccessAttempt, AccessLog, AccessFailureLog, Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class OperatorAdmin(RecordAdmin[M]):
    """Rows of the installation, to be looked at by global admins."""

    search_ids = ()

    def rows(self, reach: Reach) -> QuerySet[M]:
        """All rows; who may see the page sees all of it."""
        manager = self.model._default_manager  # noqa: SLF001 - Django's documented way to a model's rows
        return manager.all() if reach.tenant_ids is None else manager.none()

    def reach(self, request: HttpRequest, verb: str = "view") -> Reach:
        """Everything for global admins, nothing for others."""
        return Reach.every() if is_global_admin(person(request)) else Reach.some(())

    def may(self, request: HttpRequest, verb: str, obj: Model | str | None = None) -> bool:
        """Whether the person runs the installation."""
        return self.reach(request).tenant_ids is None


@admin.register(Group)
class GroupAdmin(OperatorAdmin[Group]):
    """The platform's groups; people join and leave them on their own pages."""

    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "permission_names")

    @admin.display(description="permissions")
    def permission_names(self, group: Group) -> str:
        """What its members may do in the admin; the table is in the code."""
        rows = group.permissions.order_by("content_type__app_label", "codename")
        return "\n".join(f"{app}.{name}" for app, name in rows.values_list("content_type__app_label", "codename"))


_FLAGS = {ADDITION: "success", CHANGE: "info", DELETION: "danger"}


@admin.register(LogEntry)
class LogEntryAdmin(OperatorAdmin[LogEntry]):
    """What people did on the pages of the admin."""

    list_display = (
        "action_time",
        "user",
        column(lambda row: (str(row.action_flag), row.get_action_flag_display()), "action",
               label={str(flag): colour for flag, colour in _FLAGS.items()}),
        "content_type",
        "object_repr",
        column(lambda row: row.get_change_message(), "what"),
    )  # fmt: skip
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag", "action_time")
    search_fields = ("object_repr", "object_id", "user__phone")
    ordering = ("-action_time",)
    fields = ("action_time", "user", "action_flag", "content_type", "object_id", "object_repr", "change_message")


class _Refused(DomainError):
    """axes found nothing to open."""


@admin.register(AccessAttempt)
class AccessAttemptAdmin(OperatorAdmin[AccessAttempt]):
    """Failed log-ins. Who failed too often is locked out for a while; opening lets them try again at once."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "path_info", "user_agent")
    list_filter = ("attempt_time",)
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("attempt_time", "username", "ip_address", "failures_since_start", "path_info", "user_agent")
    actions = ("let_in",)

    @admin.action(description="Let these people try again…", permissions=["operate"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> HttpResponseBase | None:
        """Forget the failures."""
        return self.do_for_each(
            request, queryset, action=_forget, done="may try again",
            question="Forget these failed log-ins, so that the people can try again at once?",
        )  # fmt: skip


def _forget(row: AccessAttempt) -> None:
    if not reset(username=row.username, ip=row.ip_address):
        raise _Refused("The lock was over already.")


@admin.register(AccessLog)
class AccessLogAdmin(OperatorAdmin[AccessLog]):
    """Log-ins and log-outs."""

    list_display = ("attempt_time", "logout_time", "username", "ip_address", "path_info", "user_agent")
    list_filter = ("attempt_time",)
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("attempt_time", "logout_time", "username", "ip_address", "path_info", "user_agent")


@admin.register(Failure)
class FailureAdmin(OperatorAdmin[Failure]):
    """Tasks of the queue that broke. Their jobs and deliveries are rows of their own and are run again from there."""

    list_display = (
        column(lambda row: row.func.rpartition(".")[2], "task", ordering="func"),
        "cluster",
        "started",
        "stopped",
        column(lambda row: str(row.result or "").strip().splitlines()[-1:] or "", "reason"),
    )
    list_filter = ("cluster", "started")
    search_fields = ("func", "name")
    ordering = ("-started",)
    fields = ("name", "func", "arguments", "cluster", "attempt_count", "started", "stopped", "traceback")

    @admin.display(description="arguments")
    def arguments(self, row: Failure) -> str:
        """What it was called with."""
        return repr(row.args)

    @admin.display(description="traceback")
    def traceback(self, row: Failure) -> str:
        """How it broke."""
        return str(row.result or "")


@admin.register(OrmQ)
class QueueAdmin(OperatorAdmin[OrmQ]):
    """Tasks that wait for a worker or are with one."""

    list_display = (
        "id",
        "key",
        column(lambda row: row.func(), "task"),
        column(lambda row: row.args(), "arguments"),
        "lock",
    )
    list_filter = ("key",)
    search_fields = ("key",)
    ordering = ("id",)
    fields = ("id", "key", "task", "lock")

    @admin.display(description="task")
    def task(self, row: OrmQ) -> str:
        """What will be called, with what."""
        return f"{row.func()} {row.args()}"
