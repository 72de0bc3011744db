"""What was measured, as a table or as JSON, and whether it is enough."""
import json
import os
import pathlib
import re
import statistics

# By review, how much of nginx's rate is wanted.
WANTED_RATIO = {"networkpolicy-denied": 0.35, "deployment-covered": 0.35, "pod-large": 0.35}
WANTED_PEAK = 90_000_000


def machine():
    """The processor and how many of it."""
    try:
        model = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    except OSError:
        model = None
    return f"{len(os.sched_getaffinity(0))} cores of {model[1] if model else os.uname().machine}"


class Report:
    """Medians over the rounds, and what is to be said of them."""

    def __init__(self, rounds, memory, client):
        """`rounds`: by review and server, what each round measured; `memory`: bytes before the load and at the peak;
        `client`: the one that checked answers."""
        self.memory, self.client = memory, client
        self.rows = []
        for review, servers in rounds.items():
            median = {
                server: {key: statistics.median(found[key] for found in results) for key in ("rate", "p50", "p99")}
                for server, results in servers.items()}
            self.rows.append({
                "review": review, "portcullis": median["portcullis"], "nginx": median["nginx"],
                "ratio": median["portcullis"]["rate"] / median["nginx"]["rate"], "wanted": WANTED_RATIO[review],
                "rates": {server: [found["rate"] for found in results] for server, results in servers.items()}})

    def shortfalls(self):
        """Sentences about what is not as it should be; empty where all is."""
        found = [
            f"{row['review']}: {row['ratio']:.3f} of nginx, and {row['wanted']} is wanted"
            for row in self.rows if row["ratio"] < row["wanted"]]
        if self.memory[1] >= WANTED_PEAK:
            found.append(f"peak memory: {self.memory[1] / 1e6:.0f} MB, and less than {WANTED_PEAK / 1e6:.0f} MB is wanted")
        if not self.client.checked:
            found.append("no answer was checked")
        if self.client.wrong:
            found.append(f"{self.client.wrong} wrong answers, the first: {self.client.examples[0]}")
        return found

    def markdown(self):
        lines = [
            "| review | portcullis, req/s | nginx, req/s | ratio | wanted | portcullis p99 | nginx p99 |",
            "|---|--:|--:|--:|--:|--:|--:|"]
        for row in self.rows:
            ours, theirs = row["portcullis"], row["nginx"]
            lines.append(
                f"| {row['review']} | {ours['rate']:,.0f} | {theirs['rate']:,.0f} | {row['ratio']:.3f} "
                f"| {row['wanted']} | {ours['p99'] / 1000:.1f} ms | {theirs['p99'] / 1000:.1f} ms |")
        before, peak = (size / 1e6 for size in self.memory)
        lines += [
            "",
            f"Peak memory of portcullis: {peak:.0f} MB (wanted: under {WANTED_PEAK / 1e6:.0f} MB), before the load "
            f"{before:.0f} MB. Of {self.client.checked:,} answers that were checked meanwhile, {self.client.wrong} were wrong. "
            f"{machine()}."]
        return "\n".join(lines)

    def json(self):
        return json.dumps({
            "machine": machine(), "reviews": self.rows,
            "memory": {"before": self.memory[0], "peak": self.memory[1], "wanted": WANTED_PEAK},
            "answers": {"checked": self.client.checked, "wrong": self.client.wrong, "examples": self.client.examples},
            "shortfalls": self.shortfalls()}, indent=2)
