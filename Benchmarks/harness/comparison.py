"""Evaluation times of several engines, as a table or as JSON, and whether they are as wanted."""
import json

from .report import machine

OURS = "portcullis"
READER = "orjson"
COLUMNS = {"eval_ns": "eval only", "parse_eval_ns": "parse and eval"}
# What is wanted of Portcullis at most, of the time in which orjson builds pod-large on the same machine: a sixth of what a
# popular Go engine takes to evaluate, a fortieth of what it takes with parsing for pod-large and a twelfth for the others,
# with its figures as they were measured where orjson took 44 µs.
WANTED = {
    ("networkpolicy-denied", "eval_ns"): 9 / 6 / 44,
    ("networkpolicy-denied", "parse_eval_ns"): 58 / 12 / 44,
    ("deployment-covered", "eval_ns"): 65 / 6 / 44,
    ("deployment-covered", "parse_eval_ns"): 324 / 12 / 44,
    ("pod-large", "parse_eval_ns"): 770 / 40 / 44,
}
UNIT = "pod-large"


def duration(nanoseconds):
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1e3:,.1f} µs"
    return f"{nanoseconds / 1e6:,.2f} ms"


def ratio(number):
    return f"{number:,.0f}" if number >= 20 else f"{number:.1f}"


class Comparison:
    def __init__(self, peers):
        self.peers = peers
        self.found = {}
        self.reviews = []

    def add(self, engine, review, result):
        if review not in self.reviews:
            self.reviews.append(review)
        self.found[engine, review] = result

    def times_as_fast(self, peer, review, column):
        return self.found[peer, review][column]["p50"] / self.found[OURS, review][column]["p50"]

    def of_unit(self, review, column):
        """Portcullis's time as a part of the reader's."""
        return self.found[OURS, review][column]["p50"] / self.found[READER, UNIT]["parse_eval_ns"]["p50"]

    def shortfalls(self):
        """Sentences about what is not as it should be; empty where all is."""
        sentences = []
        for peer in self.peers:
            for review in self.reviews:
                theirs, ours = (self.found[engine, review]["answers"] for engine in (peer.name, OURS))
                other = [name for name in ours if theirs.get(name) != ours[name]]
                if other:
                    sentences.append(
                        f"{review}: {len(other)} of {len(ours)} answers differ from {peer.name}'s, the first to {other[0]}: "
                        f"{json.dumps(ours[other[0]])} here, {json.dumps(theirs.get(other[0]))} there")
        for (review, column), wanted in WANTED.items():
            if (part := self.of_unit(review, column)) > wanted:
                sentences.append(
                    f"{review}, {COLUMNS[column]}: {part:.3f} of orjson's {UNIT}, and at most {wanted:.3f} is wanted")
        return sentences

    def markdown(self):
        names = [OURS, *(peer.name for peer in self.peers)]
        lines = [
            f"| review | p50 of | {' | '.join(names)} | {' | '.join(f'{name} / {OURS}' for name in names[1:])} "
            f"| {OURS} / {READER} | wanted |",
            f"|---|---|{'--:|' * (2 * len(names) + 1)}"]
        for review in self.reviews:
            for column, title in COLUMNS.items():
                cells = [duration(self.found[name, review][column]["p50"]) for name in names]
                cells += [ratio(self.times_as_fast(name, review, column)) for name in names[1:]]
                wanted = WANTED.get((review, column))
                cells += [f"{self.of_unit(review, column):.3f}", f"{wanted:.3f}" if wanted else ""]
                lines.append(f"| {review} | {title} | {' | '.join(cells)} |")
        checked = sum(len(self.found[OURS, review]["answers"]) for review in self.reviews)
        lines += ["", f"{checked} answers of each engine were compared. {machine()}.", ""]
        lines += [
            f"- {peer.name}: `{peer.package}` {peer.version} of PyPI. Its evaluation includes {peer.evaluation}; its parsing is {peer.reading}."
            for peer in self.peers]
        reading = duration(self.found[READER, UNIT]["parse_eval_ns"]["p50"])
        lines.append(
            f"- {READER}, a JSON reader written in Rust, builds {UNIT} for Python in {reading}: the measure of this machine, "
            f"as a part of which Portcullis's times are given and wanted at most.")
        return "\n".join(lines)

    def json(self):
        return json.dumps({
            "machine": machine(),
            "engines": {
                engine: {
                    review: {key: value for key, value in self.found[engine, review].items() if key != "answers"}
                    for review in self.reviews}
                for engine in [OURS, *(peer.name for peer in self.peers), READER]},
            "of_orjson": {
                review: {
                    column: {"found": self.of_unit(review, column), "wanted": WANTED.get((review, column))}
                    for column in COLUMNS}
                for review in self.reviews},
            "times_as_fast": {
                peer.name: {
                    review: {column: self.times_as_fast(peer.name, review, column) for column in COLUMNS}
                    for review in self.reviews}
                for peer in self.peers},
            "shortfalls": self.shortfalls()}, indent=2)
