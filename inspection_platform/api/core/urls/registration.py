"""Routes of registration and password reset."""

from __future__ import annotations

from inspection_platform.api.core.views.registration import RegisterView, ResetConfirmView, ResetView, VerifyView
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/register", RegisterView.as_view(), "core-auth-register"),
    route("auth/register/verify", VerifyView.as_view(), "core-auth-register-verify"),
    route("auth/resetPassword", ResetView.as_view(), "core-auth-reset-password"),
    route("auth/resetPassword/confirm", ResetConfirmView.as_view(), "core-auth-reset-password-confirm"),
]
