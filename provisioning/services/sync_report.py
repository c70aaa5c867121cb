"""The problems of a run: stored, and in words on pages and in a file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from isolation.scope import in_tenant
from provisioning.models import SyncProblem, SyncRun
from provisioning.rules.csv_writing import csv_file
from provisioning.rules.problems import RowProblem
from provisioning.rules.sync import Issue, SyncIssue
from tenants.queries import tenant_in_force
from vault.services import open_column, sealing

MOST_PROBLEMS = 10_000
"""Of a run, that are stored."""
_WORDS: dict[str, Promise] = {
    RowProblem.UPN_MISSING: _("The entry has no user ID."),
    RowProblem.UPN_MALFORMED: _("“%(value)s” is not a valid user ID."),
    RowProblem.DOMAIN_NOT_OURS: _("The domain %(value)s does not belong to %(tenant)s."),
    RowProblem.USER_ID_RESPELLED: _(
        "“%(value)s” is read as %(upn)s. Check that it’s the same person."
    ),
    RowProblem.NAME_TAKEN: _("The user ID %(value)s is used outside your organisation."),
    RowProblem.DELETED_HERE: _(
        "%(value)s was deleted here. Restore or erase that person first, under “Deleted people”."
    ),
    RowProblem.NOT_A_PHONE: _("“%(value)s” is not a phone number. It was left out."),
    RowProblem.NUMBER_SHORTENED: _("“%(value)s” is not a phone number. It was left out."),
    RowProblem.DIGIT_MISSING: _("A digit seems to be missing in “%(value)s”. It was left out."),
    RowProblem.KIND_OF_NUMBER: _(
        "Numbers of this kind can’t be used (%(value)s). The number was left out."
    ),
    RowProblem.COUNTRY_NOT_ALLOWED: _(
        "The policy doesn’t allow calls and texts to %(country)s (%(value)s). The number was left "
        "out."
    ),
    RowProblem.EXTENSION_NOT_HERE: _(
        "Only an office phone may have an extension (%(value)s). The number was left out."
    ),
    RowProblem.NOT_A_MAILBOX: _("“%(value)s” is not a valid email address. It was left out."),
    RowProblem.CONTROL_CHARACTERS: _(
        "A value has line breaks or control characters (%(column)s). It was left out."
    ),
    RowProblem.TOO_LONG: _("A value is too long (%(column)s). It was left out."),
    RowProblem.VERIFIED_KEPT: _(
        "The person verified another value, which stays as it is (%(column)s)."
    ),
    RowProblem.FROZEN_KEPT: _(
        "The account is frozen after “This wasn’t me”, so contact data is not changed (%(column)s)."
    ),
    RowProblem.DISOWNED_KEPT: _(
        "The person reported an action of the administrator who started this run, so contact data "
        "is not changed (%(column)s)."
    ),
    SyncIssue.ADMINISTRATOR: _(
        "%(value)s has a role here and is not linked by the user ID alone. Take the role away, "
        "synchronise, and give it back."
    ),
    SyncIssue.OTHER_ENTRY: _("Another person already has the user ID %(value)s."),
    SyncIssue.RECREATED: _(
        "%(value)s belonged to an entry that is gone, and its security info is still here. Restore "
        "the former entry, or choose another user ID."
    ),
    SyncIssue.AMBIGUOUS_NAME: _(
        "Several people have the sign-in name “%(value)s”, so none of them can use it."
    ),
    SyncIssue.GROUP_NAME_TAKEN: _(
        "A group that was made here is called “%(value)s”. Rename one of the two."
    ),
    SyncIssue.GROUP_IN_POLICY: _(
        "The group “%(value)s” is gone from the directory, but the policy uses it. It stays until "
        "you remove it from the policy."
    ),
    SyncIssue.GROUPS_GONE: _(
        "%(count)s of %(total)s groups are gone from the directory. None was deleted. Check the "
        "group filter."
    ),
    SyncIssue.GROUP_EMPTIED: _(
        "The directory shows no members of the group “%(value)s”, which the policy uses. Its "
        "members stay. Check that the service account may read members. If the group is really "
        "empty, remove its members here, under Groups."
    ),
    SyncIssue.GROUPS_NOT_READ: _(
        "The filter for groups is empty. %(count)s groups that were brought over before stay as "
        "they are: enter the filter again, or delete the groups."
    ),
    SyncIssue.GROUP_NAME: _("The name of the group is empty or too long: “%(value)s”."),
    SyncIssue.NOT_WRITTEN: _("The entry could not be saved. The service’s log has the details."),
}


@dataclass(frozen=True, slots=True)
class SyncRemark:
    """A problem of a run, in words."""

    subject: str
    code: str
    column: str
    text: str


def store_problems(run: SyncRun, issues: Sequence[Issue]) -> None:
    """Adds problems to the report, each once. Called in the transaction of what they are about."""
    stored = SyncProblem.objects.filter(run=run)
    room = MOST_PROBLEMS - stored.count() if issues else 0
    rows, texts = [], []
    for issue in issues[: max(0, room)]:
        content = [issue.code, issue.column, dict(issue.values), issue.subject]
        text = json.dumps(content, ensure_ascii=False)
        key = blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        rows.append(SyncProblem(run=run, external_id=issue.external_id, key=key))
        texts.append(text)
    if not rows:
        return
    associated = [SyncProblem.associated_data_of("data", row.pk) for row in rows]
    for row, data in zip(rows, sealing(run.tenant_id)(texts, associated), strict=True):
        row.data = data
    SyncProblem.objects.bulk_create(rows, ignore_conflicts=True)
    SyncRun.objects.filter(pk=run.pk).update(problems=stored.count())


def problems_of(run: SyncRun, *, at_most: int | None = None) -> Iterator[SyncRemark]:
    """In the language in force, and always in the same order."""
    rows = SyncProblem.objects.filter(run=run).order_by("external_id", "key")
    for row in rows[:at_most]:
        code, column, values, subject = json.loads(open_column(row, "data"))
        facts = {"column": column, "tenant": tenant_in_force().name, **values}
        yield SyncRemark(subject, code, column, str(_WORDS[code]) % facts)


def report(run: SyncRun, language: str) -> Iterator[str]:
    """All listed problems, in pieces of a CSV file. Goes on after the request has ended."""
    with translation.override(language):
        head = [gettext("Person or group"), gettext("Column"), gettext("Code"), gettext("Problem")]

    def rows() -> Iterator[list[str]]:
        with translation.override(language), in_tenant(run.tenant_id):
            remarks = list(problems_of(run))
        for remark in remarks:
            yield [remark.subject, remark.column, remark.code, remark.text]

    return csv_file(head, rows())
