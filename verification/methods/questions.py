"""Security questions: all that were drawn answered right, or none."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from tenants.policy import Factor, Method
from tenants.queries import policy_in_force
from tenants.queries.questions import question_texts
from verification.methods.base import (
    ChallengeAnswer,
    MethodModule,
    Registration,
    VerificationContext,
    Verifier,
)
from verification.rules.passkeys import Site
from verification.services import questions
from verification.services.challenges import ChallengeResult, redeem_judged


class AnswersForm(forms.Form):
    """One field for every drawn question, `answer_1` and so on. Nothing typed is shown again."""

    def __init__(self, data: Mapping[str, Any] | None, questions: Mapping[str, str]) -> None:
        super().__init__(data)
        self._ids = list(questions)
        for number, text in enumerate(questions.values(), start=1):
            attrs = {"autocomplete": "off", "autocapitalize": "none"}
            if number == 1:
                attrs["data-show"] = _("Show answers")
            self.fields[f"answer_{number}"] = forms.CharField(
                label=text,
                max_length=500,
                error_messages={"required": _("Answer this question")},
                widget=forms.PasswordInput(attrs=attrs),
            )

    @property
    def answers(self) -> dict[str, str]:
        """Question id → answer as typed."""
        return {
            question_id: self.cleaned_data[f"answer_{number}"]
            for number, question_id in enumerate(self._ids, start=1)
        }


def _form(data: Mapping[str, Any] | None, context: VerificationContext) -> AnswersForm:
    """Questions are made up for a user who has no answers."""
    texts = question_texts()
    drawn, made_up = questions.drawn_or_made_up(context.user_id, policy_in_force(), texts)
    asked = drawn if context.has_answers else made_up
    return AnswersForm(data, {each: texts[each] for each in asked if each in texts})


def _answer(form: forms.Form, _site: Site) -> ChallengeAnswer:
    assert isinstance(form, AnswersForm)
    return ChallengeAnswer(answers=form.answers)


def _check(
    context: VerificationContext, method: Method, answer: ChallengeAnswer
) -> ChallengeResult:
    return redeem_judged(
        context.purpose, context.id, method, right=answer.is_right, among=context.challenges
    )


def _error_words(result: ChallengeResult) -> str:
    """Never which of the answers is wrong."""
    return ngettext(
        "One or more answers are not correct. Check all of them. You have %(left)s try left.",
        "One or more answers are not correct. Check all of them. You have %(left)s tries left.",
        result.tries_left,
    ) % {"left": result.tries_left}


QUESTIONS = MethodModule(
    options={Method.QUESTIONS: gettext_noop("Answer my security questions")},
    registrations={
        Factor.QUESTIONS: Registration(
            page="registration:questions",
            registered_words=gettext_noop("Your %(n)s security questions are saved"),
        ),
    },
    begin=questions.open_questions,
    verifier=Verifier(
        page="questions",
        heading=gettext_lazy("Answer your security questions"),
        template="verification/questions.html",
        reads_methods=True,
        form=_form,
        answer=_answer,
        check=_check,
        judge=lambda user_id, answer: questions.are_right(user_id, answer.answers),
        error_words=_error_words,
        error_field=None,
    ),
)
