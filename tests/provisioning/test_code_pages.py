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


@pytest.mark.parametrize(
    ("language", "page"),
    [
        *((code, "cp1251") for code in ["be", "bg", "kk", "ky", "mk"]),
        *((code, "cp1251") for code in ["mn", "ru", "sr", "tg", "uk"]),
        *((code, "cp1250") for code in ["bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"]),
        *((code, "cp1256") for code in ["ar", "fa", "ps", "ur"]),
        *((code, "cp1257") for code in ["et", "lt", "lv"]),
        *((code, "cp1254") for code in ["az", "tr"]),
        ("sr-Latn", "cp1250"),
        ("sr-Latn-RS", "cp1250"),
        ("zh-Hans", "cp936"),
        ("zh-Hant", "cp950"),
        ("yue-Hant", "cp950"),
        ("ko", "cp949"),
        ("ja", "cp932"),
        ("el", "cp1253"),
        ("he", "cp1255"),
        ("vi", "cp1258"),
        ("th", "cp874"),
        ("de", "cp1252"),
    ],
)
def test_the_page_of_an_organisations_language_is_tried(language, page):
    assert usual_pages("US", language) == tuple(dict.fromkeys(("cp1252", page)))


def test_an_unknown_country_reads_as_an_english_speaking_one():
    assert usual_pages("ZZ", "ko") == ("cp1252", "cp949")


@pytest.mark.parametrize(
    ("page", "rare"),
    [("cp949", "뷁"), ("cp932", "齬齲"), ("cp936", "鑫龘"), ("cp950", "龘靐")],
)
def test_words_of_rare_letters_only_do_not_look_like_names(page, rare):
    assert page not in candidates([rare.encode(page, "ignore")], [page])


@pytest.mark.parametrize(("bad", "is_fine"), [(1, True), (2, False)])
def test_one_damaged_line_in_twenty_refuses_no_page(bad, is_fine):
    damaged = [b"Kim \x81\x8d M\xfcller"] * bad
    fine = ["Jürgen Müller".encode("cp1252")] * (20 - bad)

    assert ("cp1252" in candidates(damaged + fine, ["cp1252"])) is is_fine


@pytest.mark.parametrize(("strange", "is_fine"), [(1, True), (2, False)])
def test_three_of_four_words_must_look_right(strange, is_fine):
    words = ["Müller"] * 3 + ["ÄÖÜß"] * strange

    assert ("cp1252" in candidates([" ".join(words).encode("cp1252")], ["cp1252"])) is is_fine


@pytest.mark.parametrize(("signs", "is_fine"), [("’“”–…", True), ("¤§±", False)])
def test_typography_is_no_sign_of_a_wrong_page(signs, is_fine):
    text = f"Müller {signs}"

    assert ("cp1252" in candidates([text.encode("cp1252")], ["cp1252"])) is is_fine


@pytest.mark.parametrize(
    ("page", "codec", "first", "last"),
    [
        ("cp949", "euc_kr", b"\xb0\xa1", b"\xc8\xa1"),
        ("cp936", "gb2312", b"\xb0\xa1", b"\xd7\xa1"),
        ("cp950", "big5", b"\xa4\x40", b"\xc6\x40"),
    ],
)
def test_the_first_and_the_last_common_letters_make_names(page, codec, first, last):
    for letter in (first, last):
        word = letter.decode(codec) * 2

        assert candidates([word.encode(page)], [page])[:1] == (page,)
