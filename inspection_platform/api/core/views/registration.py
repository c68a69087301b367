"""Registration and password reset by one-time codes. No answer tells whether somebody exists."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.docs import registration as docs
from inspection_platform.api.core.presenters import registration as present
from inspection_platform.api.core.serializers.registration import (
    CoreRegistration,
    CoreReset,
    CoreResetConfirmation,
    CoreVerification,
)
from inspection_platform.api.core.views.common import PublicCoreView
from inspection_platform.api.throttles import CodeAddressThrottle, CodeAskThrottle, CodeTryThrottle
from inspection_platform.codes import registration_ask, reset_ask
from tenants.services.registration import registration_check, registration_verify, reset_confirm

#: Names on the wire to names of the domain, where they differ.
_NAMES: Final = {"firstName": "first_name", "lastName": "last_name"}


class RegisterView(PublicCoreView):
    """W12."""

    operations = {"POST": "W12"}
    throttle_classes = [CodeAddressThrottle]

    @docs.register
    def post(self, request: Request) -> Response:
        """Ask for an account; a code is sent to confirm it."""
        form = CoreRegistration(data=request.data)
        form.is_valid(raise_exception=True)
        values = {_NAMES.get(name, name): value for name, value in form.validated_data.items()}
        registration = registration_check(**values)
        self._count(request)
        registration_ask(registration)
        return Response(present.registered())

    def _count(self, request: Request) -> None:
        """Only what sends a code counts for the name: a password that the rules refuse does not."""
        throttle = CodeAskThrottle()
        if not throttle.allow_request(request, self):
            self.throttled(request, throttle.wait() or 0)


class VerifyView(PublicCoreView):
    """W13."""

    operations = {"POST": "W13"}
    throttle_classes = [CodeAddressThrottle, CodeTryThrottle]

    @docs.verify
    def post(self, request: Request) -> Response:
        """Confirm a registration with its code; the account exists from now on."""
        form = CoreVerification(data=request.data)
        form.is_valid(raise_exception=True)
        registration_verify(**form.validated_data)
        return Response(present.verified())


class ResetView(PublicCoreView):
    """W14."""

    operations = {"POST": "W14"}
    throttle_classes = [CodeAddressThrottle, CodeAskThrottle]

    @docs.reset
    def post(self, request: Request) -> Response:
        """Ask for a code with which a new password can be chosen."""
        form = CoreReset(data=request.data)
        form.is_valid(raise_exception=True)
        reset_ask(form.validated_data["username"])
        return Response(present.reset())


class ResetConfirmView(PublicCoreView):
    """W15."""

    operations = {"POST": "W15"}
    throttle_classes = [CodeAddressThrottle, CodeTryThrottle]

    @docs.reset_confirm
    def post(self, request: Request) -> Response:
        """Choose a new password with the code."""
        form = CoreResetConfirmation(data=request.data)
        form.is_valid(raise_exception=True)
        reset_confirm(**form.validated_data)
        return Response(present.reset())
