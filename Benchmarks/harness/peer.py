"""One of the peers, in the interpreter that has it: `peer.py ENGINE POLICY INVENTORY QUERY`.

Reads {"folder", "count", "seconds"} a line from standard input and answers each with one line of JSON: `eval_ns` and
`parse_eval_ns`, each with `p50` and `p99`, the `count` that fitted in the time, and `answers` by file name.
"""
import json
import pathlib
import sys
import time


class RegoCpp:
    def __init__(self, policy, inventory, query):
        import regopy
        self.interpreter = regopy.Interpreter()
        self.interpreter.add_module("policy.rego", policy)
        self.interpreter.add_data_json(inventory)
        self.bundle = self.interpreter.build(query)

    def read(self, text):
        self.interpreter.set_input(json.loads(text))

    def evaluate(self):
        return self.interpreter.query_bundle(self.bundle)

    @staticmethod
    def answer(output):
        if not output.ok():
            raise SystemExit(str(output))
        return output[0][0]


class Regorus:
    def __init__(self, policy, inventory, query):
        import regorus
        program = regorus.Program.compile_from_modules(inventory, [("policy.rego", policy)], [query])
        self.machine = regorus.Rvm()
        self.machine.load_program(program)
        self.machine.set_data_json(inventory)

    def read(self, text):
        self.machine.set_input_json(text)

    def evaluate(self):
        return self.machine.execute()

    @staticmethod
    def answer(output):
        return json.loads(output)


class Orjson:
    """No engine: it reads JSON whole, and evaluates nothing."""

    def __init__(self, *_):
        import orjson
        self.read = orjson.loads

    def evaluate(self):
        pass

    @staticmethod
    def answer(_):
        return None


def percentiles(durations):
    """By nearest rank."""
    durations.sort()
    return {
        f"p{percent}": durations[max((len(durations) * percent + 99) // 100, 1) - 1] for percent in (50, 99)}


def measure(engine, folder, count, seconds):
    texts = {path.name: path.read_text() for path in sorted(pathlib.Path(folder).glob("*.json"))}
    answers = {}
    for name, text in texts.items():
        engine.read(text)
        answers[name] = engine.answer(engine.evaluate())
    texts = list(texts.values())
    evaluation, whole = [], []
    clock = time.perf_counter_ns
    end = clock() + seconds * 1_000_000_000
    while len(whole) < count and (len(whole) < 20 or clock() < end):
        text = texts[len(whole) % len(texts)]
        start = clock()
        engine.read(text)
        middle = clock()
        engine.evaluate()
        done = clock()
        evaluation.append(done - middle)
        whole.append(done - start)
    return {
        "eval_ns": percentiles(evaluation), "parse_eval_ns": percentiles(whole), "count": len(whole),
        "answers": answers}


def main():
    kind, policy, inventory, query = sys.argv[1:]
    engine = {"rego-cpp": RegoCpp, "Regorus": Regorus, "orjson": Orjson}[kind](
        pathlib.Path(policy).read_text(), pathlib.Path(inventory).read_text(), query)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(measure(engine, **request)), flush=True)


main()
