"""The tenants and users of the demo. Their addresses and numbers are in no use."""

from dataclasses import dataclass
from enum import StrEnum

from tenants.policy import Factor, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import NewTenant

OPERATOR = "operator@service.example"
ANSWERS = {
    "q01": "spaghetto",
    "q02": "the den",
    "q03": "night owls",
    "q04": "zorro",
    "q05": "bluebird",
}
"""The answers of all users of the demo, printed by `make run`."""


class DemoState(StrEnum):
    OPERATOR = "operator"
    ADMIN = "tenant admin"
    HELPDESK = "helpdesk"
    REGISTERED = "registered"
    PREFILLED = "prefilled only"
    NOT_REGISTERED = "not registered"
    OUT_OF_SCOPE = "out of scope"
    ON_PREMISES = "managed on-premises"
    BLOCKED = "blocked"
    DISABLED = "disabled"
    LOCKED = "locked"

    @property
    def is_registered(self) -> bool:
        return self not in {DemoState.PREFILLED, DemoState.NOT_REGISTERED, DemoState.OUT_OF_SCOPE}

    @property
    def role(self) -> Role:
        roles = {DemoState.ADMIN: Role.TENANT_ADMIN, DemoState.HELPDESK: Role.HELPDESK}
        return roles.get(self, Role.NONE)


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user of the demo.

    Args:
        number: four digits that end the phone numbers of this user only.
    """

    upn: str
    given_name: str
    surname: str
    state: DemoState
    number: int
    language: str

    @property
    def display_name(self) -> str:
        korean = self.language == "ko"
        return self.surname + self.given_name if korean else f"{self.given_name} {self.surname}"

    @property
    def email(self) -> str:
        return f"{self.upn.partition('@')[0]}@mail.example"

    @property
    def mobile_phone(self) -> str:
        return f"+82101234{self.number}"

    @property
    def office_phone(self) -> str:
        return f"+8221234{self.number}"


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """A tenant of the demo.

    Args:
        left_out: name of the group whose members may not reset.
    """

    new_tenant: NewTenant
    left_out: str
    users: tuple[DemoUser, ...]


def _users(
    domain: str, language: str, first_number: int, names: tuple[str, ...]
) -> tuple[DemoUser, ...]:
    """One user for each state, in order of `names`: `user given-name surname`."""
    states = [state for state in DemoState if state is not DemoState.OPERATOR]
    return tuple(
        DemoUser(f"{user}@{domain}", given_name, surname, state, first_number + place, language)
        for place, (state, (user, given_name, surname)) in enumerate(
            zip(states, map(str.split, names), strict=True)
        )
    )


CONTOSO = DemoTenant(
    NewTenant(
        name="Contoso",
        slug="contoso",
        domains=("contoso.example",),
        country="KR",
        language="en",
        time_zone="Europe/London",
        policy=Policy(
            self_service=Scope.ALL,
            excluded_groups=frozenset({"Contractors"}),
            methods_required=1,
            questions=Questions.GATE,
            countries=frozenset({"US", "GB", "KR"}),
        ),
    ),
    "Contractors",
    _users(
        "contoso.example",
        "en",
        5601,
        (
            "admin Alex Morgan",
            "helpdesk Riley Chen",
            "emma Emma Clarke",
            "oliver Oliver Hughes",
            "sophie Sophie Turner",
            "george George Bennett",
            "harry Harry Walsh",
            "chloe Chloe Foster",
            "daniel Daniel Reed",
            "lucy Lucy Palmer",
        ),
    ),
)
HANBIT = DemoTenant(
    NewTenant(
        name="한빛",
        slug="hanbit",
        domains=("hanbit.example",),
        country="KR",
        language="ko",
        time_zone="Asia/Seoul",
        policy=Policy(
            self_service=Scope.ALL,
            excluded_groups=frozenset({"협력사"}),
            methods_required=2,
            questions=Questions.OFF,
            prefilled_usable=frozenset({Factor.OFFICE_PHONE, Factor.MOBILE_PHONE}),
        ),
    ),
    "협력사",
    _users(
        "hanbit.example",
        "ko",
        5651,
        (
            "admin 서연 박",
            "helpdesk 도윤 최",
            "minji 민지 김",
            "seojun 서준 이",
            "jiwoo 지우 정",
            "haeun 하은 강",
            "junho 준호 조",
            "yujin 유진 윤",
            "minjun 민준 임",
            "sua 수아 한",
        ),
    ),
)
DEMO_TENANTS = (CONTOSO, HANBIT)
FABRIKAM = DemoTenant(
    NewTenant(
        name="Fabrikam",
        slug="fabrikam",
        domains=("fabrikam.example",),
        country="KR",
        language="en",
        time_zone="Europe/Berlin",
        policy=Policy(self_service=Scope.ALL, methods_required=2, unlock_without_reset=True),
    ),
    "Contractors",
    (DemoUser("admin@fabrikam.example", "Robin", "Vogel", DemoState.ADMIN, 5701, "en"),),
)
"""Its other users come from the directory that `make run-directory` starts."""
