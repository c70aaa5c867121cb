"""The statements that read an attempt, and the user of an attempt that begins."""

from directory.models import User
from isolation.compiled import JoinedRead
from limits.models import Counter
from reset.models import PassedGate, ResetAttempt
from tenants.models import Branding, PolicyVersion, Tenant
from verification.models import Challenge
from verification.queries.registered import registered_by

_ATTEMPT = """
SELECT {attempt}, {tenant}, {branding}, {account}, {lately}, {in_a_row}, {challenge}, {gate},
    message.state,
    CAST(version."values" AS text), CAST(policy."values" AS text), length(branding.logo) > 0,
    EXISTS (SELECT 1 FROM tenants_customtext own WHERE own.tenant_id = attempt.tenant_id),
    {registered}
FROM reset_resetattempt attempt
JOIN tenants_policyversion version
    ON version.tenant_id = attempt.tenant_id AND version.id = attempt.policy_version_id
LEFT JOIN tenants_tenant tenant ON tenant.id = attempt.tenant_id
LEFT JOIN tenants_policyrecord policy ON policy.tenant_id = attempt.tenant_id
LEFT JOIN tenants_branding branding ON branding.tenant_id = attempt.tenant_id
LEFT JOIN directory_user account
    ON account.tenant_id = attempt.tenant_id AND account.id = attempt.user_id
LEFT JOIN limits_counter lately ON lately.key = attempt.guesses_lately
LEFT JOIN limits_counter in_a_row ON in_a_row.key = attempt.guesses_in_a_row
LEFT JOIN verification_challenge challenge
    ON challenge.tenant_id = attempt.tenant_id AND challenge.context = attempt.id
    AND challenge.purpose = %s
LEFT JOIN reset_passedgate gate
    ON gate.tenant_id = attempt.tenant_id AND gate.challenge_id = challenge.id
    AND gate.attempt_id = attempt.id AND gate.user_id = attempt.user_id
LEFT JOIN delivery_outgoing message
    ON message.tenant_id = attempt.tenant_id AND message.id = challenge.outgoing_id
WHERE attempt.browser = %s
ORDER BY challenge.created_at DESC
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
READ_ATTEMPT = JoinedRead(
    _ATTEMPT,
    leaves_out={"branding.logo"},
    parts={"registered": registered_by("attempt.tenant_id", "coalesce(attempt.user_id, 0)")},
    attempt=ResetAttempt,
    tenant=Tenant,
    branding=Branding,
    account=User,
    lately=Counter,
    in_a_row=Counter,
    challenge=Challenge,
    gate=PassedGate,
)
READ_BEGINNING = JoinedRead(
    _BEGINNING,
    leaves_out={"version.values"},
    parts={"registered": registered_by("version.tenant_id", "coalesce(account.id, 0)")},
    version=PolicyVersion,
    account=User,
)
READ_USER = JoinedRead(_USER, account=User)
