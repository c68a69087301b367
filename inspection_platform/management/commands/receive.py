"""`manage.py receive [--port 9000]`: hear the callbacks of a tenant, for development."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspection_platform.demo.people import SPECS
from inspection_platform.receiver import Receiver
from tenants.models import Tenant
from tenants.services.secrets import signing_secrets_valid


class Command(BaseCommand):
    """A thin door to `inspection_platform.receiver`."""

    help = "Listen on 127.0.0.1 for signed callbacks, verify them and print them as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, for whom, and for how many."""
        parser.add_argument("--port", type=int, default=9000)
        parser.add_argument("--tenant", default=SPECS[0].name, help="Name of the tenant whose secret signs.")
        parser.add_argument("--once", action="store_true", help="Stop after the first message.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Listen until stopped."""
        tenant = Tenant.objects.filter(name=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}. (manage.py demo makes one.)")
        heard: list[dict[str, Any]] = []

        def hear(message: dict[str, Any]) -> None:
            heard.append(message)
            self.stdout.write(json.dumps(message, indent=2, ensure_ascii=False))
            self.stdout.flush()

        server = Receiver(port=options["port"], secrets=lambda: signing_secrets_valid(tenant), hear=hear)
        self.stderr.write(f"Listening on http://127.0.0.1:{server.server_port}/ for callbacks to {tenant.name}")
        with suppress(KeyboardInterrupt):
            while not (options["once"] and heard):
                server.handle_request()
        server.server_close()
