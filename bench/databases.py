"""Databases for benchmarks, gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg


class NoServer(Exception):
    """There is no PostgreSQL to measure on."""


@contextmanager
def sqlite(scratch: Path) -> Iterator[str]:
    """The address of a database file in the scratch folder."""
    yield f"sqlite:///{scratch / 'db.sqlite3'}"


@contextmanager
def postgresql(_scratch: Path) -> Iterator[str]:
    """The address of a new database on the server of TEST_DATABASE_URL (or of this machine); NoServer without one."""
    server = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    name = f"bench_{os.getpid()}"
    try:
        connection = psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise NoServer(f"no PostgreSQL ({str(error).splitlines()[0]})") from error
    with connection, _made(connection, name):
        yield _named(server, name)


@contextmanager
def copied(address: str) -> Iterator[str]:
    """The address of a copy of a PostgreSQL database that nobody is connected to, gone at the end of the block."""
    name = urlsplit(address).path.removeprefix("/")
    with (
        psycopg.connect(_named(address, "postgres"), autocommit=True) as connection,
        _made(connection, f"{name}_copy", template=name),
    ):
        yield _named(address, f"{name}_copy")


@contextmanager
def _made(connection: psycopg.Connection, name: str, *, template: str = "template1") -> Iterator[None]:
    connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield
    finally:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _named(address: str, name: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))
