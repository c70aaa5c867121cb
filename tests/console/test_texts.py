import pytest

from audit.activities import Activity
from audit.models import Event
from isolation.scope import in_tenant
from tenants.models import CustomText
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import make_email, make_user
from tests.console.people import behind_both, make_admin
from verification.services import notices
from verification.services.notice_words import Notice

PAGE = "/admin/texts/reset/en/"
OWN = {"subject": "$brand: new password", "body": "Dear $user, at $time: {{ settings }} <b>"}


def test_own_words_go_out_and_nothing_in_them_is_run(admin, mailroom):
    user = make_user()
    admin.post(PAGE, OWN)

    notices.tell(user, Notice.RESET)

    (mail,) = mailroom.work()
    assert mail.subject == "Contoso: new password"
    assert f"Dear {user.upn}" in mail.text
    assert "{{ settings }} <b>" in mail.text
    assert "{{ settings }} &lt;b&gt;" in mail.html
    assert "If this wasn’t you" in mail.text
    assert Event.objects.filter(activity=Activity.TEXT_CHANGED).exists()


def test_other_languages_keep_the_services_words(admin, mailroom):
    user = make_user(language="ko")
    admin.post(PAGE, OWN)

    notices.tell(user, Notice.RESET)

    assert "재설정" in mailroom.work()[0].subject


def test_own_words_are_given_up_again(admin, mailroom):
    admin.post(PAGE, OWN)
    admin.post(f"{PAGE}reset/")

    notices.tell(make_user(), Notice.RESET)

    assert not CustomText.objects.exists()
    assert "was reset" in mailroom.work()[0].subject


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", ""),
        ("subject", "a" * 121),
        ("subject", "$password"),
        ("body", "Hello $code"),
        ("body", "Hello $User"),
        ("body", "Hello ${user, how are you"),
        ("subject", "Hello ${"),
        ("body", "Hello ${} and $user2"),
        ("body", ""),
        ("body", "a" * 2_001),
    ],
)
def test_bad_words_are_said_at_the_field(admin, field, value):
    page = admin.post(PAGE, OWN | {field: value})

    assert page.context["form"].errors[field]
    assert not CustomText.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("It costs $5 or 5$, $ 5.", "It costs $5 or 5$, $ 5."),
        ("${user}: it is yours", "minji@contoso.example: it is yours"),
        ("$user님의 비밀번호", "minji@contoso.example님의 비밀번호"),
        ("100 % of %(user)s {user}", "100 % of %(user)s {user}"),
    ],
    ids=["money", "braces", "hangul behind it", "other signs"],
)
def test_what_stands_in_own_words_goes_out_as_everybody_would_read_it(admin, mailroom, typed, sent):
    admin.post(PAGE, OWN | {"body": typed})

    notices.tell(make_user(), Notice.RESET)

    assert sent in mailroom.work()[0].text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The closing } is missing after “${user”"),
        ("ko", "닫는 중괄호(})를 넣어 주세요: “${user”"),
    ],
)
def test_a_place_that_isnt_closed_is_said_and_nothing_typed_is_lost(admin, language, words):
    typed = OWN | {"body": "Dear ${user at $time"}

    page = admin.post(PAGE, typed, headers={"accept-language": language})

    assert words in page.text
    assert "Dear ${user at $time" in page.text


def test_a_subject_of_two_lines_becomes_no_second_header(admin, mailroom):
    admin.post(PAGE, OWN | {"subject": "one\nBcc: evil@mail.example"})

    notices.tell(make_user(), Notice.RESET)

    assert "\n" not in mailroom.work()[0].subject


def test_the_preview_is_what_is_sent(admin, mailroom):
    admin.post(PAGE, OWN)

    preview = admin.get(PAGE).context["preview"]
    admin.post(f"{PAGE}test/")

    (mail,) = mailroom.work()
    assert mail.destination == "admin@contoso.example"
    assert mail.subject == preview.subject


def test_ten_tests_an_hour_are_enough(admin, mailroom):
    for _ in range(12):
        admin.post(f"{PAGE}test/")

    assert len(mailroom.work()) == 10


@pytest.mark.parametrize("path", ["/admin/texts/nothing/en/", "/admin/texts/reset/xx/"])
def test_texts_that_there_arent_arent_there(admin, path):
    assert admin.get(path).status_code == 404
    assert admin.post(path, OWN).status_code == 404
    assert admin.post(f"{path}test/").status_code == 404


def test_another_organisation_keeps_its_words(admin, hanbit, mailroom):
    admin.post("/admin/texts/reset/ko/", OWN)

    with in_tenant(hanbit.pk):
        user = make_user("kim@hanbit.example")
        make_email(user)
        notices.tell(user, Notice.RESET)

    assert all("new password" not in mail.subject for mail in mailroom.work())


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_texts(contoso, role):
    other = behind_both(make_admin("other@contoso.example", role=role))

    for path in ("/admin/texts/", PAGE):
        assert other.get(path).status_code == 404


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_can_be_said_in_own_words(admin, mailroom, notice):
    assert f"/admin/texts/{notice}/ko/" in admin.get("/admin/texts/").text
    admin.post(f"/admin/texts/{notice}/en/", {"subject": "Hear, $user", "body": "It is so."})
    person = make_user("told@contoso.example")
    make_email(person)

    notices.tell(person, notice, factor=Factor.EMAIL)

    subjects = {mail.subject for mail in mailroom.work() if "told" in mail.subject}
    assert subjects == {"Hear, told@contoso.example"}
