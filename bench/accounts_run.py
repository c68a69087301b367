"""Login and lists of people and tenants: requests a second against a bare view, and how they bear large tables."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

from django.db import connection

from bench.clients import CLIENTS, Answers, Question, answer, ask
from bench.figure import Figure
from bench.server import Server, served
from inspection_platform.api.core.authentication import id_token_mint
from tenants.models import GLOBAL_ADMIN, Membership, Role, Tenant, User
from tenants.services.groups import groups_ensure
from tenants.services.people import group_assign, membership_set
from tenants.services.settings import tenant_create

FEW, SOME, MANY = 1_000, 10_000, 100_000
COLLEAGUES = 120
RATE_GOAL = 0.35
FLAT_GOAL = 1.3
ROUNDS = 5
ROUND_S = 0.6
PASSWORD = "Corr3ct-horse!"
PROFILES = "/core/v1/profile?limit=100"
TENANTS = "/core/v1/auth/tenants?limit=100"
_BATCH = 5_000
_numbers = count(10_000_000)


@dataclass(frozen=True, slots=True)
class People:
    """Who asks: their headers."""

    global_admin: dict[str, str]
    tenant_admin: dict[str, str]
    login: bytes


def figures() -> list[Figure]:
    """Rates at 10,000 people and 1,000 tenants; the slowest twentieth at 100,000 of each against 1,000."""
    people = _people()
    with ExitStack() as servers:
        few = servers.enter_context(_server("few", users=FEW, tenants=FEW))
        some = servers.enter_context(_server("some", users=SOME, tenants=FEW))
        many = servers.enter_context(_server("many", users=MANY, tenants=MANY))
        return [
            *_rates(some, people),
            *_flatness(few, many, people),
        ]


# --- rows ------------------------------------------------------------------------------------------------------------


def _people() -> People:
    groups_ensure()
    tenant = tenant_create(name="Bench")
    boss = User.objects.create_user("+4740000001", PASSWORD, first_name="Gail", current_tenant=tenant)
    group_assign(user=boss, group=GLOBAL_ADMIN)
    admin = User.objects.create_user("+4740000002", None, first_name="Tom", current_tenant=tenant)
    membership_set(user=admin, tenant=tenant, role=Role.ADMIN_TENANT)
    return People(
        global_admin={"Authorization": f"Bearer {id_token_mint(boss, tenant)}"},
        tenant_admin={"Authorization": f"Bearer {id_token_mint(admin, tenant)}"},
        login=json.dumps({"username": boss.phone, "password": PASSWORD}).encode(),
    )


def _fill(*, users: int, tenants: int) -> None:
    """Add rows until there are so many.

    The first tenant has COLLEAGUES members at each size: what grows around its admin is everybody else.
    """
    _more_tenants(tenants - Tenant.objects.count())
    homes = list(Tenant.objects.order_by("created_at").values_list("pk", flat=True)[:FEW])
    missing = users - User.objects.count()
    for start in range(0, missing, _BATCH):
        _more_users(min(_BATCH, missing - start), homes)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _more_tenants(missing: int) -> None:
    names = [f"Rental {next(_numbers)}" for _ in range(missing)]
    Tenant.objects.bulk_create((Tenant(name=name) for name in names), batch_size=_BATCH)


def _more_users(number: int, homes: list[UUID]) -> None:
    made = []
    for _ in range(number):
        serial = next(_numbers)
        first, last = f"First{serial * 7919 % 997}", f"Last{serial * 104_729 % 9_973}"
        made.append(User(phone=f"+46{serial}", email=f"{serial}@example.com", first_name=first, last_name=last))
    User.objects.bulk_create(made)
    own = Membership.objects.all_tenants("a benchmark's people belong to many").filter(tenant=homes[0]).count()
    at_home = max(0, COLLEAGUES - own)
    Membership.objects.all_tenants("a benchmark's people belong to many").bulk_create(
        Membership(user=user, tenant_id=homes[0 if place < at_home else 1 + place % (len(homes) - 1)])
        for place, user in enumerate(made)
    )


def _server(name: str, *, users: int, tenants: int) -> AbstractContextManager[Server]:
    """A server on a copy of the database as it is once it holds so many rows."""
    _fill(users=users, tenants=tenants)
    file = Path(os.environ["BENCH_SCRATCH"]) / f"{name}.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    return served(
        DATABASE_URL=f"sqlite:///{file}",
        DJANGO_SETTINGS_MODULE="bench.accounts_settings",
        LOGIN_RATE_PER_NAME="0",
        LOGIN_RATE_PER_ADDRESS="0",
    )


# --- figures ---------------------------------------------------------------------------------------------------------


def _rates(server: Server, people: People) -> Iterator[Figure]:
    login = Question(
        server.url, "/core/v1/auth/login", {"Content-Type": "application/json"}, method="POST", body=people.login
    )
    yield _rate("login", login, goal=None)
    profiles = Question(server.url, PROFILES, people.global_admin)
    yield _rate(f"100 of {SOME:,} profiles", profiles, goal=RATE_GOAL)
    own = Question(server.url, PROFILES, people.tenant_admin)
    yield _rate(f"100 of {COLLEAGUES} profiles among {SOME:,}", own, goal=RATE_GOAL)
    tenants = Question(server.url, TENANTS, people.global_admin)
    yield _rate(f"100 of {FEW:,} tenants", tenants, goal=RATE_GOAL)


def _rate(what: str, ours: Question, *, goal: float | None) -> Figure:
    """Requests a second, both in turn, as the median of the rounds' ratios."""
    name = "".join(filter(str.isalnum, what))
    (Path(os.environ["BENCH_SCRATCH"]) / f"{name}.json").write_bytes(answer(ours))
    bare = Question(ours.url, f"/bare/{name}", ours.headers, method=ours.method, body=ours.body)
    rounds = [(_asked(ours).per_second, _asked(bare).per_second) for _ in range(ROUNDS)]
    ratio = statistics.median(mine / theirs for mine, theirs in rounds)
    mine, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    return Figure(
        f"{what}, {CLIENTS} clients / bare view",
        ratio,
        "-" if goal is None else f">= {goal:g}",
        None if goal is None else ratio >= goal,
        f"{mine:.0f} requests/s against {theirs:.0f} requests/s",
    )


def _flatness(few: Server, many: Server, people: People) -> Iterator[Figure]:
    for what, path, headers in (
        ("profiles", PROFILES, people.global_admin),
        ("own profiles", PROFILES, people.tenant_admin),
        ("tenants", TENANTS, people.global_admin),
    ):
        rounds = [
            (_p95(_asked(Question(many.url, path, headers))), _p95(_asked(Question(few.url, path, headers))))
            for _ in range(ROUNDS)
        ]
        ratio = statistics.median(large / small for large, small in rounds)
        large, small = (statistics.median(side) * 1000 for side in zip(*rounds, strict=True))
        yield Figure(
            f"p95 of {what} among {MANY:,} / among {FEW:,}",
            ratio,
            f"<= {FLAT_GOAL:g}",
            ratio <= FLAT_GOAL,
            f"{large:.1f} ms against {small:.1f} ms",
        )


def _asked(question: Question) -> Answers:
    return ask(question, duration_s=ROUND_S)


def _p95(answers: Answers) -> float:
    """The time in seconds that nineteen of twenty answers took at most."""
    return statistics.quantiles(answers.times, n=20)[-1]
