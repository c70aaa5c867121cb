import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from audit.activities import Activity
from audit.models import Event
from isolation.scope import in_tenant
from tenants.models import Branding, Domain
from tenants.roles import Role
from tenants.services.branding import NotAPicture, redraw_logo
from tests.builders import PASSWORD, make_email, make_user
from tests.captcha import solved
from tests.console.people import behind_both, make_admin
from verification.services import notices
from verification.services.notice_words import Notice

PAGE = "/admin/branding/"


def picture(size=(30, 20), kind="PNG", **more):
    out = io.BytesIO()
    Image.new("RGB", size, "#cc0000").save(out, kind, **more)
    return out.getvalue()


def save(admin, **typed):
    return admin.post(PAGE, typed)


def look():
    return Branding.objects.first()


def test_a_colour_is_made_safe_and_comes_as_a_stylesheet(admin):
    save(admin, colour="#FFEE00")
    page = admin.get("/security-info")
    address = f"/brand/{look().public_id}/{look().edition}.css"

    sheet = Client().get(address)

    assert address in page.text
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "immutable" in sheet.headers["Cache-Control"]
    assert "--brand:#" in sheet.text
    assert "ffee00" not in sheet.text.split("@media")[0]
    assert Event.objects.filter(activity=Activity.BRANDING_CHANGED).exists()


def test_a_change_gets_a_new_address(admin):
    save(admin, colour="#112233")
    before = look().edition
    save(admin, colour="#445566")

    assert look().edition == before + 1
    old = Client().get(f"/brand/{look().public_id}/{before}.css")
    assert old.status_code == 404


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_logo_is_drawn_anew(admin, kind):
    file = SimpleUploadedFile("logo.bin", picture((1200, 900), kind))

    save(admin, logo=file)

    logo = Client().get(f"/brand/{look().public_id}/{look().edition}.png")
    with Image.open(io.BytesIO(logo.content)) as drawn:
        assert (drawn.format, drawn.width <= 600, drawn.height <= 200) == ("PNG", True, True)
    assert logo.headers["Content-Type"] == "image/png"
    assert logo.headers["X-Content-Type-Options"] == "nosniff"


def test_what_hides_behind_the_picture_is_gone():
    hidden = picture() + b"<script>alert(1)</script>"

    assert b"script" not in redraw_logo(io.BytesIO(hidden))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"\x89PNG\r\n\x1a\n broken",
        picture((4_001, 10)),
        b"\x00" * ((1 << 20) + 1),
        b"BM" + b"\x00" * 100,
    ],
    ids=["empty", "svg", "broken", "too wide", "too large", "bmp"],
)
def test_what_isnt_a_small_picture_is_refused(admin, data):
    with pytest.raises(NotAPicture):
        redraw_logo(io.BytesIO(data))
    if data:
        page = save(admin, colour="#112233", logo=SimpleUploadedFile("logo.png", data))
        assert page.context["form"].errors["logo"]
        assert look() is None


def test_a_logo_that_is_far_too_large_changes_nothing_and_loses_nothing(admin):
    typed = {
        "name_ko": "콘토소",
        "help_ko": "전화 주세요",
        "help_phone": "02-1588-0000",
        "portal_host": "password.contoso.example",
    }
    save(admin, **typed)
    before = Branding.objects.values().get()
    large = SimpleUploadedFile("logo.png", picture() + b"\x00" * (3 << 20))

    page = save(admin, logo=large, **{**typed, "help_ko": "메일 주세요"})

    assert Branding.objects.values().get() == before
    assert page.context["form"].errors == {
        "logo": ["Use a PNG, JPEG, WebP or GIF picture of up to 1 MB."]
    }
    assert "메일 주세요" in page.text
    assert "password.contoso.example" in page.text


def test_the_logo_is_removed(admin):
    save(admin, logo=SimpleUploadedFile("logo.png", picture()))
    save(admin, without_logo="on")

    assert bytes(look().logo) == b""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "red"),
        ("colour", "#12345"),
        ("help_url", "http://plain.example"),
        ("help_url", "javascript:alert(1)"),
        ("help_url", "https://user@evil.example"),
        ("help_phone", "call Minji"),
        ("help_phone", "010-1234-56"),
        ("help_phone", "ext"),
        ("help_phone", "+99 1234"),
        ("portal_host", "localhost"),
        ("portal_host", "not a host"),
        ("help_en", "a" * 501),
        ("name_en", "Contoso\nLimited"),
        ("name_ko", "콘토소\r\nBcc: thief@evil.example"),
    ],
)
def test_bad_input_is_said_at_the_field(admin, field, value):
    page = save(admin, **{field: value})

    assert page.context["form"].errors[field]
    assert look() is None


@pytest.mark.parametrize(
    "number",
    ["02-1234-5678", "1588-1234", "1330", "02-1234-5678 내선 12", "+1 212 555 0100", "5555"],
)
def test_a_number_for_help_is_one_that_people_can_call(admin, number):
    save(admin, help_phone=number)

    assert look().help_phone == number


def test_a_number_nobody_can_call_is_refused_in_the_readers_language(admin):
    wrong = {"help_phone": "콘토소로 전화"}

    english = admin.post(PAGE, wrong, headers={"accept-language": "en"})
    korean = admin.post(PAGE, wrong, headers={"accept-language": "ko"})

    assert "Enter a phone number like 010-" in english.text
    assert "전화번호를 010-" in korean.text
    assert "콘토소로 전화" in korean.text


def test_what_was_saved_as_number_for_help_before_hinders_nobody(admin):
    Branding.objects.create(help_phone="ask at desk 3")

    save(admin, help_phone="ask at desk 3", colour="#112233")

    assert (look().colour, look().help_phone) == ("#112233", "ask at desk 3")


def test_names_and_help_are_shown_in_the_readers_language(admin):
    save(
        admin, name_ko="콘토소", help_en="Call <b>us</b>", help_ko="전화 주세요", help_phone="1588"
    )
    person = Client()
    make_user()
    person.post("/signin", {"username": "minji@contoso.example", "password": PASSWORD})

    korean = person.get("/security-info", HTTP_ACCEPT_LANGUAGE="ko").text
    english = person.get("/security-info", HTTP_ACCEPT_LANGUAGE="en").text

    assert "콘토소" in korean
    assert "전화 주세요" in korean
    assert "Contoso" in english
    assert "Call &lt;b&gt;us&lt;/b&gt;" in english


def test_before_anybody_is_known_no_page_wears_a_brand(hanbit):
    with in_tenant(hanbit.pk):
        Branding.objects.create(colour="#112233", help_texts={"en": "Call us"})

    text = Client().get("/passwordreset").text

    assert "/brand/" not in text
    assert "Call us" not in text


def test_the_portal_has_a_host_of_its_own_where_only_its_people_are_known(admin, hanbit):
    save(admin, colour="#112233", name_en="Contoso Group", portal_host="password.contoso.example")
    make_email(make_user())
    with in_tenant(hanbit.pk):
        make_email(make_user("kim@hanbit.example"))

    def begin(upn):
        browser = Client(headers={"host": "password.contoso.example"})
        page = browser.get("/passwordreset")
        answer = browser.post("/passwordreset", solved({"username": upn}), follow=True)
        return page, answer.request["PATH_INFO"]

    page, ours = begin("minji@contoso.example")
    _, theirs = begin("kim@hanbit.example")

    assert "Contoso Group" in page.text
    assert "/brand/" in page.text
    assert ours == "/passwordreset/verify"
    assert theirs == "/passwordreset/ended"


def test_other_hosts_get_no_answer(admin):
    save(admin, portal_host="password.contoso.example")

    assert Client(headers={"host": "evil.example"}).get("/").status_code == 400
    assert Client(headers={"host": "password.contoso.example"}).get("/").status_code == 200


def test_a_host_belongs_to_one_organisation(admin, hanbit):
    with in_tenant(hanbit.pk):
        Branding.objects.create(portal_host="password.example.com")

    page = save(admin, portal_host="password.example.com")

    assert "This host name is taken" in page.text


@pytest.mark.parametrize("host", ["hanbit.example", "password.hanbit.example"])
def test_a_host_in_a_domain_of_another_organisation_is_taken(admin, hanbit, host):
    page = save(admin, portal_host=host, name_en="Contoso Group")

    assert page.context["form"].errors == {"portal_host": ["This host name is taken."]}
    assert look() is None


def test_a_host_that_became_another_organisations_keeps_nobody_from_saving_the_rest(admin, hanbit):
    save(admin, portal_host="password.newcomer.example")
    with in_tenant(hanbit.pk):
        Domain.objects.create(name="newcomer.example")

    save(admin, portal_host="password.newcomer.example", name_en="Contoso Group")
    moved = save(admin, portal_host="reset.newcomer.example")

    assert look().names["en"] == "Contoso Group"
    assert "This host name is taken" in moved.text


def test_the_nearest_domain_decides_whose_a_host_is(admin, hanbit):
    Domain.objects.create(name="contoso.hanbit.example")

    save(admin, portal_host="password.contoso.hanbit.example")

    assert look().portal_host == "password.contoso.hanbit.example"


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_branding(contoso, role):
    other = behind_both(make_admin("other@contoso.example", role=role))

    assert other.get(PAGE).status_code == 404
    assert save(other, colour="#112233").status_code == 404


def test_mails_wear_the_colour_and_the_name(admin, mailroom):
    save(admin, colour="#ffee00", name_en="Contoso Group")

    notices.tell(make_user(), Notice.RESET)

    (mail,) = mailroom.work()
    assert "border-top:4px solid #" in mail.html
    assert mail.sender_name == "Contoso Group"
    assert "Contoso Group" in mail.text
