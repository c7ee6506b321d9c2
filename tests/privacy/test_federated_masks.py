"""Masks of secure aggregation, and the keys and certificates of a federation."""

import ssl
import stat

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.privacy.federated.identity import make_certificates, make_node_key
from voxguard.privacy.federated.masks import mask, strengthen


def test_masks_are_uniform_and_differ_in_every_bit_of_the_key():
    key = bytes(32)
    (words,) = mask(key, 2**32, [(20_000,)])
    assert words.mean() == pytest.approx(2**31, rel=0.02)
    assert words.min() < 2**19
    assert words.max() > 2**32 - 2**19
    # What Flower's own generator cannot tell apart: it folds the key into 32 bits
    folded = (1).to_bytes(4, "little") * 2 + bytes(24)
    assert not np.array_equal(mask(folded, 2**32, [(8,)])[0], words[:8])


def test_flowers_own_masks_are_the_same_for_different_keys():
    """The reason why they are replaced; fails on the day when it is mended."""
    utils = pytest.importorskip(
        "flwr.common.secure_aggregation.secaggplus_utils", reason="needs voxguard[fl]"
    )
    folded = (1).to_bytes(4, "little") * 2 + bytes(24)
    one, other = (utils.pseudo_rand_gen(key, 2**32, [(8,)])[0] for key in (bytes(32), folded))
    np.testing.assert_array_equal(one, other)


def test_both_ends_of_the_protocol_use_them():
    pytest.importorskip("flwr", reason="needs voxguard[fl]")
    import sys

    from flwr.client.mod.secure_aggregation import secaggplus_mod
    from flwr.server.workflow.secure_aggregation import secaggplus_workflow

    strengthen()
    ends = [sys.modules[secaggplus_mod.__module__], secaggplus_workflow]
    assert all(end.pseudo_rand_gen is mask for end in ends)


def test_shapes():
    parts = mask(b"key", 2**16, [(2, 3), (), (0,), (1,)])
    assert [part.shape for part in parts] == [(2, 3), (), (0,), (1,)]
    assert all(part.dtype == np.int64 and np.all(part < 2**16) for part in parts)
    with pytest.raises(ConfigurationError):
        mask(b"key", 1000, [(2,)])


def test_the_authority_vouches_for_the_server_and_for_nobody_else(tmp_path):
    pytest.importorskip("cryptography", reason="needs voxguard[fl]")
    ours = make_certificates(tmp_path / "a", ["localhost", "127.0.0.1"])
    others = make_certificates(tmp_path / "b", ["localhost"])
    assert handshake(ours, ours.authority, "localhost") is None
    assert handshake(ours, ours.authority, "127.0.0.1") is None
    assert "not valid for" in handshake(others, others.authority, "127.0.0.1")
    assert "verify failed" in handshake(ours, others.authority, "localhost")


def handshake(files, trusted, host):
    """Why a client that trusts this authority does not talk to the server; None if it does."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.server, files.key)
    client = ssl.create_default_context(cafile=str(trusted))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error)
    assert ends[0].version() == "TLSv1.3"
    return None


def test_private_keys_are_for_this_user_only_and_never_overwritten(tmp_path):
    pytest.importorskip("cryptography", reason="needs voxguard[fl]")
    public = make_node_key(tmp_path / "node")
    files = make_certificates(tmp_path / "tls")
    assert public.read_text().startswith("ecdsa-sha2-nistp384 ")
    for secret in (tmp_path / "node", files.key):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert (tmp_path / "node").read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY")
    with pytest.raises(FileExistsError):
        make_node_key(tmp_path / "node")
