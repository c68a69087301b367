"""What API tests share: people and keys as request headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspection_platform.api.core.authentication import id_token_mint
from tenants.models import User

Headers = dict[str, str]


@pytest.fixture
def bearer() -> Callable[[User], Headers]:
    """Headers of a person who logged in just now."""

    def headers(user: User) -> Headers:
        return {"authorization": f"Bearer {id_token_mint(user, user.current_tenant)}"}

    return headers
