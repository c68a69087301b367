"""The history of many rows that were written at once, in one statement for all of them."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.db.models import CharField, DateTimeField, Func, QuerySet, UUIDField, Value
from django.utils import timezone

from tenants.models import User

CREATED: Final = "+"
CHANGED: Final = "~"


class RandomUUID(Func):
    """A random UUID for each row, drawn by the database."""

    arity = 0
    output_field = UUIDField()
    template = "gen_random_uuid()"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Django's hook for SQLite, which has no function for it."""
        return self.as_sql(compiler, connection, template="lower(hex(randomblob(16)))", **extra)


def rows_history(rows: QuerySet[Any], *, kind: str, by: User | None, reason: str) -> None:
    """Add a history record of each of these rows as it is in the database now; `kind` is CREATED or CHANGED.

    The database copies them: building each record in Python takes longer than everything else about many rows. Only
    for models whose history keeps no relations to many.
    """
    record = rows.model.history.model
    told = {
        "history_id": RandomUUID(),
        "history_date": Value(timezone.now(), output_field=DateTimeField()),
        "history_type": Value(kind, output_field=CharField()),
        "history_change_reason": Value(reason, output_field=CharField()),
        "history_user_id": Value(by.pk if by else None, output_field=UUIDField()),
    }
    names = [*(field.attname for field in record.tracked_fields), *told]
    select, params = rows.order_by().annotate(**told).values_list(*names).query.sql_with_params()
    quoted = connection.ops.quote_name
    table = record._meta  # noqa: SLF001 - Django's public name of it
    columns = ", ".join(quoted(table.get_field(name).column) for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quoted(table.db_table)} ({columns}) {select}", params)
