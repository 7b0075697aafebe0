"""What the Python peers share: JSON lines on stdin and stdout, the data file, timing."""

import json
import math
import os
import sys
import time

out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # whatever else prints must not break the protocol

import numpy as np  # noqa: E402

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def read_safetensors(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            dtype = {"F32": np.float32, "I32": np.int32}[entry["dtype"]]
            tensors[name] = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"]).copy()
    return tensors


def digest(data):
    """One number that changes when any element of a result does, to compare results without sending them."""
    flat = np.asarray(data).ravel()
    return math.sqrt(np.mean(np.square(flat * (1 + np.arange(flat.size) % 7 / 7), dtype=np.float64)))


def serve(describe, prepare):
    """
    `describe(threads)` gives version and runtime. `prepare(workload, params, x, y)` puts weights and batches into the
    library's own tensors, untimed; the function it returns does step i and gives the loss as a number, or the result
    as an array.
    """
    step, count = None, 0

    def timed():
        nonlocal count
        start = time.perf_counter()
        result = step(count)
        ms = (time.perf_counter() - start) * 1000
        count += 1
        value = result if isinstance(result, float) else digest(result)
        return ms, value if math.isfinite(value) else None

    def setup(message):
        nonlocal step
        about = describe(message["threads"])
        tensors = read_safetensors(os.path.join(BENCH, message["data"]))
        x, y = tensors.pop("x"), tensors.pop("y")
        params = {name.removeprefix("params/"): value for name, value in tensors.items()}
        step = prepare(message["workload"], params, x, y)
        ms, value = timed()
        return {"firstStepMs": ms, "firstValue": value, **about}

    def steps(message):
        times, values = zip(*(timed() for _ in range(message["n"])))
        return {"times": times, "values": values}

    try:
        for line in sys.stdin:
            try:
                message = json.loads(line)
                answer = {"setup": setup, "steps": steps}[message["cmd"]](message)
            except Exception as error:  # reported in the table, never fatal
                answer = {"error": f"{type(error).__name__}: {error}"}
            out.write(json.dumps(answer) + "\n")
    except (KeyboardInterrupt, BrokenPipeError):
        pass
