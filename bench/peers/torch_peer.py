"""PyTorch, CPU, eager: the model as one would write it with torch.nn. JSON lines on stdin and stdout."""

import json
import math
import os
import sys
import time

out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # whatever else prints must not break the protocol

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def read_safetensors(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype = {"F32": np.float32, "I32": np.int32}[entry["dtype"]]
        array = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        batch, time_, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).split(width, dim=2)
        q, k, v = (t.view(batch, time_, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, time_, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.tokens = nn.Embedding(m["vocabulary"], m["width"])
        self.positions = nn.Embedding(m["context"], m["width"])
        self.blocks = nn.ModuleList(Block(m["width"], m["heads"]) for _ in range(m["layers"]))
        self.norm = nn.LayerNorm(m["width"])
        self.head = nn.Linear(m["width"], m["vocabulary"])

    def forward(self, x):
        h = self.tokens(x) + self.positions.weight
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h)).flatten(0, 1)


class Mlp(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(m["sizes"], m["sizes"][1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Cnn(nn.Module):
    def __init__(self, m):
        super().__init__()
        channels, height, width = m["image"]
        kernel = m["kernel"]
        sizes = [channels, *m["channels"]]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, kernel, padding=kernel // 2) for a, b in zip(sizes, sizes[1:]))
        scale = 2 ** len(m["channels"])
        self.head = nn.Linear(sizes[-1] * (height // scale) * (width // scale), m["classes"])

    def forward(self, x):
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.head(x.flatten(1))


def load(model, tensors):
    """Copies the shared weights in; the file holds linear weights as [in, out], PyTorch as [out, in]."""
    modules = dict(model.named_modules())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            owner, _, kind = name.rpartition(".")
            module = modules[owner]
            if isinstance(module, nn.Embedding):
                value = tensors[f"params/{owner}"]
            elif isinstance(module, nn.LayerNorm):
                value = tensors[f"params/{owner}.{'g' if kind == 'weight' else 'b'}"]
            else:
                value = tensors[f"params/{owner}.{'w' if kind == 'weight' else 'b'}"]
                if isinstance(module, nn.Linear) and kind == "weight":
                    value = value.T
            assert parameter.shape == value.shape, (name, parameter.shape, value.shape)
            parameter.copy_(value)


def make_optimizer(parameters, o):
    if o["name"] == "sgd":
        return torch.optim.SGD(parameters, lr=o["lr"])
    kind = torch.optim.AdamW if o["name"] == "adamw" else torch.optim.Adam
    return kind(parameters, lr=o["lr"], betas=(o["b1"], o["b2"]), eps=o["eps"], weight_decay=o["weightDecay"])


class Peer:
    def setup(self, message):
        threads = message["threads"]
        torch.set_num_threads(threads)
        with open(os.path.join(BENCH, "workloads.json")) as file:
            definition = json.load(file)["workloads"][message["workload"]["name"]]
        tensors = read_safetensors(os.path.join(BENCH, message["data"]))
        m = definition["model"]
        self.model = {"mlp": Mlp, "cnn": Cnn, "gpt": Gpt}[m["kind"]](m)
        load(self.model, tensors)
        self.optimizer = make_optimizer(self.model.parameters(), definition["optimizer"])
        x, y = tensors["x"], tensors["y"].long()
        if x.dtype == torch.int32:
            x = x.long()
        self.batches = [(x[i].contiguous(), y[i].flatten().contiguous()) for i in range(len(x))]
        self.count = 0
        ms, loss = self.step()
        runtime = f"eager, CPU, {threads} thread{'' if threads == 1 else 's'}"
        return {
            "ready": True,
            "firstStepMs": ms,
            "firstLoss": loss,
            "name": "PyTorch",
            "version": torch.__version__,
            "runtime": runtime,
        }

    def step(self):
        start = time.perf_counter()
        x, y = self.batches[self.count % len(self.batches)]
        self.count += 1
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        value = loss.item()
        return (time.perf_counter() - start) * 1000, value

    def steps(self, message):
        pairs = [self.step() for _ in range(message["n"])]
        return {"times": [p[0] for p in pairs], "losses": [p[1] if math.isfinite(p[1]) else None for p in pairs]}


def main():
    peer = Peer()
    try:
        for line in sys.stdin:
            try:
                message = json.loads(line)
                answer = {"setup": peer.setup, "steps": peer.steps}[message["cmd"]](message)
            except Exception as error:  # reported in the table, never fatal
                answer = {"error": f"{type(error).__name__}: {error}"}
            out.write(json.dumps(answer) + "\n")
    except (KeyboardInterrupt, BrokenPipeError):
        pass


main()
