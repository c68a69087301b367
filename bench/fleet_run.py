"""Lists, jobs and decisions among 100,000 image sets against the same among a tenth, over HTTP."""

from __future__ import annotations

import json
import os
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from time import perf_counter, time
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection

from assets.models import Car, ImageSet
from bench import fleet
from bench.clients import Question
from bench.databases import copied
from bench.figure import Figure
from bench.fleet_rows import DAYS, People, large_set_make, people_make, sets_make, tenants_make
from bench.server import Server, served
from bench.timed import Timed, p50, p95, timed
from damages.models import Damage, DamageState, ManualStatus
from inspection_platform.api.core.authentication import id_token_mint
from tenants.models import Tenant, User

ROUNDS = 8
REQUESTS = 20
SAVE_S = 5.0
CLAIMS_EACH = 10
_LIST = 100
_DAY_S = 86_400

Ask = Callable[[str], Question]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is asked about: the tenant that is timed, its people, and things of its own."""

    tenant: Tenant
    people: People
    large_set: UUID
    cars: list[str]
    sets: list[tuple[UUID, str]]
    damages: list[UUID]


def figures() -> list[Figure]:
    """Every figure at both sizes, asked in turn so that a busy machine is busy for both."""
    first, others, people = _people()
    sets_make([first], fleet.OWN_SETS, serial=0, people=people)
    large_set = large_set_make(first, damages=_LIST + fleet.DAMAGES_PER_SET)
    sets_make(others, fleet.FEW - fleet.OWN_SETS, serial=fleet.OWN_SETS, people=people)
    known = _known(first, people, large_set)
    connection.close()
    with copied(os.environ["DATABASE_URL"]) as small:
        sets_make(others, fleet.SETS - fleet.FEW, serial=fleet.FEW, people=people)
        connection.close()
        with _server(small) as few, _server(os.environ["DATABASE_URL"]) as many:
            found = [*_reads(few, many, known), *_claims(few, many, known)]
        with _server(os.environ["DATABASE_URL"], workers=2) as many:
            return [*found, _no_doubles(many, known), _saves(many, known)]


# --- rows ------------------------------------------------------------------------------------------------------------


def _people() -> tuple[Tenant, list[Tenant], People]:
    first, *others = tenants_make()
    return first, others, people_make(first)


def _known(tenant: Tenant, people: People, large_set: UUID) -> Fleet:
    sets = ImageSet.objects.of(tenant.pk).exclude(pk=large_set).order_by("recorded_at")
    # Nobody is handed these sets while others claim jobs.
    of_review = Damage.objects.of(tenant.pk).filter(image_set__manual_processing__status=ManualStatus.REVIEW_WAITING)
    open_ones = of_review.filter(state=DamageState.CREATED, representative=None, first_damage=None)
    return Fleet(
        tenant=tenant, people=people, large_set=large_set,
        cars=list(Car.objects.of(tenant.pk).order_by("plate").values_list("plate", flat=True)),
        sets=list(sets.values_list("pk", "submission__external_key")),
        damages=list(open_ones.order_by("id").values_list("pk", flat=True)),
    )  # fmt: skip


def _server(database: str, workers: int = 1) -> AbstractContextManager[Server]:
    return served(workers, DATABASE_URL=database, DJANGO_SETTINGS_MODULE="bench.fleet_settings")


def _bearer(person: User, tenant: Tenant) -> dict[str, str]:
    return {"Authorization": f"Bearer {id_token_mint(person, tenant)}"}


# --- reads -----------------------------------------------------------------------------------------------------------


def _reads(few: Server, many: Server, known: Fleet) -> Iterator[Figure]:
    admin = _bearer(known.people.admin, known.tenant)
    reviewer = _bearer(known.people.reviewer, known.tenant)
    cars, filters = count(), count()
    choices = _filters(known)

    def damages_of_car() -> str:
        plate = known.cars[next(cars) % len(known.cars)]
        named = {"tenantId": known.tenant.pk, "registrationNo": plate, "countryCode": "NO"}
        return f"/core/v1/damages?{urlencode({**named, 'limit': _LIST})}"

    def filtered() -> str:
        return _image_sets(choices[next(filters) % len(choices)])

    together = {name: value for choice in choices[:-4] for name, value in choice.items()}
    for what, path, headers, goal_ms in (
        ("100 damages of a car", damages_of_car, admin, fleet.LIST_GOAL_MS),
        ("100 damages of an image set", _always(f"/core/v1/damages?imageSetId={known.large_set}&limit={_LIST}"), admin,
         fleet.LIST_GOAL_MS),
        ("100 image sets", _always(_image_sets({})), admin, fleet.LIST_GOAL_MS),
        ("image sets by each filter", filtered, admin, None),
        ("image sets by all filters", _always(_image_sets(together)), admin, None),
        ("image sets by plate", _always(_image_sets({"groupByRegistrationNo": "true"})), admin, None),
        ("count of waiting jobs", _always("/core/v1/imageSets/count?forManualReview=true"), reviewer, None),
        ("statistics", _always("/core/v1/annotators/statistics"), reviewer, None),
    ):  # fmt: skip
        rounds = [
            tuple(timed(Question(server.url, path(), headers) for _ in range(REQUESTS)) for server in (few, many))
            for _ in range(ROUNDS)
        ]
        yield from _compared(what, rounds, goal_ms)


def _always(path: str) -> Callable[[], str]:
    return lambda: path


def _image_sets(query: Mapping[str, object]) -> str:
    return f"/core/v1/imageSets?{urlencode({'limit': _LIST, **query})}"


def _filters(known: Fleet) -> list[dict[str, object]]:
    """Each filter of the list of image sets with a value that finds something; the last four find few sets or none."""
    now = int(time())
    newest, key = known.sets[-1]
    return [
        {"tenantId": known.tenant.pk},
        {"startDate": now - DAYS * _DAY_S // 2},
        {"endDate": now - _DAY_S},
        {"searchByRegistrationNo": known.cars[-1][:6]},
        {"captureSetName": f"{known.tenant.name} pickup"},
        {"searchByCaptureSetName": "PICK"},
        {"captureSetLocation": "Oslo, Norway"},
        {"searchByCaptureSetLocation": "oslo"},
        {"haveImages": "true"},
        {"isManualProcessingSkipped": "false"},
        {"unassignedItems": "false"},
        {"returnImageCount": "true"},
        {"haveNewDamagesDetected": "true"},
        {"registrationNo": known.cars[-1], "countryCode": "NO"},
        {"ids": newest},
        {"externalKey": key},
    ]


def _compared(what: str, rounds: list[tuple[list[Timed], ...]], goal_ms: float | None) -> Iterator[Figure]:
    """How the slowest twentieth bears ten times the rows, and the median against its goal."""
    small, large = ([answer for side in rounds for answer in side[place]] for place in (0, 1))
    ratio = statistics.median(p95(many) / p95(few) for few, many in rounds)
    queries = sorted({answer.queries for answer in (*small, *large)})
    yield Figure(
        f"p95 of {what} among {fleet.SETS:,} / {fleet.FEW:,}",
        ratio,
        f"<= {fleet.FLAT_GOAL:g}",
        ratio <= fleet.FLAT_GOAL,
        f"p50 {p50(large):.1f} ms, p95 {p95(large):.1f} ms; few: p50 {p50(small):.1f} ms, p95 {p95(small):.1f} ms;"
        f" {'-'.join(str(number) for number in dict.fromkeys((queries[0], queries[-1])))} queries",
    )
    if goal_ms is not None:
        yield _within(what, p50(large), goal_ms)


def _within(what: str, milliseconds: float, goal_ms: float) -> Figure:
    return Figure(
        f"{what}, p50 in the view / goal", milliseconds / goal_ms, f"<= {goal_ms:g} ms", milliseconds <= goal_ms,
        f"{milliseconds:.1f} ms among {fleet.SETS:,}",
    )  # fmt: skip


# --- work ------------------------------------------------------------------------------------------------------------


def _claims(few: Server, many: Server, known: Fleet) -> Iterator[Figure]:
    people = iter(known.people.annotators)
    rounds = []
    for _ in range(ROUNDS):
        mine = [next(people) for _ in range(CLAIMS_EACH)]
        rounds.append(tuple(timed(_claim(server, known, person) for person in mine) for server in (few, many)))
    # How long the claim itself takes is what the benchmark `claim` measures; here its set is presented, too.
    yield from _compared("next job, claimed and shown", rounds, None)


def _claim(server: Server, known: Fleet, person: User) -> Question:
    return Question(server.url, "/core/v1/imageSets?forManualAnnotation=true&limit=1", _bearer(person, known.tenant))


def _no_doubles(server: Server, known: Fleet) -> Figure:
    """Many annotators ask for jobs at once, each for one: how many were handed out twice."""
    fresh = known.people.annotators[ROUNDS * CLAIMS_EACH :]
    share = len(fresh) // fleet.CLAIM_CLIENTS
    answers: list[list[Timed]] = [[] for _ in range(fleet.CLAIM_CLIENTS)]

    def work(place: int) -> None:
        mine = fresh[place * share : (place + 1) * share]
        answers[place] = timed(_claim(server, known, person) for person in mine)

    elapsed = _at_once(fleet.CLAIM_CLIENTS, work)
    given = [json.loads(one.body)["data"]["items"][0]["id"] for mine in answers for one in mine]
    doubles = len(given) - len(set(given))
    return Figure(
        f"jobs handed out twice to {fleet.CLAIM_CLIENTS} clients", float(doubles), "0", doubles == 0,
        f"{len(given)} claims, {len(given) / elapsed:.0f} a second, p50"
        f" {p50(one for mine in answers for one in mine):.1f} ms in the view",
    )  # fmt: skip


def _saves(server: Server, known: Fleet) -> Figure:
    """Decisions saved a second: one damage accepted by each request."""
    headers = {**_bearer(known.people.admin, known.tenant), "Content-Type": "application/json"}
    share = len(known.damages) // fleet.SAVE_CLIENTS
    answers: list[list[Timed]] = [[] for _ in range(fleet.SAVE_CLIENTS)]
    until = perf_counter() + SAVE_S

    def questions(place: int) -> Iterator[Question]:
        for key in known.damages[place * share : (place + 1) * share]:
            if perf_counter() > until:
                return
            body = json.dumps({"damages": [{"id": str(key), "state": DamageState.ACCEPTED}]}).encode()
            yield Question(server.url, "/core/v1/damages", headers, method="PATCH", body=body)

    def work(place: int) -> None:
        answers[place] = timed(questions(place))

    elapsed = _at_once(fleet.SAVE_CLIENTS, work)
    saved = [one for mine in answers for one in mine]
    rate = len(saved) / elapsed
    return Figure(
        f"decisions saved a second, {fleet.SAVE_CLIENTS} clients / goal", rate / fleet.SAVE_GOAL,
        f">= {fleet.SAVE_GOAL:g}", rate >= fleet.SAVE_GOAL,
        f"{rate:.0f} a second; p50 {p50(saved):.1f} ms, p95 {p95(saved):.1f} ms, {saved[0].queries} queries",
    )  # fmt: skip


def _at_once(clients: int, work: Callable[[int], None]) -> float:
    """Let threads work, each with its number; the seconds until all were done."""
    failures: list[BaseException] = []

    def guarded(place: int) -> None:
        try:
            work(place)
        except Exception as error:  # noqa: BLE001 - told by the thread that waits for this one
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(place,)) for place in range(clients)]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return perf_counter() - started
