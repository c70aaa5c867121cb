"""The names beside user IDs by which people of directories sign in.

All that entries claim are stored as claims. Only those that a single user claims open anything.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from directory.models import SignInName, User
from provisioning.models import SignInClaim


def claim_names(wanted: Mapping[int, Collection[str]], upns: Collection[str]) -> set[str]:
    """Stores the names that some accounts claim, in place of those that they claimed before.

    Args:
        wanted: account id → names in their canonical form.
        upns: user IDs that users have got or lost: others may claim them as names.

    Returns:
        Those of the names that can't be used.
    """
    rows = SignInClaim.objects.filter(account_id__in=list(wanted))
    before = {
        (account, name): pk for pk, account, name in rows.values_list("pk", "account", "name")
    }
    after = {(account, name) for account, names in wanted.items() for name in names}
    SignInClaim.objects.filter(pk__in=[before[key] for key in before.keys() - after]).delete()
    SignInClaim.objects.bulk_create(
        SignInClaim(account_id=account, name=name)
        for account, name in sorted(after - before.keys())
    )
    return settle_names({*upns, *(name for _account, name in before.keys() ^ after)})


def drop_claims(account_ids: Collection[int]) -> None:
    """Removes the claims of accounts that are gone: others may use the names now."""
    claims = SignInClaim.objects.filter(account_id__in=account_ids)
    names = set(claims.values_list("name", flat=True))
    claims.delete()
    settle_names(names)


def settle_names(changed: Collection[str]) -> set[str]:
    """Stores those of the names that one user claims, and removes the others.

    Returns:
        The names that several users claim, or that are the user ID of another user.
    """
    claims = SignInClaim.objects.filter(name__in=changed).values_list("name", "account__user_id")
    claimed = defaultdict[str, set[int]](set)
    for name, user_id in claims:
        claimed[name].add(user_id)
    upns = set(User.objects.filter(upn__in=list(claimed)).values_list("upn", flat=True))
    good = {
        name: user_id
        for name, (user_id, *others) in claimed.items()
        if not others and name not in upns
    }
    rows = SignInName.objects.filter(name__in=changed)
    stored = {name: (pk, user) for pk, name, user in rows.values_list("pk", "name", "user_id")}
    SignInName.objects.filter(
        pk__in=[pk for name, (pk, user_id) in stored.items() if good.get(name) != user_id]
    ).delete()
    SignInName.objects.bulk_create(
        SignInName(name=name, user_id=user_id)
        for name, user_id in sorted(good.items())
        if stored.get(name, (0, 0))[1] != user_id
    )
    return claimed.keys() - good.keys()
