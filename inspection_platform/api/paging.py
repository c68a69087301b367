"""Pages of a query, as the core family counts them."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.db.models import QuerySet

R = TypeVar("R", bound=QuerySet[Any, Any])

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100
#: Far behind every list, and small enough for any database's OFFSET.
MAX_PAGE: Final = 1_000_000_000


def page_of(rows: R, *, limit: int, page: int, total: int | None = None) -> tuple[R, dict[str, Any]]:
    """The slice of `rows` on this page (from 1; empty behind the end) and the paging object of the contract.

    Two queries: the count, now, unless the caller knows the `total` in a cheaper way, and the slice when it is read.
    `currentItemsPerPage` is the limit in effect.
    """
    if total is None:
        total = rows.count()
    meta = {
        "currentItemsPerPage": limit,
        "currentPage": page,
        "lastPage": max(1, -(-total // limit)),
        "maxPerPage": MAX_LIMIT,
        "totalItems": total,
    }
    return rows[(page - 1) * limit : page * limit], meta
