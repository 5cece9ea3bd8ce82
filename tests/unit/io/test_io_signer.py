"""Signatures are checked with the public key; keys are refused where they lie open."""

import base64
import pickle

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.io.signer import Signer, read_secret
from dutchbook.venues.base import Call, Sign

RSA = rsa.generate_private_key(65_537, 2_048)
NOW = 1_790_000_000_123_999_999
TEXT = "1790000000000GET/trade-api/ws/v2"


def pem(key, form=serialization.PrivateFormat.PKCS8, lock=None):
    lock = serialization.BestAvailableEncryption(lock) if lock else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def verify(signature, text=TEXT):
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    RSA.public_key().verify(base64.b64decode(signature), text.encode(), pss, hashes.SHA256())


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_rsa_pss_with_a_salt_of_32(form):
    signer = Signer()
    signer.add("k", Secret(pem(RSA, form)))
    one, two = signer.sign("k", TEXT), signer.sign("k", TEXT)
    verify(one)
    verify(two)
    assert one != two
    with pytest.raises(InvalidSignature):
        verify(one, TEXT + "x")


def test_ed25519():
    key = ed25519.Ed25519PrivateKey.generate()
    signer = Signer()
    signer.add("k", Secret(pem(key)))
    signature = base64.b64decode(signer.sign("k", TEXT))
    key.public_key().verify(signature, TEXT.encode())


def test_signed_headers_join_the_plain_ones():
    signer = Signer()
    signer.add("k", Secret(pem(RSA)))
    plain = {"A": "b"}
    headers = signer.headers(plain, (Sign("k", TEXT, "SIG"),), NOW)
    verify(headers.pop("SIG"))
    assert headers == plain == {"A": "b"}


def test_a_request_is_signed_as_of_the_moment_it_leaves():
    """The venue wrote no time into the text: what waited in a queue is not old when it leaves."""
    signer = Signer()
    signer.add("k", Secret(pem(RSA)))
    sign = Sign("k", "{ms}POST/orders", "SIG", stamp="STAMP")
    call = Call("1", "POST", "http://x/orders", b"{}", {"A": "b"}, (sign,))
    headers, body = signer.prepare(call, NOW)
    verify(headers.pop("SIG"), "1790000000123POST/orders")
    assert (headers, body) == ({"A": "b", "STAMP": "1790000000123"}, b"{}")


def test_a_secret_that_is_not_held_or_empty_is_named():
    signer = Signer()
    with pytest.raises(ConfigError, match="'l2' is empty"):
        signer.add_secret("l2", Secret(""))
    with pytest.raises(ConfigError, match="no secret named 'l2'"):
        signer.headers({}, (Sign("l2", "{s}GET", "H", "hmac", "T"),), NOW)
    call = Call("1", "POST", "http://x", b'"@"', sign=(Sign("l2", "00" * 31, kind="eip712"),))
    with pytest.raises(ConfigError, match="32 bytes in hex"):
        signer.prepare(call, NOW)


def test_an_unknown_key_is_named():
    signer = Signer()
    signer.add("k", Secret(pem(RSA)))
    with pytest.raises(ConfigError, match="no key named 'other'"):
        signer.sign("other", TEXT)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not a key",
        pem(RSA)[:-200],
        pem(RSA, lock=b"word"),
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["empty", "text", "cut", "locked", "other kind"],
)
def test_what_is_no_such_key_is_refused_and_not_repeated(text):
    with pytest.raises(ConfigError) as refused:
        Signer().add("k", Secret(text))
    assert text == b"" or text.decode()[:20] not in str(refused.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666])
def test_a_key_file_that_others_can_read_is_refused(tmp_path, mode):
    file = tmp_path / "key.pem"
    file.write_bytes(pem(RSA))
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode is {mode:04o}.*chmod 600"):
        Signer().add_file("k", file)


def test_a_key_file_of_ours_alone_is_read(tmp_path):
    file = tmp_path / "key.pem"
    file.write_bytes(pem(RSA))
    file.chmod(0o600)
    signer = Signer()
    signer.add_file("k", file)
    verify(signer.sign("k", TEXT))


def test_an_absent_key_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.pem can't be read"):
        read_secret(tmp_path / "none.pem")


def test_a_secret_is_never_shown():
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>9}", "%s" % secret, repr([secret])]  # noqa: UP031
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == b"hunter2"
    assert secret == Secret(b"hunter2") and secret != Secret("other") and secret != "hunter2"
    assert not hasattr(secret, "__dict__") and not Secret("")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
