"""What was measured beside what it may be at most, as a table or as JSON."""
import json

from .report import machine


class Limits:
    def __init__(self):
        self.rows = []

    def add(self, what, found, wanted, unit="", detail=""):
        """`wanted` is the most that is as it should be."""
        self.rows.append({"what": what, "found": found, "wanted": wanted, "unit": unit, "detail": detail})

    def shortfalls(self):
        return [
            f"{row['what']}: {self.number(row, 'found')}, and at most {self.number(row, 'wanted')} is wanted"
            for row in self.rows if row["found"] > row["wanted"]]

    @staticmethod
    def number(row, key):
        return f"{row[key]:.2f} {row['unit']}".strip()

    def markdown(self):
        lines = ["| measured | found | at most | |", "|---|--:|--:|---|"]
        lines += [
            f"| {row['what']} | {self.number(row, 'found')} | {self.number(row, 'wanted')} | {row['detail']} |"
            for row in self.rows]
        return "\n".join([*lines, "", f"{machine()}."])

    def json(self):
        return json.dumps({"machine": machine(), "measured": self.rows, "shortfalls": self.shortfalls()}, indent=2)
