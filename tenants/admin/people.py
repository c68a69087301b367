"""Admin pages of people: users, memberships, sessions, one-time codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.forms import ModelForm
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from tenants.admin_base import HistoryAdmin, person
from tenants.admin_exports import ScopedExport
from tenants.admin_forms import SameTenantForm, ServiceForm
from tenants.admin_inlines import ScopedTabular
from tenants.admin_parts import ReachFilter, column, invite_address, page_action, rows_within_reach
from tenants.models import Membership, Role, Tenant, User
from tenants.rights import reaches_beyond, standing_of
from tenants.scope import Reach
from tenants.services.accounts import user_create
from tenants.services.people import group_assign, group_unassign, membership_remove, membership_set
from tenants.services.rows import row_author
from tenants.services.sessions import sessions_close_all
from tenants.services.users import user_delete

if TYPE_CHECKING:
    from django.contrib.auth.forms import AdminPasswordChangeForm

    _CreationForm = forms.ModelForm[User]
    _PasswordForm = AdminPasswordChangeForm[User]
else:
    from unfold.forms import AdminPasswordChangeForm as _PasswordForm
    from unfold.forms import UserCreationForm

    class _CreationForm(UserCreationForm):
        """unfold's form with two password fields, for our own user model."""


class PersonAddForm(ServiceForm[User], _CreationForm):
    """A new person with their first tenant."""

    #: Where the asker may add people; without a tenant only those may who reach all.
    tenants: ClassVar[QuerySet[Tenant]]
    must_belong: ClassVar[bool] = True
    tenant = forms.ModelChoiceField(Tenant.objects.none())
    role = forms.ChoiceField(choices=Role.choices, initial=Role.USER, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = User
        fields = ("phone", "first_name", "last_name", "email", "is_staff")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenant"] = forms.ModelChoiceField(
            self.tenants, required=self.must_belong, widget=UnfoldAdminSelectWidget,
            help_text="The tenant the person works for.",
        )  # fmt: skip
        _describe_password(self)

    def carry_out(self) -> User:
        """Create the person."""
        values = self.cleaned_data
        return user_create(
            phone=values["phone"], password=values.get("password1") or None, tenant=values["tenant"],
            role=values["role"], first_name=values["first_name"], last_name=values["last_name"],
            email=values["email"], is_staff=values["is_staff"], by=self.by,
        )  # fmt: skip


class PasswordForm(_PasswordForm):
    """Two fields for a new password, or none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe_password(self)

    def save(self, commit: bool = True) -> User:
        """Store it; the history keeps no password, so it is told in words that there is a new one."""
        row_author(
            self.user, by=None, reason="password set" if self.cleaned_data.get("password1") else "password removed"
        )
        return super().save(commit)


def _describe_password(form: Any) -> None:
    """Say what is true here."""
    form.fields[
        "usable_password"
    ].help_text = (
        "Disabled: the person cannot log in until they choose a password with a one-time code, or somebody sets one."
    )


class PersonForm(SameTenantForm[User]):
    """A person's own data. A new address or number has to be proved anew."""

    def clean(self) -> dict[str, Any]:
        """Forget the proof of an address that was changed."""
        values = super().clean()
        if "email" in self.changed_data:
            self.instance.email_verified_at = None
        return values


class MembershipInline(ScopedTabular[Membership, User]):
    """The person's tenants, as far as they are within reach."""

    model = Membership
    fields = ("tenant", "role")
    select_related = ("tenant", "user")


if TYPE_CHECKING:
    _People = HistoryAdmin[User]
else:

    class _People(DjangoUserAdmin, HistoryAdmin):
        """Django's pages of users (two-step adding, password form) within reach."""


@admin.register(User)
class UserAdmin(ScopedExport, _People):
    """People. Tenant admins see their tenants' members; groups and what reaches further is for global admins."""

    form = PersonForm
    add_form = PersonAddForm
    change_password_form = PasswordForm
    list_display = (
        "phone",
        column(lambda user: user.get_full_name(), "name", ordering="last_name"),
        "email",
        column(
            lambda user: ", ".join(f"{m.tenant} ({m.get_role_display()})" for m in user.known_memberships), "tenants"
        ),
        column(lambda user: ", ".join(group.name for group in user.groups.all()), "groups"),
        "is_staff",
        "is_active",
        "last_login",
    )
    list_filter = (
        "is_active",
        "is_staff",
        ("memberships__tenant", ReachFilter),
        ("groups", ReachFilter),
    )
    search_fields = ("phone", "first_name", "last_name", "email", "partner_id")
    ordering = ("phone",)
    filter_horizontal = ()
    autocomplete_fields = ("current_tenant",)
    set_once = ()
    inlines = (MembershipInline,)
    actions_list = ("invite",)
    actions_detail = ("change_password", "delete_account")
    export_columns: ClassVar[dict[str, str]] = {
        "phone": "phone", "first name": "first_name", "last name": "last_name", "e-mail": "email",
        "e-mail verified": "email_verified_at", "partner id": "partner_id", "admin access": "is_staff",
        "active": "is_active", "last log-in": "last_login", "since": "created_at", "id": "pk",
    }  # fmt: skip
    fieldsets = (
        (None, {"fields": (("phone", "email"), ("first_name", "last_name"), "partner_id", "current_tenant")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (
            "Record",
            {"fields": (("last_login", "confirmed_at", "email_verified_at"), ("id", "created_at", "modified_at"))},
        ),
    )
    add_fieldsets = (
        (None, {"fields": (("phone", "email"), ("first_name", "last_name"), ("tenant", "role"), "is_staff")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )

    def rows(self, reach: Reach) -> QuerySet[User]:
        """Members of the tenants within reach."""
        if reach.tenant_ids is None:
            return User.objects.all()
        return User.objects.filter(Exists(Membership.objects.of(reach).filter(user=OuterRef("pk"))))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """People with their groups, and with those of their tenants that the asker may know of."""
        known = Membership.objects.of(self.reach(request)).select_related("tenant")
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("memberships", known, to_attr="known_memberships"), "groups")
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes (or gives a password to) people who reach further than themselves."""
        if not super().has_change_permission(request, obj):
            return False
        target = obj if isinstance(obj, User) or obj is None else self.get_object(request, str(obj))
        return target is None or not reaches_beyond(target, person(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People are deactivated, so that their decisions keep an author."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What a person cannot give to themselves or others."""
        fixed = [*super().get_readonly_fields(request, obj), "last_login", "confirmed_at", "email_verified_at"]
        asker = person(request)
        if not asker.is_superuser:
            fixed.append("is_superuser")
        if not (asker.is_superuser or standing_of(asker).is_global):
            fixed.append("groups")
        if obj is not None and obj.pk == asker.pk:
            # Nobody locks themselves out, or opens a door for themselves.
            fixed += ["is_active", "is_staff", "groups"]
        return fixed

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The sections; where a person works at the moment may be a tenant that the asker must not know of."""
        sections = super().get_fieldsets(request, obj)
        if self.may_know(request, "current tenant"):
            return sections
        return [
            (title, section | {"fields": _without_current_tenant(section["fields"])}) for title, section in sections
        ]

    def may_know(self, request: HttpRequest, field: str) -> bool:
        """Everybody may know everything but the tenant a person works for at the moment."""
        return field != "current tenant" or standing_of(person(request)).is_global

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form; a new person's first tenant is chosen among those in which the asker may add people."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            reach = self.reach(request, "add")
            form.tenants = _tenants(rows_within_reach(self.admin_site, Tenant, request), reach)
            form.must_belong = reach.tenant_ids is not None
        return form

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The few groups there are, as boxes to tick."""
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Memberships of people who exist."""
        return super().get_inlines(request, obj) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        """Save; whoever is shut out is logged out as well."""
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data and not obj.is_active:
            sessions_close_all(user=obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups go through their services, which note who and why in the history."""
        if "groups" in form.changed_data:
            before = {group.name for group in User.objects.get(pk=form.instance.pk).groups.all()}
            wanted = {group.name for group in form.cleaned_data["groups"]}
            for name in sorted(wanted - before):
                group_assign(user=form.instance, group=name, by=person(request))
            for name in sorted(before - wanted):
                group_unassign(user=form.instance, group=name, by=person(request))
        super().save_related(request, form, formsets, change)

    def save_formset(
        self,
        request: HttpRequest,
        form: Any,
        formset: BaseInlineFormSet[Any, Any, Any],
        change: bool,
    ) -> None:
        """Memberships go through their services."""
        for row in formset.save(commit=False):
            membership_set(user=row.user, tenant=row.tenant, role=row.role, by=person(request))
        for row in formset.deleted_objects:
            membership_remove(user=row.user, tenant=row.tenant, by=person(request))

    @page_action("Change password", icon="key")
    def change_password(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Lead to the form with the two fields."""
        return HttpResponseRedirect(reverse("admin:auth_user_password_change", args=[object_id]))

    @page_action("Invite a colleague", icon="person_add", right="add")
    def invite(self, request: HttpRequest) -> HttpResponseBase:
        """Lead to the form."""
        return HttpResponseRedirect(invite_address())

    @page_action("Delete account", icon="person_remove", right="delete_account", danger=True)
    def delete_account(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Close the account for good; what the person decided stays."""
        return self.do_for_one(
            request, object_id, action=lambda user: user_delete(user=user, by=person(request)), done="account deleted",
            question="Delete this person’s account? Their name, number and address are erased and their keys and "
            "sessions end at once; their work stays, by “deleted user”. This cannot be undone.",
        )  # fmt: skip

    def has_delete_account_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Global admins, and nobody their own."""
        asker = person(request)
        if not standing_of(asker).is_global or not self.has_change_permission(request, obj):
            return False
        target = obj if isinstance(obj, User) or obj is None else self.get_object(request, str(obj))
        return target is None or (target.pk != asker.pk and target.deleted_at is None)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return self.has_change_permission(request, obj)


def _without_current_tenant(fields: Any) -> list[Any]:
    return [field for field in fields if field != "current_tenant"]


def _tenants(rows: QuerySet[Tenant], reach: Reach) -> QuerySet[Tenant]:
    return rows if reach.tenant_ids is None else rows.filter(pk__in=reach.tenant_ids)
