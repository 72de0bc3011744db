"""The few requests that the harness itself makes of the API server, without starting a kubectl for each."""
import http.client
import json
import ssl
import urllib.request


class API:
    def __init__(self, host, port, authority, client):
        self.base = f"https://{host}:{port}"
        self.context = ssl.create_default_context(cafile=str(authority))
        self.context.load_cert_chain(*map(str, client))

    def request(self, method, path, body=None, content="application/json", is_json=True, seconds=30):
        """What is answered; urllib.error.HTTPError where that is no success."""
        request = urllib.request.Request(
            self.base + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": content, "Accept": "application/json"})
        with urllib.request.urlopen(request, context=self.context, timeout=seconds) as answer:
            text = answer.read().decode()
        return json.loads(text) if is_json else text

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body):
        return self.request("POST", path, body)

    def merge(self, path, body):
        return self.request("PATCH", path, body, content="application/merge-patch+json")

    def delete(self, path, body=None):
        return self.request("DELETE", path, body)


class Connection:
    """One connection that is kept, for many requests of one thread."""

    def __init__(self, api):
        host, port = api.base.removeprefix("https://").split(":")
        self._connection = http.client.HTTPSConnection(host, int(port), context=api.context, timeout=60)

    def request(self, method, path, body=None, content="application/json"):
        self._connection.request(method, path, json.dumps(body), {"Content-Type": content, "Accept": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise OSError(f"{method} {path}: {answer.status} {text[:1000].decode()}")
        return json.loads(text)
