"""The models of `tenants`, by noun."""

from tenants.models.base import Row, TenantOwned
from tenants.models.idempotency import IdempotencyRecord
from tenants.models.invitation import Invitation, InvitationState, SendingState
from tenants.models.keys import ApiKey, AuthSession, CodePurpose, Family, OneTimePassword, SigningSecret
from tenants.models.outward import Channel, Delivery, DeliveryAttempt, DeliveryState, Event, Webhook
from tenants.models.tenant import PublishResult, Tenant, TenantGroup, TenantSettings
from tenants.models.usage import Quota, Service, UsageCounter
from tenants.models.user import ANNOTATOR, GLOBAL_ADMIN, GROUPS, REVIEWER, Membership, Role, User

__all__ = [
    "ANNOTATOR",
    "GLOBAL_ADMIN",
    "GROUPS",
    "REVIEWER",
    "ApiKey",
    "AuthSession",
    "Channel",
    "CodePurpose",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryState",
    "Event",
    "Family",
    "IdempotencyRecord",
    "Invitation",
    "InvitationState",
    "Membership",
    "OneTimePassword",
    "PublishResult",
    "Quota",
    "Role",
    "Row",
    "SendingState",
    "Service",
    "SigningSecret",
    "Tenant",
    "TenantGroup",
    "TenantOwned",
    "TenantSettings",
    "UsageCounter",
    "User",
    "Webhook",
]
