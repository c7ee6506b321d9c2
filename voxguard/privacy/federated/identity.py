"""Keys and certificates of a federation: an authority of one's own, and nodes that are known."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from voxguard.models.optional import optional


class Certificates(NamedTuple):
    """Files in PEM: the authority's certificate, the server's, the server's private key."""

    authority: Path
    server: Path
    key: Path


def make_certificates(
    folder: Path, hosts: Sequence[str] = ("localhost", "127.0.0.1"), *, days: int = 30
) -> Certificates:
    """A certificate authority, and a server's certificate by it. The authority's key is not kept.

    Args:
        folder: Where they go; keys readable by this user only.
        hosts: Names and addresses that the server answers to.
        days: How long they are valid.

    Raises:
        MissingExtraError: The package cryptography, which Flower brings, is not installed.

    Example:
        ``make_certificates(Path("tls"), ["superlink.example.org"])``
    """
    x509 = optional("cryptography.x509", "fl", "TLS")
    ec = optional("cryptography.hazmat.primitives.asymmetric.ec", "fl", "TLS")
    sha384 = optional("cryptography.hazmat.primitives.hashes", "fl", "TLS").SHA384()
    now = datetime.now(UTC)

    def certificate(name: str, key: Any, issuer: str, extensions: Sequence[Any]) -> Any:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(x509, name))
            .issuer_name(_named(x509, issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=days))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder

    root, own = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    by_root = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    authority = certificate(
        "voxguard federation",
        root,
        "voxguard federation",
        [
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage(x509, key_cert_sign=True, crl_sign=True), True),
            (identifier, False),
        ],
    ).sign(root, sha384)
    server = certificate(
        "voxguard superlink",
        own,
        "voxguard federation",
        [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(x509, digital_signature=True), True),
            (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([_host(x509, host) for host in hosts]), False),
            (by_root, False),
        ],
    ).sign(root, sha384)
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    form = optional("cryptography.hazmat.primitives.serialization", "fl", "TLS")
    folder.mkdir(parents=True, exist_ok=True)
    files.authority.write_bytes(authority.public_bytes(form.Encoding.PEM))
    files.server.write_bytes(server.public_bytes(form.Encoding.PEM))
    _secret(files.key, _private(form, own, form.Encoding.PEM, form.PrivateFormat.PKCS8))
    return files


def make_node_key(path: Path) -> Path:
    """A key by which a SuperNode proves that it is the one that was registered.

    In the one form that Flower 1.41 reads: an OpenSSH key on a NIST curve, as of
    ``ssh-keygen -t ecdsa -b 384``; the PEM of openssl is refused.

    Args:
        path: Of the private key, readable by this user only; the public key gets ``.pub``.

    Returns:
        The path of the public key, for ``flwr supernode register``.
    """
    ec = optional("cryptography.hazmat.primitives.asymmetric.ec", "fl", "a node's key")
    form = optional("cryptography.hazmat.primitives.serialization", "fl", "a node's key")
    key = ec.generate_private_key(ec.SECP384R1())
    public = path.with_name(path.name + ".pub")
    _secret(path, _private(form, key, form.Encoding.PEM, form.PrivateFormat.OpenSSH))
    public.write_bytes(
        key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH) + b"\n"
    )
    return public


def _private(form: Any, key: Any, encoding: Any, layout: Any) -> bytes:
    return bytes(key.private_bytes(encoding, layout, form.NoEncryption()))


def _secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _named(x509: Any, name: str) -> Any:
    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])


def _host(x509: Any, host: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(x509: Any, **allowed: bool) -> Any:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in every})
