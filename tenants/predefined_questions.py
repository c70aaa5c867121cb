"""The 36 security questions that come with the product.

Each asks for one odd, personal episode that colleagues, HR files and social media don't know.
Source: OWASP cheat sheet "Choosing and Using Security Questions" (memorable, consistent,
applicable, confidential, specific).
"""

from django.utils.translation import gettext_lazy as _

PREDEFINED = {
    "q01": _("Which word did you say wrong for years as a small child?"),
    "q02": _("What did you call the secret place where you played as a child?"),
    "q03": _("What was the name of a club or team you started with friends that came to nothing?"),
    "q04": _("What did you name your character in the first game you played for weeks?"),
    "q05": _("What name did you have in mind for a shop you once dreamed of opening?"),
    "q06": _("What was the title of a story, song or comic you made up as a child?"),
    "q07": _("What nickname did you give to a noisy neighbour?"),
    "q08": _("What did you name the first plant you kept alive for a year?"),
    "q09": _("Under which made-up name did you save a person in your phone?"),
    "q10": _("Which secret word did only you and one friend understand?"),
    "q11": _("Which line of a song did you mishear for years, and how did you hear it?"),
    "q12": _("Which word made your whole class laugh every time?"),
    "q13": _("What was written on the note you carried in your wallet for a long time?"),
    "q14": _("What did you scribble or carve into something when you were young?"),
    "q15": _("Where did you wake up after sleeping past your stop?"),
    "q16": _("In which shop did you first spend money you had earned yourself?"),
    "q17": _("Where did you once hide something so well that you never found it again?"),
    "q18": _("Where did you end up when you got lost on a trip?"),
    "q19": _("Where did you have to spend a night you had not planned?"),
    "q20": _("Where were you once locked in or locked out?"),
    "q21": _("Where did an animal give you the fright of your life?"),
    "q22": _("Which place did you go to alone without telling anyone?"),
    "q23": _("What was on the sign of a street stall where you often ate?"),
    "q24": _("What did you break as a child and never own up to? (two words)"),
    "q25": _("Which thing did you lose on a trip and still miss? (two words)"),
    "q26": _("What was printed on the first T-shirt you bought yourself?"),
    "q27": _("What was the oddest present you were ever given? (two words)"),
    "q28": _("Which book did you begin several times and never finish?"),
    "q29": _("What was the first thing of yours that you sold to a stranger? (two words)"),
    "q30": _("What did you bury or put into a time capsule? (two words)"),
    "q31": _("Which puzzle or model took you longest to complete?"),
    "q32": _("What did you make in art class that nobody recognised? (two words)"),
    "q33": _(
        "What was the pattern or picture on the wall you looked at when falling asleep as a child?"
    ),
    "q34": _(
        "Which part did you play, or what were you dressed as, the first time you stood on a stage?"
    ),
    "q35": _("Which odd job did you do for one single day?"),
    "q36": _("What was the given name of someone kind you met on a trip and never saw again?"),
}
