"""The statements that read an attempt, and the user of an attempt that begins."""

from directory.factors import VERIFIED, column_of
from directory.models import User
from isolation.compiled import JoinedRead
from limits.models import Counter
from reset.models import PassedGate, ResetAttempt
from tenants.models import Branding, PolicyVersion, Tenant
from verification.models import Challenge
from verification.queries.registered import registered_by

_ATTEMPT = """
SELECT {attempt}, {tenant}, {brand}, {account}, {lately}, {in_a_row}, {sent}, {gate},
    message.state,
    CAST(version."values" AS text), CAST(policy."values" AS text), length(brand.logo) > 0,
    EXISTS (SELECT 1 FROM tenants_customtext own WHERE own.tenant_id = attempt.tenant_id),
    {registered}
FROM reset_resetattempt attempt
JOIN tenants_policyversion version
    ON version.tenant_id = attempt.tenant_id AND version.id = attempt.policy_version_id
LEFT JOIN tenants_tenant tenant ON tenant.id = attempt.tenant_id
LEFT JOIN tenants_policyrecord policy ON policy.tenant_id = attempt.tenant_id
LEFT JOIN tenants_branding brand ON brand.tenant_id = attempt.tenant_id
LEFT JOIN directory_user account
    ON account.tenant_id = attempt.tenant_id AND account.id = attempt.user_id
LEFT JOIN limits_counter lately ON lately.key = attempt.guesses_lately
LEFT JOIN limits_counter in_a_row ON in_a_row.key = attempt.guesses_in_a_row
LEFT JOIN verification_challenge sent
    ON sent.tenant_id = attempt.tenant_id AND sent.context = attempt.id
    AND sent.purpose = %s
LEFT JOIN reset_passedgate gate
    ON gate.tenant_id = attempt.tenant_id AND gate.challenge_id = sent.id
    AND gate.attempt_id = attempt.id AND gate.user_id = attempt.user_id
LEFT JOIN delivery_outgoing message
    ON message.tenant_id = attempt.tenant_id AND message.id = sent.outgoing_id
WHERE attempt.browser = %s
ORDER BY sent.created_at DESC
"""
_BEGINNING = """
SELECT {version}, {account}, {registered}
FROM tenants_policyversion version
LEFT JOIN directory_user account
    ON account.tenant_id = version.tenant_id AND account.id = coalesce(
        (SELECT named.id FROM directory_user named
         WHERE named.tenant_id = version.tenant_id AND named.upn = %s),
        (SELECT other.user_id FROM directory_signinname other
         WHERE other.tenant_id = version.tenant_id AND other.name = %s))
WHERE version.tenant_id = %s AND version.digest IN (%s, %s)
"""
_USER = (
    "SELECT {account} FROM directory_user account WHERE account.tenant_id = %s AND account.id = %s"
)
_OF_OTHER_PAGES = {
    f"account.{column}"
    for column in (
        "asked_to_register_at",
        "default_sign_in_method",
        "eligibility_key",
        "factors",
        "factors_changed_at",
        "folded_name",
        "last_login",
        "must_register_at",
        "reconfirmed_at",
        "registered_at",
        *map(column_of, VERIFIED),
    )
}
"""Columns of users that a reset doesn't need. Reading them takes longer than all the others."""
_OF_GATE = {"gate.tenant_id", "gate.attempt_id", "gate.user_id", "gate.challenge_id"}
"""What the joins compare with anyway."""
_OF_NO_PAGE = {"brand.portal_host", "tenant.created_at"}
"""With these the text would be too long for psycopg to keep how it is split: 4,096 letters."""
READ_ATTEMPT = JoinedRead(
    _ATTEMPT,
    leaves_out={"brand.logo", *_OF_GATE, *_OF_OTHER_PAGES, *_OF_NO_PAGE},
    parts={"registered": registered_by("attempt.tenant_id", "coalesce(attempt.user_id, 0)")},
    attempt=ResetAttempt,
    tenant=Tenant,
    brand=Branding,
    account=User,
    lately=Counter,
    in_a_row=Counter,
    sent=Challenge,
    gate=PassedGate,
)
READ_BEGINNING = JoinedRead(
    _BEGINNING,
    leaves_out={"version.values", *_OF_OTHER_PAGES},
    parts={"registered": registered_by("version.tenant_id", "coalesce(account.id, 0)")},
    version=PolicyVersion,
    account=User,
)
READ_USER = JoinedRead(_USER, leaves_out=_OF_OTHER_PAGES, account=User)
