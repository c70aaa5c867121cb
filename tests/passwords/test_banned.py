"""Words that are easy to guess, in every spelling, and what a password with them is worth."""

import time
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from passwords.banned import NEEDED, Words, base_words, holds, plain, score, words_of
from passwords.rules import MAX_LENGTH, Problem, Strength, evaluate, explain, strength

text = st.text(max_size=40)
words = st.text("abcdefgh", min_size=4, max_size=8)


def points(password, *banned):
    return score(password, [Words(banned)]).points


@pytest.mark.parametrize(
    ("password", "worth"),
    [("C0ntos0Blank12", 4), ("ContoS0Bl@nkf9!", 5)],
)
def test_the_published_examples_come_out_as_published(password, worth):
    assert points(password, "contoso", "blank") == worth


@pytest.mark.parametrize("typed", ["abcdeg", "abcdefg", "abcde", "abcedf", "ABCDEF"])
def test_one_letter_more_less_other_or_swapped_is_still_the_word(typed):
    assert points(typed, "abcdef") == 1


def test_two_letters_off_is_another_word():
    assert points("abcdxy", "abcdef") == 6


def test_a_word_of_four_letters_is_found_only_as_it_is():
    assert points("pass", "pass") == 1
    assert points("past", "pass") == 4


@pytest.mark.parametrize(
    "typed",
    [
        "안녕하세요",
        "dkssudgktpdy",
        "안녕gktpdy",
        "DKSSUDGKTPDY",
        "\u1109\u1161\u1105\u1161\u11bc",
        "사랑",
        "tkfkd",
    ],
)
def test_korean_is_known_as_it_is_written_and_as_it_is_typed(typed):
    assert score(typed, [base_words()]).points == 1


@pytest.mark.parametrize(
    "typed", ["P@ssw0rd", "ＰＡＳＳＷＯＲＤ", "pa55word", "p4$$w0rd", "Password"]
)
def test_signs_and_widths_that_stand_for_letters_are_read_as_those(typed):
    assert score(typed, [base_words()]).points == 1


@pytest.mark.parametrize(
    "typed", ["qwer1234", "1q2w3e4r", "asdf2024!", "summer2026!", "gksrnr1234"]
)
def test_a_common_password_is_refused_though_it_is_long_enough(typed):
    found = evaluate(typed, min_length=8)

    assert [finding.problem for finding in found] == [Problem.BANNED]
    assert found[0].word


def test_a_syllable_is_one_character_however_many_keys_it_takes():
    assert points("뷁뷁뷁") == 3
    assert points("뷁password", "password") == 2


def test_the_word_is_named_as_it_was_written_down():
    found = evaluate("C0NT0S0-2024", min_length=8, banned=frozenset({"Contoso"}))

    assert found[0].word == "Contoso"


def test_of_two_ways_to_take_it_apart_the_plainer_is_meant():
    assert score("P@ssw0rd1234", [base_words()]).words == ["password", "1234"]


@pytest.mark.parametrize("typed", ["aaaa", "4444"])
def test_of_words_that_are_compared_alike_the_one_that_was_typed_is_named(typed):
    assert score(typed, [base_words()]).words == [typed]


@pytest.mark.parametrize(
    "typed", ["Minji is here today", "m1nj1 is here today", "민지 is here today"]
)
def test_a_name_is_refused_in_every_spelling(typed):
    names = ["민지"] if "민" in typed else ["minji"]

    assert Problem.PERSONAL in {f.problem for f in evaluate(typed, min_length=8, names=names)}


def test_a_hangul_name_is_known_as_keys():
    assert holds("alswl12345", ["민지"]) == "민지"


def test_names_that_are_too_short_mean_nothing():
    assert not holds("a kim in a kimono", ["kim"])


@pytest.mark.parametrize(
    "good", ["correct horse battery staple", "나는 매일 아침 산에 간다 7시", "xK9#vQ2$mL7@"]
)
def test_good_ones_are_good(good):
    assert evaluate(good, min_length=12) == []


def near(word):
    """The word, and all that one letter more, less, other or swapped makes of it."""
    letters = "abcdefghz"
    cut = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    return {
        word,
        *(left + right[1:] for left, right in cut if right),
        *(left + right[1] + right[0] + right[2:] for left, right in cut if len(right) > 1),
        *(left + one + right[1:] for left, right in cut if right for one in letters),
        *(left + one + right for left, right in cut for one in letters),
    }


@given(st.lists(words, min_size=1, max_size=4), st.data())
def test_every_place_where_a_word_differs_in_one_letter_is_found(banned, data):
    text = data.draw(st.text("abcdefghz", max_size=4), label="before")
    text += data.draw(st.sampled_from(sorted(near(banned[0]))), label="word")
    text += data.draw(st.text("abcdefghz", max_size=4), label="behind")

    wanted = set()
    for start, stop in combinations(range(len(text) + 1), 2):
        part, is_all = text[start:stop], stop - start == len(text)
        for word in banned:
            around = set() if is_all else {part[1:], part[:-1]}
            if part == word or (len(word) >= 5 and part in near(word) and word not in around):
                wanted.add((start, stop))

    assert {(place.start, place.stop) for place in Words(banned).matches_in(text)} == wanted


@given(text)
def test_the_plain_form_of_the_plain_form_is_itself(typed):
    assert plain(plain(typed)) == plain(typed)


@given(text, st.frozensets(words, max_size=5), words)
def test_another_banned_word_never_makes_a_password_better(typed, banned, more):
    assert explain(typed, banned=banned | {more}).points <= explain(typed, banned=banned).points


@given(text)
def test_no_password_is_worth_more_than_its_length_and_its_parts_fill_it(typed):
    found = explain(typed)

    assert found.points <= len(typed)
    if found.parts:
        assert (
            sum(not part.word for part in found.parts)
            + len([part for part in found.parts if part.word])
            == found.points
        )


@given(st.text(max_size=300), st.lists(text, max_size=3))
def test_whatever_is_typed_is_judged(typed, names):
    for finding in evaluate(typed, min_length=12, names=names):
        assert finding.problem in Problem


@given(words, st.text("0123456789", max_size=2))
def test_a_banned_word_with_little_else_is_refused(word, end):
    assume(len(plain(word)) >= 4)

    found = evaluate(word + end, min_length=1, banned=frozenset({word}))

    assert Problem.BANNED in {finding.problem for finding in found}


def test_the_longest_password_and_the_longest_list_take_no_time():
    banned = frozenset(f"w{number:014d}z" for number in range(1_000))
    words_of(banned)
    worst = "w00000000000001y" * 4
    began = time.process_time()
    for _ in range(20):
        evaluate(worst, min_length=8, names=["minji"] * 20, banned=banned)
        evaluate("a" * MAX_LENGTH, min_length=8, banned=banned)

    # In all, on a busy machine: a loop that grows with the square would take minutes.
    assert time.process_time() - began < 10


def test_strength_never_praises_what_is_refused():
    refused = evaluate("password", min_length=12)

    assert strength("password", refused, explain("password")) is Strength.REFUSED
    assert strength("aaaaaaaaaaaaaaaa", [], explain("aaaaaaaaaaaaaaaa")) is Strength.WEAK
    staple = "correct horse battery staple"
    assert strength(staple, [], explain(staple)) is Strength.STRONG


def test_needed_points_are_those_of_the_reference():
    assert NEEDED == 5
