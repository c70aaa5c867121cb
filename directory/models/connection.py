"""Directories outside of this service, and which of their accounts belongs to which user."""

from typing import ClassVar

from django.db import models

from directory.models.user import User
from directory.rules import DirectoryKind
from isolation.models import TenantOwned


class DirectoryConnection(TenantOwned):
    """How this service reaches a directory of one organisation, and what it may do there."""

    name = models.CharField(max_length=60)
    """As users read it where they have accounts in several directories."""
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in DirectoryKind])
    position = models.PositiveSmallIntegerField(default=0)
    """A user with accounts in several directories signs in through the first of them."""
    enabled = models.BooleanField(default=True)
    writeback = models.BooleanField(default=False)
    """Whether this service may set passwords there.

    Users carry a copy of the directory in which they sign in: `User.writeback`.
    """
    unlocks = models.BooleanField(default=False)
    """Whether this service may unlock accounts there without setting a password."""
    servers = models.TextField()
    """One URL a line, tried in this order: `ldaps://host[:port]`, or `ldap://host` with StartTLS.

    A password never crosses a connection without TLS.
    """
    ca_certificates = models.TextField(blank=True)
    """PEM. If empty, the operating system's authorities are trusted."""
    base_dn = models.CharField(max_length=500)
    bind_dn = models.CharField(max_length=500)
    bind_password = models.BinaryField(default=b"")
    sealed: ClassVar = {"bind_password": "directory.connection.bind_password"}
    people_filter = models.TextField(blank=True)
    """RFC 4515. If empty, the default of the kind of directory."""
    group_base_dn = models.CharField(max_length=500, blank=True)
    """If empty, `base_dn`."""
    group_filter = models.TextField(blank=True)
    """If empty, groups aren't read."""
    attributes = models.JSONField(default=dict)
    """What differs from the kind's mapping: a field of `Person` → attribute; "" for none."""
    sign_in_attributes = models.JSONField(default=list)
    """Attributes whose values are accepted as user ID at sign-in, such as `sAMAccountName`."""
    protected_groups = models.TextField(blank=True)
    """Distinguished names, one a line: nothing of a member, direct or nested, is changed."""
    sync_every_hours = models.PositiveSmallIntegerField(default=0)
    """0: only on demand."""
    brake_percent = models.PositiveSmallIntegerField(default=10)
    """A sync that would disable more than this share of the people waits for a confirmation."""
    lockout_threshold = models.PositiveSmallIntegerField(null=True, editable=False)
    """Wrong passwords until the directory locks an account; 0 for never, None if not known.

    By the strictest rules that were read of an account, as the time below.
    """
    lockout_window_minutes = models.PositiveIntegerField(null=True, editable=False)
    """After which the directory forgets them; 0 for never."""
    last_success_at = models.DateTimeField(null=True, editable=False)
    last_failure_at = models.DateTimeField(null=True, editable=False)
    last_failure = models.CharField(max_length=40, blank=True, editable=False)
    """A `DirectoryFailure`; `console` has the words."""
    tested_at = models.DateTimeField(null=True, editable=False)
    """When “Test connection” last found no error with these settings."""
    checked_at = models.DateTimeField(null=True, editable=False)
    """When a worker last began a check of it."""
    down_since = models.DateTimeField(null=True, editable=False)
    """The first failure since it last worked."""
    down_notified_at = models.DateTimeField(null=True, editable=False)
    """When administrators were told that it is down; None after they were told the opposite."""
    service_expires_at = models.DateTimeField(null=True, editable=False)
    """When the password of the service account expires, as far as the directory says."""
    expiry_notified_days = models.PositiveSmallIntegerField(null=True, editable=False)
    """The fewest days before that of which administrators were told."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="directory_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class DirectoryAccount(TenantOwned):
    """An account of a user in one directory. A user has at most one in each."""

    connection = models.ForeignKey(
        DirectoryConnection, models.PROTECT, related_name="accounts", db_index=False
    )
    user = models.ForeignKey(User, models.CASCADE, related_name="accounts")
    external_id = models.CharField(max_length=100)
    """The immutable id: `objectGUID`, `entryUUID`, `nsUniqueId` or `ipaUniqueID`."""
    dn = models.CharField(max_length=1000)
    """Where the entry was when it was last read. Read it again by its id before writing."""
    manager_dn = models.CharField(max_length=1000, blank=True, default="", db_default="")
    manager = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    """The person with that name, whose entry may have another name by now. None if not here."""
    protected = models.BooleanField(default=False)
    """Privileged in the directory, so this service changes nothing of it."""
    password_changed_at = models.DateTimeField(null=True)
    password_expires_at = models.DateTimeField(null=True)
    """As the directory said at the last sync or sign-in."""
    digest = models.CharField(max_length=64, blank=True)
    """Of all that the last sync read. Equal: nothing changed."""
    seen_at = models.DateTimeField(null=True)
    """When a sync last read something new of it."""
    missing_since = models.DateTimeField(null=True)
    """Since when it isn't in the directory any more."""
    enabled = models.BooleanField(default=True, db_default=True)
    """As the directory said at the last sync."""
    disabled_user = models.BooleanField(default=False, db_default=False)
    """A sync disabled the user, so a sync may enable the user again."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "connection", "external_id"], name="directory_account_once"
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "user", "connection"], name="one_account_in_a_directory"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant_id", "password_expires_at"],
                condition=models.Q(password_expires_at__isnull=False),
                name="account_password_expires",
            )
        ]

    def __str__(self) -> str:
        return self.dn


class SignInName(TenantOwned):
    """A name beside the user principal name by which a user may sign in.

    Names that two users of an organisation have aren't stored: no sign-in may depend on chance.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="sign_in_names")
    name = models.CharField(max_length=254)
    """In its canonical form, as `directory.rules.canonical_upn` gives it."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="sign_in_name_once")
        ]

    def __str__(self) -> str:
        return self.name
