from typing import Any

from django.conf import settings
from django.db import migrations, models

LONGEST = 40


def name_apart(apps: Any, _schema: Any) -> None:
    """Where two uploads of one version were both kept, give those that do not speak a version of their own.

    Detections and records name a row, not its version: they keep what they say.
    """
    rows = apps.get_model("imaging", "ModelVersion").objects.exclude(state="released").order_by("created_at", "pk")
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.name, row.version), []).append(row)
    for same in found.values():
        kept = next((row for row in same if row.state == "current"), same[0])
        for row in same:
            if row.pk != kept.pk:
                row.version = f"{row.version[: LONGEST - 9]}+{row.sha256[:8]}"
                row.card = {**row.card, "version": row.version}
                row.save(update_fields=["version", "card"])


class Migration(migrations.Migration):

    dependencies = [
        ('imaging', '0005_shadow_measures'),
        ('tenants', '0009_signing_secret_history'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(name_apart, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'released'), _negated=True), fields=('name', 'version'), name='model_version_uploaded_once'),
        ),
    ]
