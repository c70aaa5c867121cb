"""What a browser does at the pages where a user signs in and registers."""

from tests.builders import PASSWORD
from tests.captcha import solved
from verification.rules.captcha import Action


def sign_in(client, user, path="/signin", *, password=PASSWORD):
    """Sends the form of the sign-in page. The answer isn't followed."""
    fields = {"username": user.upn, "password": password}
    return client.post(path, solved(fields, action=Action.SIGN_IN))


def register_email(client, mailroom, address="minji.home@mail.example"):
    """Registers an address by the code that is mailed to it."""
    client.post("/ssprsetup/email", {"email": address})
    return client.post("/ssprsetup/verify", {"code": mailroom.code()}, follow=True)
