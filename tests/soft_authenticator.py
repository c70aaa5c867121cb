"""An authenticator without a device: what a browser would answer, honest or not.

Source: W3C Web Authentication Level 3, sections 6.1 (authenticator data), 6.5 (attestation).
"""

import hashlib
import html
import json
import re
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

HERE = "http://testserver"
_PRESENT, _VERIFIED, _HAS_CREDENTIAL = 0x01, 0x04, 0x40


def options_on(page):
    """What the page asks the browser for, as its script reads it."""
    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


@dataclass
class SoftAuthenticator:
    """One key. `counts=False` is a passkey that is synchronised: its counter stays at 0."""

    counts: bool = True
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options, *, origin=HERE, rp_id=None, verified=True, kind="webauthn.create"):
        asked = json.loads(options)
        client = _client_data(kind, asked["challenge"], origin)
        numbers = self.key.public_key().public_numbers()
        cose = encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + cose
        data = self._data(rp_id or asked["rp"]["id"], verified=verified, attested=attested)
        statement = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=client, attestationObject=statement, transports=["internal"]
        )

    def sign(
        self,
        options,
        *,
        origin=HERE,
        rp_id=None,
        verified=True,
        kind="webauthn.get",
        challenge=None,
    ):
        asked = json.loads(options)
        client = _client_data(kind, challenge or asked["challenge"], origin)
        data = self._data(rp_id or asked["rpId"], verified=verified)
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, rp_id, *, verified, attested=b""):
        self.count += self.counts
        flags = _PRESENT | (_VERIFIED if verified else 0) | (_HAS_CREDENTIAL if attested else 0)
        rp_hash = hashlib.sha256(rp_id.encode()).digest()
        return rp_hash + bytes([flags]) + self.count.to_bytes(4) + attested

    def _answer(self, **response):
        named = bytes_to_base64url(self.credential_id)
        plain = {
            part: bytes_to_base64url(given) if isinstance(given, bytes) else given
            for part, given in response.items()
        }
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": plain})


def challenge_of(options):
    return base64url_to_bytes(json.loads(options)["challenge"])


def _client_data(kind, challenge, origin):
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()
