"""The instructions for Twilio's calls."""

from twilio.twiml.voice_response import Gather, VoiceResponse

_VOICES = {"ko": ("ko-KR", "Polly.Seoyeon"), "en": ("en-US", "Polly.Joanna")}
_TIMEOUT_S = 8
_ROUNDS = 2


def ask(
    *sentences: str, action: str, language: str, digits: int = 4, finish_on_key: str = "#"
) -> str:
    """Says the sentences and waits for keys, twice; then hangs up.

    Args:
        digits: how many keys at most.
        finish_on_key: ends the number and isn't part of it; if empty, every key is a part.
    """
    response = VoiceResponse()
    for _round in range(_ROUNDS):
        gather = Gather(
            num_digits=digits,
            finish_on_key=finish_on_key,
            timeout=_TIMEOUT_S,
            action=action,
            method="POST",
        )
        _say(gather, sentences, language)
        response.append(gather)
    response.hangup()
    return str(response)


def say(*sentences: str, language: str) -> str:
    """Says the sentences and hangs up."""
    response = VoiceResponse()
    _say(response, sentences, language)
    response.hangup()
    return str(response)


def _say(node: VoiceResponse | Gather, sentences: tuple[str, ...], language: str) -> None:
    locale, voice = _VOICES.get(language, _VOICES["en"])
    for sentence in sentences:
        node.say(sentence, language=locale, voice=voice)
