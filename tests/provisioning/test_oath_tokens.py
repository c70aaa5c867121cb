"""Reading a file of hardware tokens as vendors and administrators write it."""

import base64

import pytest

from provisioning.rules.oath_tokens import MOST_ROWS, TokenFlaw, TokenProblem, read_tokens

HEADER = "upn,serial number,secret key,time interval,manufacturer,model"
SECRET = "2234567abcdef2234567abcdef"
ROW = f"helga@contoso.example,1234567,{SECRET},60,Contoso,HardwareKey"


def read(*rows, header=HEADER):
    return read_tokens("\r\n".join((header, *rows)) + "\r\n")


def problem(*rows, header=HEADER):
    _tokens, (flaw, *more) = read(*rows, header=header)
    assert not more
    return flaw


def test_the_file_that_entra_takes_is_taken():
    (token,), flaws = read(ROW)

    assert not flaws
    assert (token.line, token.upn, token.serial) == (2, "helga@contoso.example", "1234567")
    assert token.seed == base64.b32decode(SECRET.upper() + "======")
    assert (token.interval, token.manufacturer, token.model) == (60, "Contoso", "HardwareKey")


@pytest.mark.parametrize(
    "header",
    [
        "\ufeffUPN,Serial Number,Secret Key,TimeInterval,Manufacturer,Model",
        "upn;serial_number;secret_key;time_interval;manufacturer;model",
        "upn\tserialnumber\tsecretkey\ttime interval\tmanufacturer\tmodel",
        "model,upn,time interval,manufacturer,note,secret key,serial number",
        "upn,serial number,secret key,time interval",
    ],
)
def test_spellings_orders_and_separators_of_vendors_are_understood(header):
    values = {
        "upn": "helga@contoso.example",
        "serialnumber": "1234567",
        "secretkey": SECRET,
        "timeinterval": "60",
    }
    separator = next(sign for sign in ";\t," if sign in header)
    names = [name.strip("\ufeff").lower().replace(" ", "") for name in header.split(separator)]
    row = separator.join(values.get(name.replace("_", ""), "x") for name in names)

    (token,), flaws = read(row, header=header)

    assert not flaws
    assert (token.upn, token.serial, token.interval) == ("helga@contoso.example", "1234567", 60)


def test_a_token_with_a_button_has_no_interval():
    tokens, flaws = read(f"a@x,1,{SECRET},0,,", f"b@x,2,{SECRET}aa,,,")

    assert not flaws
    assert [token.interval for token in tokens] == [0, 0]


def test_empty_lines_and_formulas_around_digits_do_no_harm():
    (token,), flaws = read("", f'"helga@contoso.example","=""0012345""",{SECRET},30,,', ",,,,,")

    assert not flaws
    assert (token.line, token.serial) == (3, "0012345")


@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        (f",1,{SECRET},60,,", TokenFlaw(2, TokenProblem.USER_MISSING)),
        (f"a@x,,{SECRET},60,,", TokenFlaw(2, TokenProblem.SERIAL_MISSING, "a@x")),
        (f"a@x,1.23E+12,{SECRET},60,,", TokenFlaw(2, TokenProblem.SERIAL_ROUNDED, "1.23E+12")),
        (f"a@x,1,{SECRET},45,,", TokenFlaw(2, TokenProblem.INTERVAL, "1")),
        (f"a@x,1,{SECRET},thirty,,", TokenFlaw(2, TokenProblem.INTERVAL, "1")),
        ("a@x,1,,60,,", TokenFlaw(2, TokenProblem.SECRET_MALFORMED, "1")),
        ("a@x,1,0123456789,60,,", TokenFlaw(2, TokenProblem.SECRET_MALFORMED, "1")),
        (f"a@x,1,{'A' * 129},60,,", TokenFlaw(2, TokenProblem.SECRET_MALFORMED, "1")),
        ("a@x,1,ABC,60,,", TokenFlaw(2, TokenProblem.SECRET_MALFORMED, "1")),
        ("a@x,1,234567ABCDEFGHIJ,60,,", TokenFlaw(2, TokenProblem.SECRET_SHORT, "1")),
        (f"a@x,{'1' * 65},{SECRET},60,,", TokenFlaw(2, TokenProblem.TEXT_TOO_LONG, "a@x")),
        (f"a@x,1,{SECRET},60,{'m' * 65},", TokenFlaw(2, TokenProblem.TEXT_TOO_LONG, "a@x")),
        (f"a@x,1,{SECRET},60,,{'m' * 65}", TokenFlaw(2, TokenProblem.TEXT_TOO_LONG, "a@x")),
        (
            "a@x,1,é234567ABCDEFGHIJKLMNOP,60,,",
            TokenFlaw(2, TokenProblem.SECRET_MALFORMED, "1"),
        ),
        (f"a@x,1,{SECRET}", TokenFlaw(2, TokenProblem.CELLS, "a@x")),
        (f"a@x,1,{SECRET},60,m,m,more", TokenFlaw(2, TokenProblem.CELLS, "a@x")),
    ],
)
def test_a_wrong_row_is_named_and_no_secret_is_repeated(row, flaw):
    assert problem(row) == flaw


def test_text_of_the_greatest_length_is_taken():
    (token,), flaws = read(f"a@x,{'1' * 64},{'A' * 128},60,{'m' * 64},{'n' * 64}")

    assert not flaws
    assert len(token.seed) == 80


def test_a_serial_number_and_a_secret_key_stand_once():
    row = ROW.replace("1234567", "ab1")
    other = row.replace("helga", "joe")
    tokens, flaws = read(row, other.replace("ab1", "AB1"), other.replace("ab1", "ab2"))

    assert [token.upn for token in tokens] == ["helga@contoso.example"]
    assert flaws == [
        TokenFlaw(3, TokenProblem.SERIAL_TWICE, "AB1"),
        TokenFlaw(4, TokenProblem.SECRET_TWICE, "ab2"),
    ]


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        ("", [TokenFlaw(1, TokenProblem.EMPTY)]),
        ("\r\n\r\n", [TokenFlaw(1, TokenProblem.EMPTY)]),
        (HEADER, [TokenFlaw(1, TokenProblem.EMPTY)]),
        ('upn,"serial', [TokenFlaw(1, TokenProblem.NOT_CSV)]),
        (
            f"upn,secret key,time interval\n{ROW}",
            [TokenFlaw(1, TokenProblem.COLUMN_MISSING, "serial number")],
        ),
        (f"{HEADER},UPN\n{ROW}", [TokenFlaw(1, TokenProblem.COLUMN_TWICE, "upn")]),
    ],
)
def test_a_file_that_cant_be_read_says_why(text, flaws):
    assert read_tokens(text) == ([], flaws)


def test_a_row_without_a_header_isnt_taken_for_one():
    tokens, flaws = read_tokens(ROW)

    assert not tokens
    assert {flaw.problem for flaw in flaws} == {TokenProblem.COLUMN_MISSING, TokenProblem.EMPTY}


def test_a_file_has_an_end():
    secrets = (base64.b32encode(f"{number:016d}".encode()) for number in range(MOST_ROWS + 1))
    rows = [f"a@x,{at},{secret.decode()},60,," for at, secret in enumerate(secrets)]

    assert len(read(*rows[:-1])[0]) == MOST_ROWS
    assert problem(*rows) == TokenFlaw(1, TokenProblem.TOO_MANY_ROWS)


def test_the_seed_isnt_shown():
    (token,), _ = read(ROW)

    assert repr(token.seed) not in repr(token)
