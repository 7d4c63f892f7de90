"""Content credentials: a C2PA manifest in a result, signed with a certificate that this computer made itself.

Nobody else knows the certificate: other programs show that the picture was edited and that the file was not
changed since, but call the signer untrusted. Nothing is fetched or sent: no time stamp, no status of the
certificate. Source: C2PA specification 2.1, 14.5 for what a signer's certificate must hold.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from faceapp import __version__
from faceapp.errors import StoreUnavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import CertificateBuilder

MEDIA_TYPES = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".gif": "image/gif", ".mp4": "video/mp4",
    ".m4v": "video/mp4", ".mov": "video/quicktime",
}  # fmt: skip
SIGNER = "signer.pem"
YEARS = 10
_KEY_END = b"-----END PRIVATE KEY-----\n"
# A thumbnail in the manifest would be a second, unmarked copy of the picture; and nothing goes online.
_OFFLINE = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


def signed(data: bytes, suffix: str, manifest: Mapping[str, Any], folder: Path) -> bytes:
    """The file's bytes with a signed manifest. folder: where the certificate is, or is made.

    Raises StoreUnavailable: the part that signs is missing, or the certificate cannot be used.
    """
    result = io.BytesIO()
    sign(io.BytesIO(data), result, suffix, manifest, folder)
    return result.getvalue()


def sign(
    source: IO[bytes], result: IO[bytes], suffix: str, manifest: Mapping[str, Any], folder: Path
) -> None:
    """The same from one open file into another, for videos."""
    c2pa = _c2pa()
    key, chain = _signer(folder)
    try:
        info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None)
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Context.from_dict(_OFFLINE) as context,
            c2pa.Builder(dict(manifest), context) as builder,
        ):
            builder.sign(signer, MEDIA_TYPES[suffix], source, result)
    except c2pa.C2paError as error:
        raise StoreUnavailable(
            "credentials_failed", f"The content credentials could not be signed: {error}.",
            f"Remove {folder / SIGNER}: another one is made. Or turn content credentials off.",
        ) from error


def read(source: IO[bytes], suffix: str) -> dict[str, Any] | None:
    """The manifest store of a file with its "validation_state" ("Valid", "Trusted" or "Invalid"); None where
    there is none. Raises StoreUnavailable where manifests cannot be read at all."""
    c2pa = _c2pa()
    try:
        with (
            c2pa.Context.from_dict(_OFFLINE) as context,
            c2pa.Reader(MEDIA_TYPES[suffix], source, context=context) as reader,
        ):
            found: dict[str, Any] = json.loads(reader.json())
            return {**found, "validation_state": reader.get_validation_state()}
    except c2pa.C2paError:  # none there, or no file of that kind
        return None


def _c2pa() -> Any:
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError) as error:  # its native library is looked for on import
        raise StoreUnavailable(
            "no_credentials", f"Content credentials cannot be used on this computer: {error}.",
            "Install c2pa-python for this system, or turn content credentials off.",
        ) from error
    return c2pa


def _signer(folder: Path) -> tuple[bytes, bytes]:
    """PEM of the private key and of the certificates; made at the first use, readable by the owner alone."""
    path = folder / SIGNER
    try:
        if not path.exists():
            _make(path)
        key, end, chain = path.read_bytes().partition(_KEY_END)
    except OSError as error:
        raise StoreUnavailable(
            "credentials_unreachable", f"The certificate {path} cannot be used: {error.strerror}.",
            "May the folder be written to?",
        ) from error
    return key + end, chain


def _make(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    # An end certificate must not be its own issuer. The issuer's key is used once and not kept.
    issuer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuing, signing = _certificate(issuer, authority=True), _certificate(key, authority=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = (_issued(made, issuer, Encoding.PEM) for made in (signing, issuing))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(private + b"".join(chain))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _certificate(key: EllipticCurvePrivateKey, authority: bool) -> CertificateBuilder:
    """The issuer's own certificate (`authority`), or that of the signer."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(text: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "faceapp on one computer")
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now, root = datetime.now(UTC), named("faceapp local root")
    subject = root if authority else named("faceapp local signer")
    usage = x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=authority, crl_sign=authority,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(root).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if not authority:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(purpose, False)
    return made


def _issued(made: CertificateBuilder, issuer: EllipticCurvePrivateKey, encoding: Any) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    return made.add_extension(known, False).sign(issuer, hashes.SHA256()).public_bytes(encoding)


def manifest_of(history: str, source_type: str) -> dict[str, Any]:
    """What a manifest says: made here, by what kind of means, and "edited: face swap"."""
    agent = {"name": "faceapp", "version": __version__}
    actions = [
        {"action": "c2pa.created", "digitalSourceType": source_type, "softwareAgent": agent},
        {
            "action": "c2pa.edited", "description": history, "digitalSourceType": source_type,
            "softwareAgent": agent,
        },
    ]
    return {
        "claim_generator_info": [agent], "title": history,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
