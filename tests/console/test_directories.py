"""Connections to directories, as an administrator meets them in a browser."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from audit.activities import Activity
from directory.connectors.accounts import accounts_to_write
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import DirectoryFailure, DirectoryKind
from isolation.scope import evict, in_tenant
from tenants.roles import Role
from tests.builders import make_user
from tests.console.people import behind_both, events, make_admin, time_passes
from vault.services import open_column

LIST = "/admin/directories/"
SECRET = "the service account's own secret"
AD = {
    "name": "Corp",
    "enabled": "on",
    "servers": "ldaps://dc1.corp.example\r\n ldap://10.0.0.5:1389 \r\n",
    "bind_dn": "svc-reset@corp.example",
    "bind_password": SECRET,
    "base_dn": "OU=Staff, DC=corp,DC=example",
    "sync_every_hours": "4",
    "brake_percent": "10",
}
LDAP = AD | {"bind_dn": "cn=svc,dc=corp,dc=example"}


def certificate(name="Corp Root", *, key=None):
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def pem(one):
    return one.public_bytes(serialization.Encoding.PEM).decode()


def private_key():
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


@pytest.fixture(autouse=True)
def _no_local_directories(settings):
    settings.LOCAL_DIRECTORIES = False


def changes():
    """The records of changes, oldest first."""
    return sorted(events(Activity.DIRECTORY_CHANGED), key=lambda event: event.pk)


def add(client, kind="active_directory", **typed):
    client.post(f"{LIST}add/{kind}/", (AD if kind == "active_directory" else LDAP) | typed)
    return DirectoryConnection.objects.order_by("-pk").first()


def typed_again(**changes):
    return AD | {"bind_password": ""} | changes


def account(connection, user):
    return DirectoryAccount.objects.create(
        connection=connection, user=user, external_id=str(user.pk), dn=f"cn={user.pk}"
    )


def test_a_directory_is_added_with_its_password_sealed(admin):
    page = admin.post(f"{LIST}add/active_directory/", AD, follow=True)

    assert "The directory is saved." in page.text
    row = DirectoryConnection.objects.get()
    assert row.kind == DirectoryKind.ACTIVE_DIRECTORY
    assert row.servers == "ldaps://dc1.corp.example\nldap://10.0.0.5:1389"
    assert row.base_dn == "OU=Staff,DC=corp,DC=example"
    assert row.enabled
    assert not row.writeback
    assert open_column(row, "bind_password") == SECRET
    assert SECRET.encode() not in bytes(row.bind_password)
    assert "A password is set." in page.text
    assert SECRET not in page.text


def test_the_audit_log_says_what_changed_and_never_the_password(admin):
    row = add(admin)

    admin.post(f"{LIST}{row.pk}/", typed_again(base_dn="DC=corp,DC=example", bind_password="n3w"))

    first, second = changes()
    assert first.details["change"] == "added"
    assert second.details["settings"] == "base_dn,bind_password"
    assert second.details["old"] == "base_dn=OU=Staff,DC=corp,DC=example"
    assert second.details["new"] == "base_dn=DC=corp,DC=example"
    assert all(SECRET not in str(event.details) for event in (first, second))
    page = admin.get(f"/admin/audit/{second.pk}/").text
    assert "Password of the service account" in page
    assert "settings changed" in page


def test_an_empty_password_field_leaves_the_password(admin):
    row = add(admin)

    admin.post(f"{LIST}{row.pk}/", typed_again(name="Other"))

    row.refresh_from_db()
    assert row.name == "Other"
    assert open_column(row, "bind_password") == SECRET


@pytest.mark.parametrize(
    "change",
    [
        {"servers": "ldaps://evil.example"},
        {"servers": "ldaps://dc1.corp.example\nldaps://evil.example"},
        {"servers": "ldap://dc1.corp.example"},
        {"ca_certificates": pem(certificate())},
    ],
    ids=["another server", "one more server", "StartTLS instead", "other certificates"],
)
def test_the_stored_password_goes_to_no_server_it_was_not_entered_for(admin, change):
    row = add(admin)

    page = admin.post(f"{LIST}{row.pk}/", typed_again(**change))

    assert "Enter the password of the service account." in page.text
    row.refresh_from_db()
    assert row.servers == "ldaps://dc1.corp.example\nldap://10.0.0.5:1389"
    assert row.ca_certificates == ""


def test_changed_settings_are_tried_at_once_and_leave_the_rest(admin):
    row, now = add(admin), timezone.now()
    DirectoryConnection.objects.update(
        down_since=now, last_failure_at=now, last_failure=DirectoryFailure.SERVICE_ACCOUNT_REFUSED
    )

    admin.post(f"{LIST}{row.pk}/", typed_again(bind_password="n3w"))

    row.refresh_from_db()
    assert row.down_since is None
    assert row.last_failure_at == now
    assert open_column(row, "bind_password") == "n3w"


def test_servers_change_places_without_the_password(admin):
    row = add(admin)

    turned = "ldap://10.0.0.5:1389\nldaps://dc1.corp.example"
    admin.post(f"{LIST}{row.pk}/", typed_again(servers=turned))

    row.refresh_from_db()
    assert row.servers == turned


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "Enter a name"),
        ({"servers": ""}, "Enter a server"),
        ({"servers": "ldaps://a.example\nhttps://b.example"}, "Line 2: begin with ldaps://"),
        ({"servers": "ldaps://a.example:3269"}, "Line 1: ports 3268 and 3269"),
        ({"servers": "ldaps://a.example/dc=x"}, "Line 1: enter only the server"),
        ({"servers": "ldaps://a.example\n\nldaps://127.0.0.1"}, "Line 3: this address leads to"),
        ({"servers": "ldaps://169.254.169.254"}, "Line 1: this address leads to"),
        ({"servers": "\n".join(f"ldaps://s{n}.example" for n in range(11))}, "up to 10 servers"),
        ({"bind_dn": "svc"}, "Enter a distinguished name"),
        ({"bind_password": ""}, "Enter the password of the service account."),
        ({"base_dn": "corp.example"}, "Enter a distinguished name"),
        ({"people_filter": "(&(objectClass=user)"}, "This isn’t a filter."),
        ({"people_filter": "(cn=\\zz)"}, "This isn’t a filter."),
        ({"group_filter": "objectClass=group"}, "This isn’t a filter."),
        ({"attribute_mobile_phone": "mobile phone"}, "isn’t the name of an attribute"),
        ({"attribute_upn": "-"}, "People need a user ID."),
        ({"sign_in_attributes": "uid, a b"}, "isn’t the name of an attribute"),
        ({"protected_groups": "cn=a,dc=b\nAdmins"}, "Line 2: enter a distinguished name"),
        ({"sync_every_hours": "169"}, "from 0 to 168"),
        ({"brake_percent": "0"}, "from 1 to 100"),
        ({"ca_certificates": "nothing"}, "no readable certificate"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(admin, typed, words):
    page = admin.post(f"{LIST}add/active_directory/", AD | typed)

    assert words in page.text
    assert SECRET not in page.text
    assert not DirectoryConnection.objects.exists()


def test_a_server_on_this_computer_is_allowed_where_the_service_is_set_up_so(admin, settings):
    settings.LOCAL_DIRECTORIES = True

    add(admin, "ldap", servers="ldaps://127.0.0.1:10636")

    assert DirectoryConnection.objects.get().servers == "ldaps://127.0.0.1:10636"


def test_certificates_are_read_written_anew_and_shown(admin):
    first, second = certificate(), certificate("Second Root")
    der = second.public_bytes(serialization.Encoding.DER)
    text = f"not a certificate\n{pem(first)}"

    page = admin.post(
        f"{LIST}add/active_directory/",
        AD | {"ca_certificates": text, "ca_file": SimpleUploadedFile("root.cer", der)},
        follow=True,
    )

    assert DirectoryConnection.objects.get().ca_certificates == pem(first) + pem(second)
    assert "CN=Corp Root" in page.text
    assert "CN=Second Root" in page.text
    assert "valid until" in page.text


@pytest.mark.parametrize("at", ["ca_certificates", "ca_file"])
def test_a_private_key_is_refused_and_not_sent_back(admin, at):
    key = private_key()
    text = pem(certificate()) + key
    sent = SimpleUploadedFile("root.pem", text.encode()) if at == "ca_file" else text

    page = admin.post(f"{LIST}add/active_directory/", AD | {at: sent})

    assert "There is a private key in it." in page.text
    assert key.splitlines()[1] not in page.text
    assert not DirectoryConnection.objects.exists()


def test_a_file_that_is_too_large_is_refused(admin):
    sent = SimpleUploadedFile("root.pem", b"x" * 300_000)

    page = admin.post(f"{LIST}add/active_directory/", AD | {"ca_file": sent})

    assert "The file is too large for a certificate." in page.text
    assert not DirectoryConnection.objects.exists()


def test_only_what_differs_from_the_kind_is_stored_of_the_mapping(admin):
    row = add(
        admin,
        "ldap",
        attribute_upn="eduPersonPrincipalName",
        attribute_mobile_phone="–",
        attribute_surname="sn",
        sign_in_attributes="uid, mail",
    )

    assert row.attributes == {"upn": "eduPersonPrincipalName", "mobile_phone": ""}
    assert row.sign_in_attributes == ["mail", "uid"]
    page = admin.get(f"{LIST}{row.pk}/").text
    assert 'value="eduPersonPrincipalName"' in page
    assert 'placeholder="telephoneNumber"' in page


def test_a_name_is_given_once(admin):
    add(admin)

    page = admin.post(f"{LIST}add/ldap/", LDAP)

    assert "Another directory has this name." in page.text
    assert DirectoryConnection.objects.count() == 1


def test_turning_writeback_on_says_whom_it_concerns(admin):
    row, other = add(admin), add(admin, name="Other")
    users = [make_user(f"u{n}@contoso.example", connector=DIRECTORY) for n in range(3)]
    for user in users[:2]:
        account(row, user)
    account(other, users[2])

    page = admin.post(f"{LIST}{row.pk}/", typed_again(writeback="on"), follow=True)

    assert "This changes for 2 people" in page.text
    for user in users:
        user.refresh_from_db()
    assert [user.writeback for user in users] == [True, True, False]


def test_a_user_with_two_directories_can_reset_while_the_first_can_be_written(admin):
    row, other = add(admin, writeback="on"), add(admin, name="Other", writeback="on")
    user = make_user("u@contoso.example", connector=DIRECTORY, writeback=True)
    account(row, user)
    account(other, user)

    def writeback_after(page, **typed):
        admin.post(page, typed)
        evict("directories")
        user.refresh_from_db()
        assert bool(accounts_to_write(user)) == user.writeback
        return user.writeback

    assert not writeback_after(f"{LIST}{row.pk}/", **typed_again())
    # The other directory is the first that the user can sign in through.
    assert writeback_after(f"{LIST}{row.pk}/", **typed_again(enabled=""))
    assert not writeback_after(f"{LIST}{row.pk}/", **typed_again())
    assert writeback_after(f"{LIST}{other.pk}/up/")
    assert not writeback_after(f"{LIST}{row.pk}/up/")


def test_a_directory_with_accounts_is_not_deleted(admin):
    row = add(admin)
    account(row, make_user("u@contoso.example", connector=DIRECTORY))

    page = admin.post(f"{LIST}{row.pk}/delete/", follow=True)

    assert "1 account of this directory still belongs" in page.text
    assert DirectoryConnection.objects.filter(pk=row.pk).exists()


def test_the_page_offers_no_deletion_that_would_be_refused(admin):
    row = add(admin)
    assert "Nothing in the directory itself changes." in admin.get(f"{LIST}{row.pk}/delete/").text
    account(row, make_user("u@contoso.example", connector=DIRECTORY))

    page = admin.get(f"{LIST}{row.pk}/delete/").text

    assert "Turn it off instead." in page
    assert 'class="button danger"' not in page


def test_a_directory_without_accounts_is_deleted(admin):
    row = add(admin)

    assert "Delete this directory?" in admin.get(f"{LIST}{row.pk}/delete/").text
    admin.post(f"{LIST}{row.pk}/delete/")

    assert not DirectoryConnection.objects.exists()
    assert changes()[-1].details["change"] == "deleted"


def test_directories_have_an_order(admin):
    first, second = add(admin), add(admin, name="Second")
    assert "Move up" in admin.get(LIST).text

    admin.post(f"{LIST}{second.pk}/up/")
    admin.post(f"{LIST}{second.pk}/up/")

    rows = DirectoryConnection.objects.order_by("position", "pk")
    assert list(rows) == [second, first]


def test_the_list_says_how_a_directory_is(admin):
    row = add(admin)
    account(row, make_user("u@contoso.example", connector=DIRECTORY))
    assert "Not used yet" in admin.get(LIST).text

    now = timezone.now()
    DirectoryConnection.objects.update(last_success_at=now - timedelta(hours=1))
    assert "Working" in admin.get(LIST).text

    DirectoryConnection.objects.update(
        last_failure_at=now, last_failure=DirectoryFailure.CERTIFICATE_EXPIRED, down_since=now
    )
    page = admin.get(LIST).text
    assert "Failing" in page
    assert "The server’s certificate has expired." in page
    assert "Last worked: " in page

    DirectoryConnection.objects.update(down_since=None)
    page = admin.get(LIST).text
    assert "Working" in page
    assert "Last failure: The server’s certificate has expired. (" in page


def test_a_saved_directory_is_tried_at_once(admin):
    row = add(admin)
    DirectoryConnection.objects.update(
        down_since=timezone.now(), last_failure=DirectoryFailure.SERVICE_ACCOUNT_REFUSED
    )

    admin.post(f"{LIST}{row.pk}/", typed_again(bind_password="another password"))

    assert DirectoryConnection.objects.get().down_since is None


def test_the_lockout_of_a_saved_directory_is_read_anew(admin):
    row = add(admin)
    DirectoryConnection.objects.update(lockout_threshold=2, lockout_window_minutes=0)

    admin.post(f"{LIST}{row.pk}/", typed_again())

    row.refresh_from_db()
    assert (row.lockout_threshold, row.lockout_window_minutes) == (None, None)


def test_every_failure_has_words(admin):
    add(admin)
    for failure in DirectoryFailure:
        DirectoryConnection.objects.update(down_since=timezone.now(), last_failure=failure)

        assert f"</span> {failure} " not in admin.get(LIST).text


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_directories(contoso, role):
    row = add(behind_both(make_admin()))
    client = behind_both(make_admin("other@contoso.example", role=role))

    for path in (LIST, f"{LIST}add/ldap/", f"{LIST}{row.pk}/", f"{LIST}{row.pk}/delete/"):
        assert client.get(path).status_code == 404
        assert client.post(path).status_code in {404, 405}


def test_changes_need_a_fresh_second_factor(admin):
    row = add(admin)
    time_passes(admin, 11 * 60)

    for path in (f"{LIST}add/ldap/", f"{LIST}{row.pk}/", f"{LIST}{row.pk}/delete/"):
        assert admin.get(path).url.startswith("/admin/second-factor/")
        assert admin.post(path, LDAP).url.startswith("/admin/second-factor/")
    assert admin.post(f"{LIST}{row.pk}/up/").url.startswith("/admin/second-factor/")
    assert DirectoryConnection.objects.count() == 1


def test_another_organisations_directory_does_not_exist(admin, hanbit):
    with in_tenant(hanbit.pk):
        theirs = add(behind_both(make_admin("boss@hanbit.example")))

    for path in (f"{LIST}{theirs.pk}/", f"{LIST}{theirs.pk}/up/", f"{LIST}{theirs.pk}/delete/"):
        assert admin.get(path).status_code in {404, 405}
        assert admin.post(path, AD).status_code == 404
    assert theirs.name not in admin.get(LIST).text
