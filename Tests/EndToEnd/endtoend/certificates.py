"""The control plane's own keys and certificates, made by openssl for one run."""
from .network import GATEWAY
from .processes import run


class Authority:
    def __init__(self, folder, name="end-to-end", days=2):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.certificate, self.key = folder, folder / "ca.crt", folder / "ca.key"
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", self.key])
        self.sign_itself(name, days)

    def sign_itself(self, name, days):
        """Makes its certificate, or another one for the same key."""
        run(["openssl", "req", "-x509", "-new", "-key", self.key, "-days", days, "-subj", f"/CN={name}", "-out", self.certificate])

    @classmethod
    def existing(cls, folder, certificate, key):
        """One whose certificate and key are known, as text."""
        authority = cls.__new__(cls)
        folder.mkdir(parents=True, exist_ok=True)
        authority.folder, authority.certificate, authority.key = folder, folder / "ca.crt", folder / "ca.key"
        authority.certificate.write_text(certificate)
        authority.key.write_text(key)
        return authority

    def issue(self, name, subject, addresses=(), days=2):
        """A certificate for a client, or for a server where it has addresses: (certificate, key)."""
        certificate, key, request = (self.folder / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", subject, "-keyout", key, "-out", request])
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            "extendedKeyUsage=clientAuth,serverAuth\n" + (f"subjectAltName={','.join(addresses)}\n" if addresses else ""))
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
             "-days", days, "-extfile", extensions, "-out", certificate])
        return certificate, key


def server_names():
    return ["DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default.svc", "IP:127.0.0.1", f"IP:{GATEWAY}", "IP:198.51.100.1"]
