"""The pages of models: who may open them, what they show, and what their buttons do."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from assets.models import Image, ImageSet
from imaging.ml import registry
from imaging.models import ModelChange, ModelVersion, ShadowRun, VersionState
from imaging.selectors import Agreement, ShadowFilters, agreements, shadow_runs
from inspection_platform.portal.cards import card_shown, compared, headline
from tenants.scope import Reach
from tests import candidates, factories
from tests.admin_pages import login, said

pytestmark = pytest.mark.django_db
NAME = candidates.NAME


@pytest.fixture
def client(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A global admin, where trying a model takes no time."""
    candidates.no_probe(monkeypatch)
    return login(ours.global_admin)


@pytest.fixture
def row(ours: factories.House, client: Client) -> ModelVersion:
    return candidates.received(ours.global_admin)


def address(name: str, row: ModelVersion | None = None) -> str:
    if row is None:
        return reverse(f"portal:{name}")
    return reverse(f"portal:{name}", args=[row.name, row.pk])


def text(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200
    return answer.content.decode()


def upload(client: Client, raw: dict[str, Any], **more: str) -> Any:
    files = [SimpleUploadedFile("card.json", json.dumps(raw).encode())]
    files += [SimpleUploadedFile(name, data) for name, data in candidates.contents().items()]
    return client.post(address("model-upload"), {"files": files, **more}, follow=True)


def look(image: Image, row: ModelVersion, **extra: Any) -> ShadowRun:
    """A look in shadow with a difference of each kind, unless told otherwise."""
    mark = {"label": "scratch", "score": 0.9, "polygon": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]}
    values: dict[str, Any] = {
        "state": "done", "finished_at": timezone.now(), "seconds": 0.5, "against": factories.model_version(),
        "findings": [mark] * 3, "current_findings": [mark] * 3,
        "pairs": [["agreed", 0, 0], ["kind_differs", 1, 1], ["only_current", 2, None], ["only_candidate", None, 2]],
        "agreed": 1, "kind_differs": 1, "only_current": 1, "only_candidate": 1,
    }  # fmt: skip
    made = ShadowRun(run=factories.run(image.image_set), image=image, candidate=row, **(values | extra))
    made.save()
    return made


# --- who ---


@pytest.mark.parametrize("role", ["tenant_admin", "annotator", "reviewer", "staff"])
def test_only_global_admins_get_in(role: str, ours: factories.House, row: ModelVersion) -> None:
    person = login(getattr(ours, role))
    pages = [address("models"), address("model-upload"), reverse("portal:model", args=[NAME])]
    for path in [*pages, address("model-version", row), address("model-disagreements", row)]:
        answer = person.get(path)
        assert answer.status_code == 403, path
        assert "9.0.0" not in answer.content.decode()
    for action in ("model-promote", "model-drop", "model-shadow", "model-unshadow"):
        assert person.post(address(action, row), {"reason": "x", "for_all": "1"}).status_code == 403
    assert person.post(reverse("portal:model-release", args=[NAME]), {"reason": "x"}).status_code == 403
    assert upload(person, candidates.card("9.1.0")).status_code == 403
    assert list(ModelVersion.objects.values_list("state", flat=True)) == [VersionState.CANDIDATE]


def test_nobody_without_a_log_in_gets_in(row: ModelVersion) -> None:
    for path in (address("models"), address("model-version", row)):
        answer = Client().get(path)
        assert answer.status_code == 302
        assert "/admin/login/" in answer["Location"]


def test_buttons_are_no_links(client: Client, row: ModelVersion) -> None:
    for action in ("model-promote", "model-drop", "model-shadow", "model-unshadow"):
        assert client.get(address(action, row)).status_code == 405


def test_what_is_not_there_is_a_404(client: Client, row: ModelVersion) -> None:
    assert client.get(reverse("portal:model", args=["mind_reader"])).status_code == 404
    assert client.get(reverse("portal:model-version", args=[NAME, uuid4()])).status_code == 404
    assert client.get(reverse("portal:model-version", args=["plate_detector", row.pk])).status_code == 404


def test_candidates_are_in_no_list_of_members(ours: factories.House, row: ModelVersion) -> None:
    listed = reverse("admin:imaging_modelversion_changelist")
    assert "9.0.0" not in text(login(ours.tenant_admin), listed)
    assert "9.0.0" in text(login(ours.global_admin), listed)


# --- what they show ---


def test_every_model_has_its_card(client: Client) -> None:
    page = text(client, address("models"))
    for name in registry.names():
        assert name in page
        card = registry.card(name).raw
        shown = text(client, reverse("portal:model", args=[name]))
        assert card["data"][0]["licence"] in shown.replace("&#x27;", "'").replace("&quot;", '"')
        assert "Known failures" in shown
        assert "the version of the release speaks" in shown


def test_a_card_is_shown_whatever_it_tells() -> None:
    by = {"a": {"n": 1, "r": 0.5}, "b": {"n": 2, "x": "y"}}
    shown = card_shown({
        "title": "T", "metrics": {"recall": 0.51234, "photos": 1234, "by": by}, "failures": ["sleeps"],
        "data": [{"name": "set", "licence": "CC0", "photos": {"train": 3}}], "odd": {"x": [1, None]},
    })  # fmt: skip
    assert shown.title == "T"
    metrics = dict(dict(shown.sections)["Measured quality"].pairs)
    assert (metrics["recall"].text, metrics["photos"].text) == ("0.5123", "1 234")
    assert metrics["by"].heads == ["", "n", "r", "x"]
    assert metrics["by"].rows == [["a", "1", "0.5", "–"], ["b", "2", "–", "y"]]
    [data] = dict(shown.sections)["Data"].items
    assert data.text == "set"
    assert [name for name, _ in data.pairs] == ["licence", "photos"]
    assert [item.text for item in dict(dict(shown.more)["odd"].pairs)["x"].items] == ["1", "–"]
    assert card_shown({}).sections == []


def test_figures_of_two_cards_stand_beside_one_another() -> None:
    lines = compared(
        {"metrics": {"recall": 0.5, "AP": 0.2}}, {"metrics": {"recall": 0.6}, "thresholds": {"score": 0.3}}
    )
    assert [(line.name, line.current, line.candidate, line.difference) for line in lines] == [
        ("recall", "0.5", "0.6", "+0.1"), ("AP", "0.2", "", ""), ("threshold: score", "", "0.3", ""),
    ]  # fmt: skip
    assert headline({"metrics": {"a": {"b": 1}, "c": True, "d": 2}}) == [("d", "2")]


def test_pages_cost_the_same_queries_with_more_rows(client: Client, ours: factories.House, row: ModelVersion) -> None:
    image_set = factories.image_set(ours.tenant, photos=12)
    counts = []
    for images, versions in ((image_set.images.all()[:3], 1), (image_set.images.all()[3:], 5)):
        for image in images:
            look(image, row)
        for number in range(versions):
            other = ModelVersion.objects.create(name=NAME, version=f"0.{images[0].position}.{number}", sha256="1" * 64)
            ModelChange(name=NAME, model_version=other, kind="promoted", by=ours.global_admin, replaced=row).save()
        paths = [address("models"), reverse("portal:model", args=[NAME]), address("model-version", row)]
        taken = []
        for path in [*paths, address("model-disagreements", row)]:
            client.get(path)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            taken.append(len(queries))
        counts.append(taken)
    assert counts[0] == counts[1]
    assert max(counts[0]) < 30


# --- uploading ---


def test_an_upload_leads_to_the_candidate_s_page(client: Client) -> None:
    answer = upload(client, candidates.card("9.1.0"), reason="More scratches")
    row = ModelVersion.objects.get(version="9.1.0")
    assert answer.redirect_chain[-1][0] == address("model-version", row)
    assert "is a candidate now" in said(answer)
    assert "More scratches" in answer.content.decode()


def test_a_refused_upload_says_why_and_keeps_what_was_typed(client: Client) -> None:
    answer = upload(client, candidates.card("9.1.0", labels=["unicorn"]), reason="Shiny <horn>")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "understands the labels unicorn" in page
    assert "Shiny &lt;horn&gt;" in page
    assert not ModelVersion.objects.exists()


def test_an_upload_that_is_too_large_or_empty_is_refused(client: Client, settings: Settings) -> None:
    settings.MAX_MODEL_BYTES = 1_000_000
    assert "larger than 1 MB" in upload(client, candidates.card("9.1.0")).content.decode()
    answer = client.post(address("model-upload"), {})
    assert answer.status_code == 400
    assert "Choose a card" in answer.content.decode()


# --- buttons ---


def test_shadow_promotion_and_rolling_back_by_buttons(client: Client, ours: factories.House, row: ModelVersion) -> None:
    answer = client.post(address("model-shadow", row), {"tenants": [str(ours.tenant.pk), "x"]}, follow=True)
    assert "In shadow for Our Rental." in answer.content.decode()
    answer = client.post(address("model-unshadow", row), follow=True)
    assert "sees no more photos" in said(answer)
    answer = client.post(address("model-promote", row), {"reason": "better", "instead_of": ""}, follow=True)
    assert "speaks from the next photo on" in said(answer)
    page = text(client, reverse("portal:model", args=[NAME]))
    released = registry.card(NAME).version
    assert f"Roll back to {released}" in page
    before = ModelVersion.objects.get(version=released)
    sent = {"reason": "worse", "instead_of": str(row.pk)}
    client.post(address("model-promote", before), sent)
    row.refresh_from_db()
    assert row.state == VersionState.FORMER
    assert "came with the release" in text(client, reverse("portal:model", args=[NAME]))
    answer = client.post(address("model-drop", row), {"reason": "no use"}, follow=True)
    assert "is dropped" in said(answer)


def test_back_to_the_release_from_any_version(client: Client, ours: factories.House, row: ModelVersion) -> None:
    client.post(address("model-promote", row), {"reason": "better", "instead_of": ""})
    other = candidates.received(ours.global_admin, "9.1.0")
    client.post(address("model-promote", other), {"reason": "better", "instead_of": str(row.pk)})
    page = text(client, reverse("portal:model", args=[NAME]))
    assert "Roll back to 9.0.0" in page
    assert "Back to the release" in page
    path = reverse("portal:model-release", args=[NAME])
    client.post(path, {"reason": "both are worse", "instead_of": str(other.pk)})
    assert not ModelVersion.objects.filter(state=VersionState.CURRENT).exists()
    answer = client.post(path, {"reason": "again", "instead_of": ""}, follow=True)
    assert "what runs already" in said(answer)


@pytest.mark.parametrize(
    ("action", "sent", "words"),
    [
        ("model-promote", {"instead_of": ""}, "Say why"),
        ("model-promote", {"reason": "x", "instead_of": str(uuid4())}, "Somebody else promoted"),
        ("model-drop", {"reason": " "}, "Say why"),
        ("model-shadow", {}, "at least one tenant"),
        ("model-unshadow", {}, "not in shadow"),
    ],
)
def test_refusals_are_told(client: Client, row: ModelVersion, action: str, sent: dict[str, str], words: str) -> None:
    assert words in said(client.post(address(action, row), sent, follow=True))
    row.refresh_from_db()
    assert row.state == VersionState.CANDIDATE


# --- disagreements ---


@pytest.fixture
def photos(ours: factories.House, outsider: factories.House, row: ModelVersion) -> dict[str, ShadowRun]:
    """Looks that differ in one way each, one that differs in none, and one of another tenant's photo."""
    image_set = factories.image_set(ours.tenant, photos=4)
    nothing = {"agreed": 0, "kind_differs": 0, "only_current": 0, "only_candidate": 0, "findings": [], "pairs": []}
    kinds = ("only_current", "only_candidate", "kind_differs", "agreed")
    found = {
        kind: look(image, row, **(nothing | {kind: 1}))
        for kind, image in zip(kinds, image_set.images.all(), strict=True)
    }
    Image.objects.of(ours.tenant.pk).filter(pk=found["only_current"].image_id).update(camera="topLeft")
    theirs = factories.image_set(outsider.tenant).images.get()
    return found | {"theirs": look(theirs, row)}


def shown(client: Client, row: ModelVersion, **query: str) -> set[Any]:
    answer = client.get(address("model-disagreements", row), query)
    assert answer.status_code == 200
    return {one["run"].pk for one in answer.context["shown"]}


def test_disagreements_by_kind_tenant_and_camera(
    client: Client, ours: factories.House, row: ModelVersion, photos: dict[str, ShadowRun]
) -> None:
    keys = {name: run.pk for name, run in photos.items()}
    different = {keys[name] for name in ("only_current", "only_candidate", "kind_differs", "theirs")}
    assert shown(client, row) == different
    assert shown(client, row, kind="all") == set(keys.values())
    for kind in ("only_current", "only_candidate", "kind_differs"):
        assert shown(client, row, kind=kind) == {keys[kind], keys["theirs"]}
    assert keys["theirs"] not in shown(client, row, tenant=str(ours.tenant.pk))
    assert shown(client, row, camera="topLeft") == {keys["only_current"]}
    assert keys["only_current"] not in shown(client, row, camera="-")
    for wrong in ({"kind": "unicorn"}, {"tenant": "x"}, {"camera": "trunk"}):
        assert shown(client, row, **wrong) == set()


def test_photos_that_went_are_not_shown(client: Client, row: ModelVersion, photos: dict[str, ShadowRun]) -> None:
    now = timezone.now()
    Image.objects.all_tenants("a test").filter(pk=photos["only_current"].image_id).update(deleted_at=now)
    ImageSet.objects.all_tenants("a test").filter(pk=photos["theirs"].image.image_set_id).update(deleted_at=now)
    assert shown(client, row) == {photos["only_candidate"].pk, photos["kind_differs"].pk}


def test_acting_for_a_tenant_narrows_them(
    client: Client, outsider: factories.House, row: ModelVersion, photos: dict[str, ShadowRun]
) -> None:
    client.post(reverse("portal:acting-choose"), {"tenant": str(outsider.tenant.pk), "next": "/admin/"})
    assert shown(client, row) == {photos["theirs"].pk}


def test_only_the_published_photo_is_drawn_upon(client: Client, ours: factories.House, row: ModelVersion) -> None:
    image = factories.image_set(ours.tenant).images.get()
    look(image, row)
    page = text(client, address("model-disagreements", row))
    assert reverse("portal:photo", args=[image.image_set_id, image.pk]) in page
    assert str(image.received.name) not in page
    Image.objects.of(ours.tenant.pk).update(published="")
    page = text(client, address("model-disagreements", row))
    assert "no published picture" in page
    assert "<img" not in page.split('id="disagreements"')[1]


def test_empty_pages_say_why(client: Client, ours: factories.House, row: ModelVersion) -> None:
    assert "has seen no photo yet" in text(client, address("model-disagreements", row))
    same = {"kind_differs": 0, "only_current": 0, "only_candidate": 0, "pairs": [["agreed", 0, 0]]}
    look(factories.image_set(ours.tenant).images.get(), row, **same)
    assert "agree on every photo" in text(client, address("model-disagreements", row))
    assert "No photo fits" in text(client, address("model-disagreements", row), kind="only_current")


def test_agreement_counts_things_and_photos(row: ModelVersion, photos: dict[str, ShadowRun]) -> None:
    found = agreements(shadow_runs(ShadowFilters(), reach=Reach.every()))[row.pk]
    assert found == Agreement(
        photos=5, photos_alike=1, agreed=2, kind_differs=2, only_current=2, only_candidate=2, seconds=0.5
    )
    assert (found.of_things.hits, found.of_things.count) == (2, 8)
    assert (found.of_photos.hits, found.of_photos.count) == (1, 5)
    assert found.of_things.is_few
    photos["agreed"].state, photos["theirs"].state = "failed", "waiting"
    for run in photos.values():
        run.save()
    again = agreements(shadow_runs(ShadowFilters(), reach=Reach.every()))[row.pk]
    assert (again.photos, again.failed, again.waiting) == (3, 1, 1)


def test_pages_turn(client: Client, ours: factories.House, row: ModelVersion) -> None:
    for image in factories.image_set(ours.tenant, photos=13).images.all():
        look(image, row)
    first = client.get(address("model-disagreements", row), {"kind": "only_current"})
    assert len(first.context["shown"]) == 12
    assert first.context["after"] == "?kind=only_current&page=2"
    second = client.get(address("model-disagreements", row) + first.context["after"])
    assert len(second.context["shown"]) == 1
    assert second.context["before"] == "?kind=only_current&page=1"
    assert len(shown(client, row, page="nonsense")) == 12
