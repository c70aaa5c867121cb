import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.mailboxes import MISTYPED_DOMAINS, NotAMailbox, mailbox

_MAILISH = st.text(
    st.sampled_from("abcıſKßüа한@＠.-_=?\"'<>()[]:;,\\\r\n\0\t \u037e\u202e\u3002١1"), max_size=60
)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("minji@mail.example", "minji@mail.example"),
        ("  Minji@Mail.EXAMPLE ", "Minji@mail.example"),
        ("minji+reset@mail.example", "minji+reset@mail.example"),
        ("o'neil@mail.example", "o'neil@mail.example"),
        ("ｍｉｎｊｉ＠ｍａｉｌ．ｅｘａｍｐｌｅ", "minji@mail.example"),
        ("minji@faß.de", "minji@xn--fa-hia.de"),
        ("minji@bücher.example", "minji@xn--bcher-kva.example"),
        ("minji@한빛.kr", "minji@xn--xx3br43b.kr"),
        ("minji@XN--FA-HIA.de", "minji@xn--fa-hia.de"),
        ("minji@mail.example.", "minji@mail.example"),
        ("minji@mail。example", "minji@mail.example"),
        ("\u202aminji@mail.example\u202c", "minji@mail.example"),
        ("minji\xad@mail.exam\u200bple\ufeff", "minji@mail.example"),
        ("o\u2019neil@mail.example\xa0", "o'neil@mail.example"),
        ("kim\u2011minji@mail.example", "kim-minji@mail.example"),
        ("mailto:minji@mail.example", "minji@mail.example"),
        ("MailTo: minji@mail.example", "minji@mail.example"),
        ("minji@MAIL.ABX", "minji@mail.abx"),
    ],
)
def test_an_address_is_stored_in_its_ascii_form(text, stored):
    assert mailbox(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("minji", id="no domain"),
        pytest.param("@mail.example", id="no mailbox"),
        pytest.param("minji@", id="nothing behind"),
        pytest.param("minji@mail", id="no dot"),
        pytest.param('"minji"@mail.example', id="quoted"),
        pytest.param('"a@evil.example"@mail.example', id="quoted address"),
        pytest.param('"a b"@mail.example', id="quoted space"),
        pytest.param("=?utf-8?q?a=40evil.example?=@mail.example", id="encoded word"),
        pytest.param("=?x?q?a@mail.example", id="half an encoded word"),
        pytest.param("minji(comment)@mail.example", id="comment"),
        pytest.param("Minji <minji@mail.example>", id="display name"),
        pytest.param("<minji@evil.example>@mail.example", id="angle"),
        pytest.param("a@evil.example,minji@mail.example", id="two"),
        pytest.param("a@evil.example;minji@mail.example", id="two, semicolon"),
        pytest.param("a@evil.example\u037eminji@mail.example", id="Greek question mark"),
        pytest.param("a@evil.example@mail.example", id="two at signs"),
        pytest.param("a@evil.example\r\nBcc:b@mail.example", id="header"),
        pytest.param("minji@mail.example\r\nBcc: b@evil.example", id="header behind"),
        pytest.param("minji\0@mail.example", id="null"),
        pytest.param("a@[127.0.0.1]", id="literal"),
        pytest.param("a@127.0.0.1", id="number"),
        pytest.param("a" * 65 + "@mail.example", id="long mailbox"),
        pytest.param("a@" + "b" * 64 + ".example", id="long label"),
        pytest.param("a@" + "b." * 130 + "example", id="long domain"),
        pytest.param("a" * 1_000_000 + "@mail.example", id="endless"),
        pytest.param(".minji@mail.example", id="leading dot"),
        pytest.param("minji.@mail.example", id="trailing dot"),
        pytest.param("min..ji@mail.example", id="two dots"),
        pytest.param("minjı@mail.example", id="dotless i"),
        pytest.param("mіnjі@mail.example", id="Cyrillic mailbox"),
        pytest.param("user%evil.example@mail.example", id="percent route"),
        pytest.param("a@-mail.example", id="hyphen first"),
        pytest.param("a@ma_il.example", id="underscore"),
        pytest.param("a@mail..example", id="empty label"),
        pytest.param("a@xn--a.example", id="broken punycode"),
        pytest.param("a@ma\u202eil.example", id="bidi override"),
    ],
)
def test_an_ambiguous_address_is_refused(text):
    with pytest.raises(NotAMailbox):
        mailbox(text)


def test_look_alikes_are_other_addresses():
    assert mailbox("minji@pаypal.example") != mailbox("minji@paypal.example")


@given(st.text() | _MAILISH | st.emails())
def test_anything_typed_is_an_address_in_ascii_or_not_a_mailbox(text):
    try:
        stored = mailbox(text)
    except NotAMailbox:
        return

    assert stored.isascii()
    assert stored.isprintable()
    assert stored.count("@") == 1
    assert not set(stored) & set(' "<>()[],;:\\%')
    assert mailbox(stored) == stored


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("naver.co", "naver.com"),
        ("naver.con", "naver.com"),
        ("hanmail.com", "hanmail.net"),
        ("daum.com", "daum.net"),
        ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
    ],
)
def test_the_domain_that_was_probably_meant_is_known(typed, meant):
    assert MISTYPED_DOMAINS[typed] == meant


LONGEST = ".".join(["b" * 63] * 2 + ["c" * 58])


def test_the_longest_address_is_one_and_a_longer_one_is_none():
    assert len(address := f"{'a' * 64}@{LONGEST}x.d") == 254
    assert mailbox(address) == address
    assert mailbox(f"mailto:{address}") == address
    with pytest.raises(NotAMailbox):
        mailbox(f"{'a' * 64}@{LONGEST}xx.d")


def test_signs_that_cannot_be_seen_make_an_address_twice_as_long_at_most():
    address = "minji@mail.example"

    assert mailbox(address.ljust(508, "\u200b")) == address
    with pytest.raises(NotAMailbox):
        mailbox(address.ljust(509, "\u200b"))
