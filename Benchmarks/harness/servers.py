"""The two servers that are compared, on loopback alone, each ended with the block that started it."""
import contextlib
import pathlib
import re
import socket
import ssl
import subprocess
import time

from .failure import Failure
from .prerequisites import program, run

NGINX_CONFIGURATION = """\
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 120s;
  client_max_body_size 16m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      default_type application/json;
      return 200 '{answer}';
    }}
  }}
}}
"""
CONSTANT_ANSWER = (
    '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",'
    '"response":{"uid":"00000000-0000-4000-8000-000000000000","allowed":true}}')


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server under measurement."""

    def __init__(self, name, process, port, authority, log):
        self.name, self.process, self.port, self.authority, self.log = name, process, port, authority, log

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def tls(self):
        """What a client needs to trust the server."""
        return ssl.create_default_context(cafile=str(self.authority))

    def check_running(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with status {self.process.returncode}:\n{self.last_words()}")

    def last_words(self):
        return self.log.read_text(errors="replace")[-4000:]

    def await_ready(self, seconds):
        """Returns once the server's port completes a TLS handshake and, where it says so, is ready."""
        end = time.monotonic() + seconds
        while True:
            self.check_running()
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as plain:
                    with self.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                        if connection.recv(64).startswith(b"HTTP/1.1 200"):
                            return
            if time.monotonic() > end:
                raise Failure(f"{self.name} is not ready after {seconds} s:\n{self.last_words()}")
            time.sleep(0.05)

    def memory(self):
        """Resident memory in bytes: now, and at its peak (proc(5), VmRSS and VmHWM)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return tuple(int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) * 1024 for key in ("VmRSS", "VmHWM"))


@contextlib.contextmanager
def running(name, command, port, authority, log):
    """Starts a server, and ends it with the block; it ends as well where this process is killed."""
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [program("setpriv"), "--pdeathsig", "TERM", "--", *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=output)
    try:
        server = Server(name, process, port, authority, log)
        server.await_ready(60)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def make_certificates(portcullis, folder):
    """One certificate for both servers: (authority, certificate, key)."""
    run([str(portcullis), "certs", "--out", str(folder)], 60)
    return folder / "ca.crt", folder / "tls.crt", folder / "tls.key"


def running_portcullis(portcullis, certificates, inventory, folder):
    """Portcullis with its built-in policies; the decision log goes to /dev/null."""
    authority, certificate, key = certificates
    port = free_port()
    command = [
        str(portcullis), "serve", "--listen", f"127.0.0.1:{port}", "--tls-cert", str(certificate), "--tls-key",
        str(key), "--inventory", str(inventory), "--shutdown-delay", "0s"]
    return running("portcullis", command, port, authority, folder / "portcullis.log")


def running_nginx(certificates, folder):
    """nginx that reads each request and answers all of them alike."""
    authority, certificate, key = certificates
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX_CONFIGURATION.format(
        folder=folder, port=port, certificate=certificate, key=key, answer=CONSTANT_ANSWER))
    command = [program("nginx"), "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(configuration)]
    return running("nginx", command, port, authority, folder / "nginx.log")
