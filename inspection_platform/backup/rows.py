"""Rows as text and back, model by model, for either database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import TextIOWrapper
from itertools import islice
from typing import IO, Any, Final

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import ManyToManyField, Model, QuerySet
from django.db.models.options import Options

_APPS: Final = ("tenants", "assets", "imaging", "damages")
#: Rows that another database has under other keys, so that they are named in words.
_NAMED: Final = (Permission, ContentType)
_FETCHED: Final = 2000
PER_PART: Final = 20_000


class ExactEncoder(DjangoJSONEncoder):
    """Keeps microseconds, which Django's drops: rows are ordered by them."""

    def default(self, o: Any) -> Any:
        """Times in full."""
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def models_saved() -> list[type[Model]]:
    """The models of a backup, history included: groups, then ours from left to right, then what the admin logged."""
    ours = [model for app in _APPS for model in apps.get_app_config(app).get_models() if options(model).managed]
    return [Group, *ours, LogEntry]


def rows_of(model: type[Model]) -> QuerySet[Any]:
    """All rows of a model: a backup knows no tenants."""
    return model._base_manager.order_by("pk")  # noqa: SLF001 - Django's documented name


def label(model: type[Model]) -> str:
    """`app.model`."""
    return options(model).label_lower


def options(model: Model | type[Model]) -> Options[Any]:
    """What Django knows of a model."""
    return model._meta  # noqa: SLF001 - Django's documented name


def rows_dumped(model: type[Model], new_part: Any) -> Iterator[tuple[IO[bytes], int]]:
    """The rows as files (made by `new_part`) of at most PER_PART rows, one a line, each with its number of rows."""
    joined = [field.name for field in _many_to_many(model)]
    rows = rows_of(model).prefetch_related(*joined).iterator(chunk_size=_FETCHED)
    while batch := list(islice(rows, _FETCHED)):
        part, count = new_part(), 0
        while batch:
            _write(part, batch, by_name=_needs_names(model))
            count += len(batch)
            batch = list(islice(rows, _FETCHED)) if count < PER_PART else []
        yield part, count


def rows_loaded(lines: IO[bytes]) -> Iterator[str]:
    """Insert the rows of a part and yield the label of each; nothing is computed, stamped or signalled anew."""
    # Lines end where bytes say so: text may hold other characters that Unicode counts as the end of a line.
    for found in serializers.deserialize("jsonl", (line.decode() for line in lines)):
        joins = found.m2m_data or {}  # saving forgets them
        found.save(save_m2m=False, force_insert=True)
        _join(found.object, joins)
        yield options(found.object).label_lower


def counters_reset(models: Sequence[type[Model]]) -> None:
    """Let automatic keys go on after the highest that was inserted."""
    joins = [_through(field) for model in models for field in _many_to_many(model)]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [*models, *joins]):
            cursor.execute(statement)


def _write(part: IO[bytes], rows: Sequence[Model], *, by_name: bool) -> None:
    text = TextIOWrapper(part, encoding="utf-8", newline="\n")
    serializers.serialize("jsonl", rows, stream=text, cls=ExactEncoder, use_natural_foreign_keys=by_name)
    text.detach()


def _many_to_many(model: type[Model]) -> list[ManyToManyField[Any, Any]]:
    """Those whose join rows are no model of their own."""
    return [field for field in options(model).local_many_to_many if options(_through(field)).auto_created]


def _through(field: ManyToManyField[Any, Any]) -> type[Model]:
    """The model of the join rows."""
    through: type[Model] = field.remote_field.through  # type: ignore[assignment]  # None only before models are loaded
    return through


def _needs_names(model: type[Model]) -> bool:
    fields = [*options(model).local_fields, *options(model).local_many_to_many]
    return any(field.related_model in _NAMED for field in fields)


def _join(row: Model, joins: Mapping[str, Sequence[Any]]) -> None:
    """Insert the join rows of a row: Django's own way would tell the history of a change."""
    for name, keys in joins.items():
        field: Any = options(row).get_field(name)
        through = _through(field)
        here, there = f"{field.m2m_field_name()}_id", f"{field.m2m_reverse_field_name()}_id"
        made = [through(**{here: row.pk, there: key}) for key in keys]
        through._base_manager.bulk_create(made)  # noqa: SLF001 - as above
