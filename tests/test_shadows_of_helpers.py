"""Candidates of the models of masks and of views in shadow, on the way real workers go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.urls import reverse
from numpy.typing import NDArray

from damages.models import Damage, ResultVersion
from imaging.jobs import damage_detection
from imaging.ml.models.view_and_wheels import WHOLE
from imaging.ml.types import Finding, Mask
from imaging.models import Detection, JobRun, ModelVersion, ShadowRun, ShadowState
from imaging.selectors import ShadowFilters, agreements, shadow_runs
from imaging.services import shadows
from imaging.services.candidates import model_promote, shadow_start
from inspection_platform import workflow
from tenants.scope import Reach
from tests import candidates, factories, models, queue
from tests.admin_pages import login
from tests.test_shadows import looked, processed, rows, scratched, submit

pytestmark = pytest.mark.django_db

MASK, VIEW = "vehicle_mask", "view_and_wheels"


class ChosenMask(models.ChosenModel):
    """Sees a vehicle in the left part of every photo, `share` of it wide; none if that is 0."""

    def __init__(self, share: float) -> None:
        super().__init__(lambda _image: [], MASK)
        self.share = share

    def mask(self, image: NDArray[np.uint8]) -> Any:
        """The chosen mask; not sure enough of it to keep damages to it."""
        self.asked += 1
        soft = np.zeros((100, 100), np.float32)
        soft[:, : round(100 * self.share)] = 0.75
        return Mask(self.name, self.version, image.shape[1], image.shape[0], soft, 0.75 if self.share else 0.0)

    def outline(self, found: Mask) -> tuple[Finding, ...]:
        """A box around it."""
        right = self.share
        return (Finding("vehicle", found.score, ((0, 0), (right, 0), (right, 1), (0, 1))),) if found.score else ()


def sees(view: str, *wheels: float) -> models.See:
    """A view of a car and wheels at these places from the left."""
    marks = [Finding(view, 0.9, WHOLE), *(models.square(left, 0.7, label="wheel") for left in wheels)]
    return lambda _image: marks


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[str, models.ChosenModel]:
    """The current models of the pipeline by name: two damages, a vehicle over the whole photo, its front and wheels."""
    damage = models.use(monkeypatch, lambda _image: [models.square(0.1, 0.1), models.square(0.6, 0.6, score=0.6)])
    view = models.ChosenModel(sees("front", 0.1, 0.7), VIEW)
    by_name = {damage.name: damage, MASK: ChosenMask(1.0), VIEW: view}
    for module in (damage_detection, shadows):
        monkeypatch.setattr(module, "load", lambda name, *, threads: by_name[name])
    return by_name


def shadowed(
    house: factories.House, monkeypatch: pytest.MonkeyPatch, model: models.ChosenModel, version: str = "9.0.0"
) -> ModelVersion:
    """A candidate in shadow that sees what this model says."""
    candidates.no_probe(monkeypatch)
    row = candidates.received(house.global_admin, version, name=model.name)
    monkeypatch.setattr(shadows, "version_load", lambda _name, _pk, *, threads: model)
    return shadow_start(version=row, tenants=[house.tenant], for_all=False, by=house.global_admin)


@pytest.mark.parametrize(
    ("share", "stands", "overlap"),
    [(0.95, "agreed", 0.95), (0.85, "kind_differs", 0.85), (0.0, "only_current", None)],
)
def test_masks_are_compared_by_their_overlap(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object, share: float, stands: str,
    overlap: float | None,
) -> None:  # fmt: skip
    row = shadowed(ours, monkeypatch, ChosenMask(share))
    processed(ours)
    [look] = looked()
    assert (look.state, str(look.against)) == (ShadowState.DONE, "vehicle_mask test-1"), look.error
    assert {name: getattr(look, name) for name in ("agreed", "kind_differs", "only_current", "only_candidate")} == {
        name: int(name == stands) for name in ("agreed", "kind_differs", "only_current", "only_candidate")
    }
    assert look.overlap == (None if overlap is None else pytest.approx(overlap))
    found = agreements(shadow_runs(ShadowFilters(), reach=Reach.every()))[row.pk]
    assert (found.overlap, found.of_things.count) == (look.overlap, 1)


def test_views_and_wheels_are_compared_one_by_one(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object
) -> None:
    row = shadowed(ours, monkeypatch, models.ChosenModel(sees("front_left", 0.12), VIEW))
    processed(ours)
    [look] = looked()
    assert (look.state, str(look.against)) == (ShadowState.DONE, "view_and_wheels test-1"), look.error
    assert look.pairs == [["near", 0, 0], ["agreed", 1, 1], ["only_current", 2, None]]
    assert (look.near, look.agreed, look.only_current, look.wheels_agreed, look.wheels_alone) == (1, 1, 1, 1, 1)
    found = agreements(shadow_runs(ShadowFilters(), reach=Reach.every()))[row.pk]
    assert [(rate.hits, rate.count) for rate in (found.of_views, found.of_views_near, found.of_wheels)] == [
        (0, 1), (1, 1), (1, 2),
    ]  # fmt: skip
    assert (found.photos, found.photos_alike, found.of_things.hits, found.of_things.count) == (1, 0, 1, 3)


def test_a_candidate_sees_the_photo_as_the_job_shows_it(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object
) -> None:
    shapes: list[tuple[int, ...]] = []

    def see(image: NDArray[np.uint8]) -> list[Finding]:
        shapes.append(image.shape)
        return []

    shadowed(ours, monkeypatch, models.ChosenModel(see, VIEW))
    processed(ours)
    assert looked()[0].state == ShadowState.DONE
    assert shapes == [(384, 512, 3)]


@pytest.mark.parametrize("model", [ChosenMask(0.1), models.ChosenModel(sees("rear"), VIEW)])
def test_nothing_of_it_changes_what_is_said(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object, model: models.ChosenModel
) -> None:
    row = shadowed(ours, monkeypatch, model)
    image_set = processed(ours)
    before = list(image_set.images.values()), ResultVersion.objects.of(ours.tenant.pk).get().facts
    assert looked()[0].state == ShadowState.DONE
    assert (list(image_set.images.values()), ResultVersion.objects.of(ours.tenant.pk).get().facts) == before
    assert Damage.objects.of(ours.tenant.pk).count() == Detection.objects.of(ours.tenant.pk).count() == 2
    jobs = JobRun.objects.of(ours.tenant.pk)
    assert not jobs.filter(model_version=row).exists()
    assert not jobs.filter(helpers=row).exists()
    assert "9.0.0" not in str(before)


def test_candidates_of_both_models_of_a_job_look_at_its_photos(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object
) -> None:
    mask = shadowed(ours, monkeypatch, ChosenMask(0.5))
    damage = shadowed(ours, monkeypatch, models.ChosenModel(lambda _image: []))
    processed(ours)
    assert {(row.candidate, str(row.against)) for row in rows()} == {
        (mask, "vehicle_mask test-1"), (damage, "damage_detector test-1"),
    }  # fmt: skip


def test_the_page_of_masks_draws_both_outlines_on_one_picture_and_states_the_limit(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object
) -> None:
    row = shadowed(ours, monkeypatch, ChosenMask(0.5))
    processed(ours)
    looked()
    address = reverse("portal:model-disagreements", args=[MASK, row.pk])
    answer = login(ours.global_admin).get(address)
    [shown] = answer.context["shown"]
    [side] = shown["sides"]
    assert [mark["label"] for mark in side["marks"]] == ["Current test-1: vehicle", "Candidate 9.0.0: vehicle"]
    page = answer.content.decode()
    assert page.count('<polygon class="ip-mark') == 2
    assert "IoU 0.50" in page
    assert "Both saw a vehicle, IoU below 0.90" in page
    assert "From 0.90 on they agree" in page


def test_the_page_of_views_tells_views_and_wheels_apart(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, chosen: object
) -> None:
    row = shadowed(ours, monkeypatch, models.ChosenModel(sees("front_left", 0.12), VIEW))
    processed(ours)
    looked()
    client, address = login(ours.global_admin), reverse("portal:model-disagreements", args=[VIEW, row.pk])
    assert len(client.get(address, {"kind": "near"}).context["shown"]) == 1
    assert client.get(address, {"kind": "kind_differs"}).context["shown"] == []
    page = client.get(address).content.decode()
    figures = ("Same view or 45 degrees apart", "Wheels that both saw", "Views 45 degrees apart")
    for words in (*figures, "45 degrees apart</span>"):
        assert words in page
    page = client.get(reverse("portal:model-version", args=[VIEW, row.pk])).content.decode()
    for words in figures:
        assert words in page


@pytest.mark.parametrize(("name", "job"), [(MASK, "damage_detection"), (VIEW, "quality")])
def test_a_real_candidate_runs_in_shadow_and_then_in_the_pipeline(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch, name: str, job: str
) -> None:
    """No model is put in anybody's place here: the released one, and the same under another version."""
    candidates.no_probe(monkeypatch)
    row = candidates.received(ours.global_admin, name=name)
    shadow_start(version=row, tenants=[ours.tenant], for_all=False, by=ours.global_admin)
    image_set = submit(ours, scratched())
    queue.drain()
    [look] = looked()
    assert look.state == ShadowState.DONE, look.error
    assert (look.near, look.kind_differs, look.only_current, look.only_candidate) == (0, 0, 0, 0)
    assert look.findings == look.current_findings
    assert look.overlap == (1.0 if name == MASK and look.findings else None)
    model_promote(version=row, by=ours.global_admin, reason="the same", instead_of=None)
    run = workflow.run_again(image_set=image_set)
    queue.drain()
    ran = JobRun.objects.of(ours.tenant.pk).get(run=run, name=job)
    assert row in {ran.model_version, *ran.helpers.all()}
    assert ShadowRun.objects.of(ours.tenant.pk).count() == 1
