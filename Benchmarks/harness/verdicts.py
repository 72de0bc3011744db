"""A second client that posts reviews while wrk does, and looks at the answers."""
import http.client
import itertools
import json
import threading
import time

# What is wanted of a review by the name of its folder: whether it is allowed.
WANTED = {
    "networkpolicy-allowed": True,
    "networkpolicy-denied": False,
    "deployment-covered": True,
    "deployment-uncovered": False,
    "pod-large": True,
}


def complaint(name, review, status, body):
    """What is wrong with an answer, or None."""
    if status != 200:
        return f"HTTP status {status}: {body[:200]!r}"
    try:
        answer = json.loads(body)
        response = answer["response"]
        uid, allowed = response["uid"], response["allowed"]
        code = response.get("status", {}).get("code")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"not an AdmissionReview ({error!r}): {body[:200]!r}"
    if uid != review["request"]["uid"]:
        return f"the uid is {uid}, not {review['request']['uid']}"
    if answer.get("apiVersion") != review["apiVersion"]:
        return f"the version is {answer.get('apiVersion')}, not {review['apiVersion']}"
    if allowed is not WANTED[name]:
        return f"allowed is {allowed}, not {WANTED[name]}: {body[:400]!r}"
    if not allowed and code != 403:
        return f"the code is {code}, not 403"
    return None


class Verdicts:
    """Posts variants of every review to a server, some times a second, from a thread of its own while the block runs.

    `checked` counts the answers that were looked at, `wrong` those that are not as they should be or did not come, and
    `examples` says what was wrong with the first of them. Of a server that answers all alike, only the status is looked
    at: it bears the same load.
    """

    EXAMPLES = 10

    def __init__(self, server, variants, rate=20, is_constant=False):
        self.server, self.rate, self.is_constant = server, rate, is_constant
        self.checked, self.wrong, self.examples = 0, 0, []
        # In turns: one of each kind of review.
        order = [review for turn in zip(*(variants[name] for name in WANTED)) for review in turn]
        self.reviews = itertools.cycle(order)
        self.stop = threading.Event()
        self.thread = None

    def __enter__(self):
        self.stop.clear()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(timeout=30)

    def work(self):
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.server.port, timeout=15, context=self.server.tls())
        try:
            next_time = time.monotonic()
            while not self.stop.wait(max(0, next_time - time.monotonic())):
                next_time = max(next_time + 1 / self.rate, time.monotonic())
                self.ask(connection)
        finally:
            connection.close()

    def ask(self, connection):
        name, path = next(self.reviews)
        body = path.read_bytes()
        try:
            connection.request(
                "POST", "/validate?timeout=10s", body=body, headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            # A fresh connection next time.
            connection.close()
            self.complain(name, path, f"no answer: {error!r}")
            return
        self.checked += 1
        if self.is_constant:
            if status != 200:
                self.complain(name, path, f"HTTP status {status}")
            return
        found = complaint(name, json.loads(body), status, content)
        if found:
            self.complain(name, path, found)

    def complain(self, name, path, sentence):
        self.wrong += 1
        if len(self.examples) < self.EXAMPLES:
            self.examples.append(f"{name}/{path.name}: {sentence}")
