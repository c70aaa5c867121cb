import pytest

from provisioning.rules.code_pages import CODE_PAGES, candidates, usual_pages

NAMES = {
    "cp949": ["김민지", "홍길동", "최영호"],
    "cp932": ["田中太郎", "さくら", "タカハシ"],
    "cp936": ["张伟", "王芳"],
    "cp950": ["陳大文", "林志玲"],
    "cp1252": ["Åsa Berg", "Sean O’Brien", "ÄNDERS ÅKERLUND", "Jürgen Müller", "Plain Person"],
    "cp1250": ["Łukasz Żak", "Šimůnek", "Łódź"],
    "cp1251": ["Иван Петров", "Отдел №1"],
    "cp1253": ["Γιώργος Παπαδόπουλος"],
    "cp1254": ["İbrahim Şahin", "Çağlar Öztürk"],
    "cp1255": ["משה כהן"],
    "cp1256": ["محمد علي"],
    "cp1257": ["Jānis Bērziņš"],
    "cp1258": ["Nguy\u00ea\u0303n"],
    "cp874": ["สมชาย ใจดี"],
}


def lines(page):
    return [f"user{n}@t.example,{name}".encode(page) for n, name in enumerate(NAMES[page])]


@pytest.mark.parametrize("page", CODE_PAGES)
def test_names_look_right_in_the_page_of_the_organisation(page):
    assert candidates(lines(page), [page]) == (page,)


@pytest.mark.parametrize("page", sorted(set(CODE_PAGES) - {"cp949"}))
def test_no_other_file_is_turned_into_hangul_silently(page):
    assert "cp949" not in candidates(lines(page), usual_pages("KR", "ko"))


@pytest.mark.parametrize(
    "page", ["cp949", "cp932", "cp950", "cp1251", "cp1253", "cp1255", "cp1256"]
)
def test_other_scripts_are_never_read_as_western_names(page):
    assert "cp1252" not in candidates(lines(page), usual_pages("GB", "en"))


def test_two_readings_that_look_right_are_both_named():
    assert candidates(lines("cp1252"), ["cp1250", "cp1252"]) == ("cp1250", "cp1252")
    assert set(candidates(lines("cp1251"), ["cp1252"])) >= {"cp1251", "cp1253"}


def test_pages_that_give_the_same_text_are_one():
    assert candidates(["Jürgen Müller".encode("cp1252")], ["cp1252", "cp1250"]) == ("cp1252",)


def test_control_characters_refuse_a_page():
    assert candidates([b"\x80\x81\x98\xff"], ["cp1252"]) == ()


@pytest.mark.parametrize(
    ("country", "language", "pages"),
    [
        ("KR", "ko", ("cp949",)),
        ("KR", "en", ("cp949", "cp1252")),
        ("GB", "en", ("cp1252",)),
        ("PL", "en", ("cp1250", "cp1252")),
        ("RU", "en", ("cp1251", "cp1252")),
        ("RS", "en", ("cp1251", "cp1252")),
        ("ME", "en", ("cp1250", "cp1252")),
        ("CN", "en", ("cp936", "cp1252")),
        ("HK", "en", ("cp950", "cp1252")),
        ("JP", "ko", ("cp932", "cp949")),
        ("GR", "en", ("cp1253", "cp1252")),
    ],
)
def test_country_and_language_say_what_is_tried(country, language, pages):
    assert usual_pages(country, language) == pages
