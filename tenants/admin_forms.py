"""Forms of the admin: rows that stay within one tenant, and forms that only collect what a service needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db import transaction
from django.db.models import Model

from tenants.errors import DomainError, Invalid
from tenants.models import User

if TYPE_CHECKING:
    from django.forms import ModelForm as _ModelForm
else:
    from django.forms import ModelForm as _DjangoModelForm

    class Unparametrised:
        """Lets the generic notation of the type stubs pass at run time."""

        def __class_getitem__(cls, _: object) -> type:
            return cls

    class _ModelForm(Unparametrised, _DjangoModelForm):
        pass


M = TypeVar("M", bound=Model)


class SameTenantForm(_ModelForm[M]):
    """Refuses to tie a row to another tenant's row: a person who reaches both could do it by a slip."""

    def clean(self) -> dict[str, Any]:
        """The values, if all rows among them are of the row's own tenant."""
        values = super().clean() or self.cleaned_data
        own = values.get("tenant") or getattr(self.instance, "tenant_id", None)
        own_id = getattr(own, "pk", own)
        for name, value in list(values.items()):
            other_id = getattr(value, "tenant_id", None) if isinstance(value, Model) else None
            if own_id is not None and other_id is not None and other_id != own_id:
                self.add_error(name, "This belongs to another tenant.")
        return values


class ServiceForm(_ModelForm[M]):
    """A form whose row is written by a service; what the service refuses is shown at the fields.

    The service runs last in the validation, inside the page's transaction and only when everything else is in order,
    since only the service knows whether the input is acceptable. It must not be used beside inlines.
    """

    #: Who does it; the admin sets it on the class it makes for each request.
    by: ClassVar[User]
    #: A service's name of an input -> the form's name of it.
    named_by_service: ClassVar[Mapping[str, str]] = {}

    def carry_out(self) -> M:
        """Call the service with `cleaned_data` and return the row it wrote. Raises DomainError."""
        raise TypeError(f"{type(self).__name__} names no service.")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the stubs leave out this hook of Django's own user forms
        if self.errors:
            return
        try:
            with transaction.atomic():
                self.instance = self.carry_out()
        except DomainError as refusal:
            self._refuse(refusal)

    def _refuse(self, refusal: DomainError) -> None:
        known = {name: reasons for name, reasons in _fields(refusal).items() if self._named(name) in self.fields}
        for name, reasons in known.items():
            self.add_error(self._named(name), list(reasons))
        if not known:
            self.add_error(None, refusal.message)

    def _named(self, name: str) -> str:
        return self.named_by_service.get(name, name)

    def save(self, commit: bool = True) -> M:
        """The row that the service wrote."""
        return self.instance

    def save_m2m(self) -> None:
        """Nothing is left to save."""


def _fields(refusal: DomainError) -> Mapping[str, list[str]]:
    return refusal.fields if isinstance(refusal, Invalid) else {}
