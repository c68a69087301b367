"""What the histories of memberships told of invitations, as rows. Whoever is a member stays one: they count as accepted.

Backwards nothing is to be done: the histories still hold those notes. What was invited since then goes with the table;
whoever accepted stays a member.
"""

from datetime import timedelta

from django.db import migrations

_LIFE = timedelta(days=7)
_SENT, _FAILED = "invitation sent by", "invitation not sent:"


def take_over(apps, schema_editor):
    histories = apps.get_model("tenants", "HistoricalMembership").objects
    notes = {}
    for note in histories.filter(history_change_reason__startswith="invit").order_by("history_date").iterator():
        notes.setdefault(note.id, []).append(note)
    members = apps.get_model("tenants", "Membership")._default_manager.select_related("user")
    for membership in members.filter(pk__in=notes):
        apps.get_model("tenants", "Invitation")(**_row(membership, notes[membership.pk])).save()


def _row(membership, notes):
    asked = [note for note in notes if note.history_change_reason == "invited"]
    last_asked, user = (asked or notes)[-1], membership.user
    return {
        "tenant_id": membership.tenant_id, "user_id": user.pk, "phone": user.phone, "first_name": user.first_name,
        "last_name": user.last_name, "role": membership.role, "is_staff": user.is_staff, "state": "accepted",
        "invited_by_id": last_asked.history_user_id, "answered_at": membership.created_at, "sends": len(asked) or 1,
        "asked_at": last_asked.history_date, "expires_at": last_asked.history_date + _LIFE,
        **_sending(notes[-1].history_change_reason),
    }  # fmt: skip


def _sending(reason):
    if reason.startswith(_SENT):
        return {"sending": "sent", "sent_by": "email" if reason.endswith("e-mail") else "phone"}
    if reason.startswith(_FAILED):
        return {"sending": "failed", "failure": reason.removeprefix(_FAILED).strip()}
    return {"sending": "waiting"}


class Migration(migrations.Migration):

    dependencies = [("tenants", "0010_invitations")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
