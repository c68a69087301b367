"""Backup and restore: one file with every row and every stored file, for either database and either storage.

The file is a gzipped tar archive, written and read as a stream:

    rows/0001-tenants.tenant.jsonl    rows of one model as Django's serializers write them, one a line
    ...
    files/received/<set>/<file>       what lies in storage, under its key
    ...
    files.jsonl                       key, size and SHA-256 of each of these
    manifest.json                     format, migrations, counts, and name, size and SHA-256 of each part

Secrets stay sealed: without the SEALING_KEYS of the installation (in development its SECRET_KEY) nobody opens them, so
these keys have to be kept apart from the backups, and must not be lost.
"""

from inspection_platform.backup.archive import BackupDamaged
from inspection_platform.backup.manifest import BackupRefused, Manifest
from inspection_platform.backup.meter import Meter
from inspection_platform.backup.restoring import backup_check, backup_restore
from inspection_platform.backup.saving import backup_write

__all__ = ["BackupDamaged", "BackupRefused", "Manifest", "Meter", "backup_check", "backup_restore", "backup_write"]
