"""Users and their memberships in groups."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Case, F, When
from django.utils import timezone
from django.utils.crypto import salted_hmac

from directory.factors import BUILTIN, DIRECTORY, AccountStatus, column_of
from isolation.models import TenantOwned
from tenants.fields import FoldedField
from tenants.models import Group
from tenants.policy import Factor
from tenants.roles import Permission, Role

_ADMINISTRATORS = [role.value for role in Role if role.is_administrator]


def _bit(status: AccountStatus, **condition: object) -> Case:
    bit, none = models.Value(status.value), models.Value(0)
    return Case(When(**condition, then=bit), default=none, output_field=models.IntegerField())


class User(TenantOwned, AbstractBaseUser):
    """A user of one organisation, or an operator of the service, who has no organisation."""

    tenant_id = models.BigIntegerField(null=True, editable=False)  # type: ignore[assignment]  # operators have none
    upn = models.CharField(max_length=254)
    display_name = models.CharField(max_length=200, blank=True)
    folded_name = FoldedField(max_length=200, of=["display_name"], blank=True, editable=False)
    """For searches by display name. `update` and `bulk_update` have to be given its value."""
    given_name = models.CharField(max_length=100, blank=True)
    surname = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=10, blank=True)
    """As a file, a directory or an administrator entered it; see `preferred_language`."""
    own_language = models.CharField(max_length=10, blank=True, default="", db_default="")
    own_time_zone = models.CharField(max_length=40, blank=True, default="", db_default="")
    """What the user chose for themselves. No file and no directory changes it."""
    role = models.CharField(max_length=20, blank=True, choices=[(r, r) for r in Role])
    connector = models.CharField(max_length=20, default=BUILTIN)
    """`BUILTIN`; `DIRECTORY` with `DirectoryAccount` rows; else no directory that we can reach."""
    writeback = models.BooleanField(default=False, db_default=False)
    """For `DIRECTORY`: whether this service may set the password. A copy of the connection's."""
    enabled = models.BooleanField(default=True)
    locked_until = models.DateTimeField(null=True, blank=True)
    session_epoch = models.PositiveIntegerField(default=0)
    registered_at = models.DateTimeField(null=True, blank=True)
    must_change_password = models.BooleanField(default=False, db_default=False)
    """The password is temporary: the user has to change it before anything else."""
    temporary_since = models.DateTimeField(null=True, editable=False)
    """When administrators set a temporary password here, in a directory outside."""
    password_ends_with_role = models.BooleanField(default=False, db_default=False)
    """Staff without permission to give roles know it, or opened the session in which it was set.

    Giving the user a role makes it unusable. Otherwise those staff could use the role themselves.
    """
    must_register_at = models.DateTimeField(null=True, blank=True)
    """When an administrator required the user to check the security info at the next sign-in."""
    frozen_at = models.DateTimeField(null=True, blank=True)
    """When self-service was stopped by a report of "this wasn't me"."""
    older_proof_lost_at = models.DateTimeField(null=True, blank=True)
    """When the user last removed or replaced a method that wasn't new."""
    default_sign_in_method = models.CharField(max_length=20, null=True, blank=True)
    """The second factor that the user chose to be asked for first."""
    asked_to_register_at = models.DateTimeField(null=True, blank=True)
    """When a sign-in first asked the user to register. The days of grace are counted from it."""
    reconfirmed_at = models.DateTimeField(null=True, blank=True)
    """When the user last confirmed that the security info is correct."""
    password_changed_at = models.DateTimeField(null=True, blank=True)
    former_passwords = models.TextField(default="", db_default="", editable=False)
    """Hashes that can't be used again for a while: one a line, the newest first."""
    prefill = models.BinaryField(null=True)
    sealed: ClassVar = {"prefill": "directory.user.prefill"}
    """Contact data that an administrator entered, sealed; see `directory.prefills`."""
    prefilled_at = models.DateTimeField(null=True)
    """When the oldest of it was entered."""
    prefill_kinds = models.PositiveSmallIntegerField(default=0, db_default=0)
    prefill_held_kinds = models.PositiveSmallIntegerField(default=0, db_default=0)
    """Kinds that were entered after the user had verified something; see `directory.factors`."""
    prefill_held_since = models.DateTimeField(null=True)
    """When the newest of these was entered."""
    factors = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    """A summary as bits; see `directory.factors`.

    Only `verification.services.factors.refresh` writes it, the time below and each factor's
    column (`email_since` and so on), and the import for new users.
    """
    factors_changed_at = models.DateTimeField(null=True, editable=False)
    """The latest time that can matter for eligibility; empty if none can."""
    eligibility_key = models.GeneratedField(
        expression=F("factors")
        + _bit(AccountStatus.DISABLED, enabled=False)
        + _bit(AccountStatus.FROZEN, frozen_at__isnull=False)
        + Case(
            When(connector=BUILTIN, then=models.Value(0)),
            When(connector=DIRECTORY, writeback=True, then=models.Value(0)),
            default=models.Value(AccountStatus.MANAGED_ELSEWHERE.value),
            output_field=models.IntegerField(),
        )
        + _bit(AccountStatus.ADMINISTRATOR, role__in=_ADMINISTRATORS),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    """See `directory.factors.EligibilityKey`."""
    groups: models.ManyToManyField = models.ManyToManyField(  # type: ignore[type-arg]  # not generic at run time
        Group, through="Membership", related_name="+"
    )

    USERNAME_FIELD = "upn"

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "upn"], name="user_of_tenant"),
            # Counting reads this index and no rows of the table: 36 bytes a user. It has the id to
            # join memberships.
            models.Index(fields=["tenant_id", "eligibility_key", "id"], name="user_eligibility"),
            models.Index(
                fields=["tenant_id", "factors_changed_at"],
                condition=models.Q(factors_changed_at__isnull=False),
                name="user_new_factors",
            ),
            models.Index(
                fields=["tenant_id", "upn"], condition=models.Q(enabled=False), name="user_disabled"
            ),
            models.Index(
                fields=["tenant_id", "upn"],
                condition=models.Q(frozen_at__isnull=False),
                name="user_frozen",
            ),
            models.Index(
                fields=["tenant_id", "upn"], condition=~models.Q(role=Role.NONE), name="user_roles"
            ),
        ]
        constraints: ClassVar = [
            # Not `unique=True`, which would make a second index on PostgreSQL that is never used.
            models.UniqueConstraint(fields=["upn"], name="upn_once"),
            models.CheckConstraint(
                condition=models.Q(tenant_id__isnull=True, role=Role.OPERATOR)
                | (models.Q(tenant_id__isnull=False) & ~models.Q(role=Role.OPERATOR)),
                name="operators_and_only_they_have_no_tenant",
            ),
        ]

    def __str__(self) -> str:
        return self.upn

    @property
    def preferred_language(self) -> str:
        """Of pages and messages for the user; empty: the organisation's."""
        return self.own_language or self.language

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # a property here, a field there
        return self.enabled

    @property
    def is_staff(self) -> bool:
        return Role(self.role).runs_the_admin

    @property
    def has_writable_password(self) -> bool:
        """Whether this service can set the password. `eligibility_key` says the same in SQL."""
        return self.connector == BUILTIN or (self.connector == DIRECTORY and self.writeback)

    @property
    def may_have_password(self) -> bool:
        """Whether there is a password in force; of a directory outside that isn't known."""
        return self.connector != BUILTIN or self.has_usable_password()

    @property
    def is_locked(self) -> bool:
        return self.locked_until is not None and self.locked_until > timezone.now()

    def has_perm(self, _perm: str, _obj: object = None) -> bool:
        """Nothing is opened by Django's permissions: pages ask for a `Permission`."""
        return False

    def has_module_perms(self, _app_label: str) -> bool:
        """See `has_perm`."""
        return False

    def has_permission(self, permission: Permission) -> bool:
        return self.enabled and permission in Role(self.role).permissions

    def get_session_auth_hash(self) -> str:
        """Changes with the password and with "sign out everywhere": old sessions end."""
        value = f"{self.session_epoch}:{self.password}"
        return salted_hmac("directory.user.session", value, algorithm="sha256").hexdigest()


# Since when each verified factor counts. A new factor gets its column by its declaration.
for _factor in Factor:
    User.add_to_class(column_of(_factor), models.DateTimeField(null=True, editable=False))


class UserIDChange(TenantOwned):
    """What a user's ID was before it changed, and what it became.

    The audit log names this row: it can't forget what it says, and the row goes with the user.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    old = models.CharField(max_length=254)
    new = models.CharField(max_length=254)

    def __str__(self) -> str:
        return f"change of the user ID of {self.user_id}"


class Membership(TenantOwned):
    user = models.ForeignKey(User, models.CASCADE)
    group = models.ForeignKey(Group, models.CASCADE)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "user", "group"], name="member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
