"""The commands of Portcullis that are measured."""
import json
import time

from .failure import Failure
from .prerequisites import run


class Portcullis:
    def __init__(self, binary):
        self.binary = binary

    def run(self, *arguments, status=0):
        return run([str(self.binary), *map(str, arguments)], 300, status)

    def json(self, *arguments):
        output = self.run(*arguments)
        try:
            return json.loads(output)
        except ValueError:
            raise Failure(f"portcullis {arguments[0]} printed no JSON:\n{output[:4000]}") from None

    def bench(self, query, count, policies, inputs, data=()):
        """What `portcullis bench` prints: `eval_ns` and `parse_eval_ns`, each with `p50` and `p99`."""
        arguments = [argument for path in policies for argument in ("--policies", path)]
        arguments += [argument for path in data for argument in ("--data", path)]
        return self.json("bench", *arguments, "--input", inputs, "--count", count, "--format", "json", query)

    def answers(self, policy, inventory, variants, query, folder):
        """What the query says of each input of a folder, by file name."""
        inputs = {path.name: json.loads(path.read_bytes()) for path in sorted(variants.glob("*.json"))}
        if not inputs:
            raise Failure(f"{variants} holds no reviews")
        document = folder / "inputs.json"
        document.write_text(json.dumps({"inputs": inputs}))
        return self.json(
            "eval", "--data", policy, "--data", inventory, "--data", document, "--format", "raw",
            f"{{name: answer | some name, review in data.inputs; answer := {query} with input as review}}")

    def seconds(self, *arguments, status=0, runs=5):
        """The least wall time of some runs of a command: what the machine does beside it only adds."""
        times = []
        for _ in range(runs):
            start = time.monotonic()
            self.run(*arguments, status=status)
            times.append(time.monotonic() - start)
        return min(times)
