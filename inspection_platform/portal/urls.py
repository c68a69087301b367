"""URLs of the staff pages; included at `admin/`, before the admin's own, so that they wear its look and its login."""

from __future__ import annotations

from django.urls import path

from inspection_platform.portal import (
    accuracy,
    acting,
    answers,
    audit,
    disagreements,
    inspections,
    invitations,
    models,
    photos,
    queue,
    removals,
    work,
)
from inspection_platform.portal.access import global_admin_view, staff_view

app_name = "portal"

_SET = "queue/<uuid:image_set_id>/"
_DAMAGE = _SET + "damages/<uuid:damage_id>/"
_INSPECTION = "inspections/<uuid:image_set_id>/"
_MODEL = "models/<slug:name>/"
_VERSION = _MODEL + "<uuid:version_id>/"

urlpatterns = [
    path("accuracy/", staff_view(accuracy.page), name="accuracy"),
    path("accuracy/accuracy.csv", staff_view(accuracy.as_csv), name="accuracy-csv"),
    path("acting/", staff_view(acting.page), name="acting"),
    path("acting/choose/", staff_view(acting.choose), name="acting-choose"),
    path("audit/", staff_view(audit.page), name="audit"),
    path("models/", global_admin_view(models.overview), name="models"),
    path("models/upload/", global_admin_view(models.upload), name="model-upload"),
    path(_MODEL, global_admin_view(models.model), name="model"),
    path(_MODEL + "release/", global_admin_view(models.release), name="model-release"),
    path(_VERSION, global_admin_view(models.version), name="model-version"),
    path(_VERSION + "promote/", global_admin_view(models.promote), name="model-promote"),
    path(_VERSION + "drop/", global_admin_view(models.drop), name="model-drop"),
    path(_VERSION + "shadow/", global_admin_view(models.shadow), name="model-shadow"),
    path(_VERSION + "unshadow/", global_admin_view(models.unshadow), name="model-unshadow"),
    path(_VERSION + "disagreements/", global_admin_view(disagreements.page), name="model-disagreements"),
    path("people/invite/", staff_view(invitations.invite), name="invite"),
    path("people/<uuid:membership_id>/remind/", staff_view(invitations.remind), name="remind"),
    path("people/invited/<uuid:invitation_id>/again/", staff_view(invitations.invite_again), name="invite-again"),
    path("invitations/", staff_view(answers.mine), name="invitations"),
    path("invitations/<uuid:invitation_id>/answer/", staff_view(answers.answer), name="invitation-answer"),
    path("queue/", staff_view(queue.overview), name="queue"),
    path("queue/next/", staff_view(queue.claim_next), name="claim-next"),
    path(_SET, staff_view(queue.work), name="work"),
    path(_SET + "lock/", staff_view(queue.lock), name="lock"),
    path(_SET + "unlock/", staff_view(queue.unlock), name="unlock"),
    path(_SET + "renew/", staff_view(work.renew), name="renew"),
    path(_SET + "finish/", staff_view(work.finish), name="finish"),
    path(_SET + "skip/", staff_view(work.skip), name="skip"),
    path(_DAMAGE + "decide/", staff_view(work.decide), name="decide"),
    path(_DAMAGE + "category/", staff_view(work.categorise), name="category"),
    path(_DAMAGE + "undo/", staff_view(work.undo), name="undo"),
    path(_DAMAGE + "delete/", staff_view(work.delete), name="delete"),
    path(_SET + "photos/<uuid:image_id>/draw/", staff_view(work.draw), name="draw"),
    path(_SET + "weaker/<uuid:detection_id>/add/", staff_view(work.weaker_add), name="weaker-add"),
    path(_INSPECTION, staff_view(inspections.inspection), name="inspection"),
    path(_INSPECTION + "photos/<uuid:image_id>/", staff_view(photos.photo, cacheable=True), name="photo"),
    path(_INSPECTION + "weaker/", staff_view(inspections.weaker), name="weaker"),
    path(_INSPECTION + "results/<int:version>/", staff_view(inspections.result), name="result"),
    path(_INSPECTION + "run-again/", staff_view(inspections.run_again), name="run-again"),
    path(_INSPECTION + "removed/", staff_view(removals.removed), name="removed"),
    path(_INSPECTION + "remove/", staff_view(removals.remove), name="remove"),
    path(_INSPECTION + "restore/", staff_view(removals.restore), name="restore"),
    path(_INSPECTION + "photos/<uuid:image_id>/remove/", staff_view(removals.remove_photo), name="remove-photo"),
    path(_INSPECTION + "photos/<uuid:image_id>/restore/", staff_view(removals.restore_photo), name="restore-photo"),
    path(_INSPECTION + "dispute/", staff_view(removals.dispute), name="dispute"),
    path(_INSPECTION + "reopen/", staff_view(inspections.reopen), name="reopen"),
    path(
        _INSPECTION + "deliveries/<uuid:delivery_id>/send-again/", staff_view(inspections.send_again), name="send-again"
    ),
]
