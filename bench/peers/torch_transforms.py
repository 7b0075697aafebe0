"""The peer of bench/transforms.mjs: PyTorch eager with torch.func. Prints one line of JSON."""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, jvp, vmap

threads, rounds = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)


def median(values):
    return sorted(values)[len(values) // 2]


def in_turns(functions):
    for f in functions.values():
        for _ in range(3):
            f()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, f in functions.items():
            f()  # untimed: the one before it may have left the caches cold
            start = time.perf_counter()
            f()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: median(values) for name, values in times.items()}


def workload(model, shape):
    params = {k: v.detach() for k, v in model.named_parameters()}
    x = torch.randn(shape)
    y = (torch.arange(shape[0]) * 7) % 10
    tangent = {k: v * 0.5 for k, v in params.items()}

    def loss(p, a, b):
        return F.cross_entropy(functional_call(model, p, (a,)), b)

    def one(p, a, b):
        return loss(p, a[None], b[None])

    def norm(p, a, b):
        return sum((g * g).sum() for g in grad(one)(p, a, b).values())

    each = vmap(grad(one), in_dims=(None, 0, 0))
    norms = vmap(norm, in_dims=(None, 0, 0))
    leaves = {k: v.clone().requires_grad_() for k, v in params.items()}

    def ordinary():
        return torch.autograd.grad(F.cross_entropy(functional_call(model, leaves, (x,)), y), list(leaves.values()))

    others = {
        "gradient": ordinary,
        "hvp": lambda: jvp(lambda p: grad(loss)(p, x, y), (params,), (tangent,)),
        "norms": lambda: norms(params, x, y),
    }
    return {**in_turns(others), **in_turns({"each": lambda: each(params, x, y)})}


def steps(n=1000):
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    xs, ys = torch.randn(n, 32, 2), torch.randn(n, 32, 1)

    def run():
        for i in range(n):
            optimizer.zero_grad()
            F.mse_loss(model(xs[i]), ys[i]).backward()
            optimizer.step()

    return in_turns({"all": run})["all"] / n * 1000


mlp = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
cnn = nn.Sequential(
    nn.Conv2d(1, 32, 5, padding=2),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 5, padding=2),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(3136, 10),
)
print(
    json.dumps(
        {
            "version": torch.__version__,
            "MLP 784-300-100-10, batch 128": workload(mlp, (128, 784)),
            "CNN 32/64 5x5 + fc, 28x28, batch 64": workload(cnn, (64, 1, 28, 28)),
            "steps": steps(),
        }
    )
)
