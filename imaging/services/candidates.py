"""Candidates: versions of models that admins upload, try in shadow, promote and drop. Each step leaves a record."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from imaging.ml import registry
from imaging.ml.card import Card, CardError
from imaging.ml.probe import probe
from imaging.ml.runtime import preferred
from imaging.models import CandidateFile, ChangeKind, ModelChange, ModelVersion, ShadowRun, ShadowState, VersionState
from imaging.services.candidate_intake import Sent, Unpacked, candidate_unpack
from imaging.services.model_files import card_local, files_store
from imaging.services.model_versions import model_version_note
from imaging.shadowing import SHADOWED
from imaging.states import state_checked
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Tenant, User
from tenants.services.people import is_global_admin

_LONGEST_REASON: Final = 500
_UNFINISHED: Final = (ShadowState.WAITING, ShadowState.RUNNING)


def candidate_receive(
    *, sent: Sequence[Sent], by: User, known_labels: Mapping[str, Collection[str]], reason: str = ""
) -> ModelVersion:
    """Take an uploaded version of a model: judge it, try it in another process, keep it sealed.

    A dropped version that comes again, the very same, is a candidate again. Raises Forbidden, Invalid saying what is
    wrong with the files, and Conflict for a version that exists already.
    """
    _permit(by)
    unpacked = candidate_unpack(sent, known_labels=known_labels, most_bytes=settings.MAX_MODEL_BYTES)
    known = _known(unpacked.card)
    _try(unpacked)
    row = known or ModelVersion(
        name=unpacked.card.name, version=unpacked.card.version, sha256=unpacked.card.file_for(preferred()).sha256,
        card=dict(unpacked.card.raw), state=VersionState.DROPPED,
    )  # fmt: skip
    with ExitStack() as undo:
        files = files_store(row.pk, unpacked.contents)
        if known is None:
            undo.callback(_files_remove, [str(file.file.name) for file in files])
        try:
            with transaction.atomic():
                _keep(row, files, by=by, reason=reason)
        except IntegrityError as error:
            raise Conflict(
                f"Somebody else uploaded {row} just now. Look at theirs, or give yours a version of its own."
            ) from error
        undo.pop_all()
    return row


def shadow_start(
    *, version: ModelVersion, tenants: Collection[Tenant], for_all: bool, by: User, reason: str = ""
) -> ModelVersion:
    """Let a candidate look at the photos of these tenants, or of all, beside the current version.

    For one in shadow already it changes whose photos it sees. Raises Forbidden, Invalid, Conflict.
    """
    _permit(by)
    if version.name not in SHADOWED:
        raise Invalid(f"{version.name} cannot run in shadow: no job of the pipeline shows it whole photos.")
    if not for_all and not tenants:
        raise Invalid("Choose at least one tenant.", {"tenants": ["Choose at least one tenant, or all."]})
    _check_files(version)
    with transaction.atomic():
        row = _locked(version)
        if row.state != VersionState.SHADOW:
            row.state = state_checked(row.state, VersionState.SHADOW)
        row.shadow_for_all = for_all
        row.save(update_fields=["state", "shadow_for_all", "modified_at"])
        row.shadow_tenants.set(() if for_all else tenants)
        whose = "all tenants" if for_all else sorted(tenant.name for tenant in tenants)
        _record(row, ChangeKind.SHADOWED, by=by, reason=_worded(reason), details={"tenants": whose})
    return row


def shadow_end(*, version: ModelVersion, by: User, reason: str = "") -> ModelVersion:
    """Take a version out of shadow; what it said stays to be looked at. Raises Forbidden, Conflict."""
    _permit(by)
    with transaction.atomic():
        row = _locked(version)
        if row.state != VersionState.SHADOW:
            raise Conflict("This version is not in shadow.")
        _move(row, VersionState.CANDIDATE)
        _record(row, ChangeKind.RECALLED, by=by, reason=_worded(reason))
    return row


def model_promote(*, version: ModelVersion, by: User, reason: str, instead_of: UUID | None) -> ModelVersion:
    """Let a version speak from the next job on, in every worker; the one that spoke so far becomes a former one.

    The same call brings a former version back, also the one that came with the running release. `instead_of` is the
    promoted version that the person saw as current (None: the release's); if another one is by now, it is a Conflict.
    Raises Forbidden, Invalid without a reason, Conflict.
    """
    _permit(by)
    why = _worded(reason, is_needed=True)
    if version.state != VersionState.RELEASED:
        _check_files(version)
    with transaction.atomic():
        row = _locked(version)
        current = ModelVersion.objects.filter(name=row.name, state=VersionState.CURRENT).first()
        if (current.pk if current else None) != instead_of:
            raise Conflict("Somebody else promoted another version meanwhile. Look again, then decide.")
        if row.state == VersionState.RELEASED:
            _check_release(row, current)
        else:
            state_checked(row.state, VersionState.CURRENT)
        replaced = current or model_version_note(registry.card(row.name))
        if current is not None:
            _move(current, VersionState.FORMER)
        if row.state != VersionState.RELEASED:
            _move(row, VersionState.CURRENT)
        _record(row, ChangeKind.PROMOTED, by=by, reason=why, replaced=replaced)
    return row


def candidate_drop(*, version: ModelVersion, by: User, reason: str) -> ModelVersion:
    """Give a version up: its files are deleted, what it said stays. The same files may be uploaded again.

    Raises Forbidden, Invalid without a reason, Conflict for the current version and for those of a release.
    """
    _permit(by)
    why = _worded(reason, is_needed=True)
    with transaction.atomic():
        row = _locked(version)
        _move(row, VersionState.DROPPED)
        keys = [str(key) for key in row.files.values_list("file", flat=True)]
        row.files.all().delete()
        _record(row, ChangeKind.DROPPED, by=by, reason=why)
        transaction.on_commit(lambda: _files_remove(keys))
    return row


# --- taking one in ---


def _known(card: Card) -> ModelVersion | None:
    """The row of a dropped version that comes again; Conflict for one that may not come again, or differs."""
    row = ModelVersion.objects.filter(name=card.name, version=card.version).order_by("created_at").first()
    released = registry.card(card.name)
    if row is None and released.version != card.version:
        return None
    if row is not None and row.state == VersionState.DROPPED and row.card == dict(card.raw):
        return row
    if row is not None and row.state == VersionState.DROPPED:
        raise Conflict(f"{row} was another one; it was dropped. Give this one a version of its own.")
    raise Conflict(f"{card.name} {card.version} is there already. Give this one a version of its own.")


def _try(unpacked: Unpacked) -> None:
    """Invalid unless the model works, tried where it can do no harm."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        for name, content in unpacked.contents.items():
            (Path(folder) / name).write_bytes(content)
        card = Path(folder) / "card.json"
        card.write_text(json.dumps(unpacked.card.raw), encoding="utf-8")
        found = probe(card, seconds=settings.MODEL_TRY_SECONDS)
    if found.fault:
        raise Invalid(found.fault)


def _keep(row: ModelVersion, files: Sequence[CandidateFile], *, by: User, reason: str) -> None:
    row.state = state_checked(row.state, VersionState.CANDIDATE)
    row.uploaded_by = by
    row.save()
    CandidateFile.objects.bulk_create(files)
    _record(row, ChangeKind.UPLOADED, by=by, reason=_worded(reason))


def _check_files(version: ModelVersion) -> None:
    """Conflict unless this machine can have the version's files: then the others can as well."""
    try:
        card_local(version)
    except CardError as error:
        raise Conflict(f"{version} cannot be loaded: {error}.") from error


def _check_release(row: ModelVersion, current: ModelVersion | None) -> None:
    released = registry.card(row.name)
    digests = {file.sha256 for file in released.files}
    if row.version != released.version or row.sha256 not in digests:
        raise Conflict(f"{row} did not come with the running release, which holds {released.version}.")
    if current is None:
        raise Conflict(f"{row} is what runs already.")


# --- what all of them share ---


def _permit(by: User) -> None:
    if not is_global_admin(by):
        raise Forbidden("Models are kept by global admins.")


def _worded(reason: str, *, is_needed: bool = False) -> str:
    text = " ".join(reason.split())
    if is_needed and not text:
        raise Invalid("Say why.", {"reason": ["Say why: the next one who looks wants to know."]})
    if len(text) > _LONGEST_REASON:
        raise Invalid("The reason is too long.", {"reason": [f"At most {_LONGEST_REASON} characters."]})
    return text


def _locked(version: ModelVersion) -> ModelVersion:
    """The version afresh, once every version of its model is locked: two admins take turns. NotFound if it is gone."""
    rows = ModelVersion.objects.select_for_update().filter(name=version.name).order_by("pk")
    found = {row.pk: row for row in rows}
    if version.pk not in found:
        raise NotFound("There is no such version.")
    return found[version.pk]


def _move(row: ModelVersion, state: VersionState) -> None:
    """Give a version its next state; one that is no longer in shadow sees no more photos."""
    row.state = state_checked(row.state, state)
    row.shadow_for_all = False
    row.save(update_fields=["state", "shadow_for_all", "modified_at"])
    row.shadow_tenants.clear()
    waiting = ShadowRun.objects.all_tenants("a version leaves the shadow of all tenants at once")
    waiting.filter(candidate=row, state__in=_UNFINISHED).delete()


def _record(
    row: ModelVersion,
    kind: ChangeKind,
    *,
    by: User,
    reason: str,
    replaced: ModelVersion | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    ModelChange(
        name=row.name,
        model_version=row,
        kind=kind,
        by=by,
        reason=reason,
        replaced=replaced,
        details=dict(details or {}),
    ).save()


def _files_remove(keys: Sequence[str]) -> None:
    for key in keys:
        default_storage.delete(key)
