"""Signatures made here with a key of our own: of the right bytes, by the right key, and nothing else."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import signing

from tests.cli.in_process import run_here


def key_pair(folder, name):
    """Paths of a private and its public key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture
def signed(tmp_path, tiny_model):
    """The checkpoint, its signature and the public key."""
    private, public = key_pair(tmp_path, "ours")
    path = tmp_path / "mine.safetensors"
    path.write_bytes(tiny_model.read_bytes())
    signing.Config().use_elliptic_key_signer(private_key=private).sign(path, tmp_path / "mine.sig")
    return path, tmp_path / "mine.sig", public


def verify(path, signature, key, *others):
    return run_here("models", "verify", path, "--signature", signature, "--key", key, *others)


def test_what_was_signed_is_verified(signed):
    done = verify(*signed)
    assert done.returncode == 0 and "is signed with the key" in done.stderr, done.stderr
    assert json.loads(verify(*signed, "--json").stdout)["status"] == "ok"


def test_a_link_to_it_is_as_good(signed, tmp_path):
    """Files of the Hub's cache are links."""
    (tmp_path / "link.safetensors").symlink_to(signed[0])
    assert verify(tmp_path / "link.safetensors", *signed[1:]).returncode == 0


def test_a_changed_byte_is_told(signed):
    data = bytearray(signed[0].read_bytes())
    data[-1] ^= 1
    signed[0].write_bytes(data)
    done = verify(*signed)
    assert done.returncode == 69 and "its bytes are not those that were signed" in done.stderr, done.stderr


def test_another_key_is_told(signed, tmp_path):
    done = verify(*signed[:2], key_pair(tmp_path, "theirs")[1])
    assert done.returncode == 69 and "signature refused" in done.stderr, done.stderr


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"verificationMaterial": 1}', b"[" * 100_000])
def test_what_is_no_signature_is_told_in_one_line(signed, content):
    signed[1].write_bytes(content)
    done = verify(*signed)
    assert done.returncode == 69 and len(done.stderr.splitlines()) == 1, done.stderr


def test_private_keys_and_others_are_no_public_keys(signed, tmp_path):
    (tmp_path / "text.pem").write_text("no key")
    for key in (tmp_path / "ours.pem", tmp_path / "text.pem"):
        done = verify(*signed[:2], key)
        assert done.returncode == 2 and "is not a public key" in done.stderr, done.stderr
    assert verify(*signed[:2], tmp_path / "gone.pem").returncode == 66


def test_a_bundled_model_by_its_id(tmp_path):
    private, public = key_pair(tmp_path, "ours")
    path = run_here("models", "path", "derain-lite").stdout.strip()
    signing.Config().use_elliptic_key_signer(private_key=private).sign(path, tmp_path / "a.sig")
    assert verify("derain-lite", tmp_path / "a.sig", public).returncode == 0
    assert verify("deblur-lite", tmp_path / "a.sig", public).returncode == 69


def test_signature_and_key_go_together(signed):
    done = run_here("models", "verify", signed[0], "--key", signed[2])
    assert done.returncode == 2 and "--signature" in done.stderr
