"""
PyTorch: each workload as one would write it with torch.nn and torch.func.

    python torch_peer.py [compile] [cuda]
"""

import sys

from peer import serve  # first: it keeps stdout for the protocol

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, jvp, vmap

COMPILED = "compile" in sys.argv
DEVICE = "cuda" if "cuda" in sys.argv else "cpu"


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
        self.layers = nn.ModuleList([nn.Linear(sizes[-1] * (height // scale) * (width // scale), m["classes"])])

    def forward(self, x):
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.layers[0](x.flatten(1))


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class ResnetBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.more = outputs - inputs
        self.first = ConvNorm(inputs, outputs, 2 if self.more else 1)
        self.second = ConvNorm(outputs, outputs)

    def forward(self, x):
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.more)) if self.more else x
        return F.relu(self.second(F.relu(self.first(x))) + shortcut)


class Resnet(nn.Module):
    def __init__(self, m):
        super().__init__()
        sizes = [m["channels"][0], *(c for c in m["channels"] for _ in range(m["blocks"]))]
        self.stem = ConvNorm(m["image"][0], sizes[0])
        self.blocks = nn.Sequential(*(ResnetBlock(a, b) for a, b in zip(sizes, sizes[1:])))
        self.head = nn.Linear(sizes[-1], m["classes"])

    def forward(self, x):
        return self.head(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = self.qkv(x).view(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(batch, time, width))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal)
        self.norm2 = nn.LayerNorm(width)
        self.feedForward = FeedForward(width)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feedForward(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.tokens = nn.Embedding(m["vocabulary"], m["width"])
        self.positions = nn.Embedding(m["context"], m["width"])
        self.blocks = nn.Sequential(*(Block(m["width"], m["heads"], True) for _ in range(m["layers"])))
        self.norm = nn.LayerNorm(m["width"])
        self.head = nn.Linear(m["width"], m["vocabulary"], bias=False)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions.weight)))


class Vit(nn.Module):
    def __init__(self, m):
        super().__init__()
        channels, height, width = m["image"]
        count = (height // m["patch"]) * (width // m["patch"])
        self.patches = nn.Conv2d(channels, m["width"], m["patch"], m["patch"])
        self.token = nn.Embedding(1, m["width"])
        self.positions = nn.Embedding(count + 1, m["width"])
        self.encoder = nn.Module()
        self.encoder.blocks = nn.Sequential(*(Block(m["width"], m["heads"], False) for _ in range(m["layers"])))
        self.encoder.norm = nn.LayerNorm(m["width"])
        self.head = nn.Linear(m["width"], m["classes"])

    def forward(self, x):
        patches = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.weight.expand(x.shape[0], 1, -1), patches], 1) + self.positions.weight
        return self.head(self.encoder.norm(self.encoder.blocks(x))[:, 0])


class Lstm(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.tokens = nn.Embedding(m["vocabulary"], m["width"])
        self.lstm = nn.LSTM(m["width"], m["width"], m["layers"], batch_first=True)
        self.head = nn.Linear(m["width"], m["vocabulary"])

    def forward(self, x):
        return self.head(self.lstm(self.tokens(x))[0])


class Matmul(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.w = nn.Parameter(torch.empty(m["size"], m["size"]))

    def forward(self, x):
        return x @ self.w


MODELS = {"mlp": Mlp, "cnn": Cnn, "resnet": Resnet, "gpt": Gpt, "vit": Vit, "lstm": Lstm, "matmul": Matmul}


def load(model, weights):
    """Copies the shared weights in. The file holds linear weights as [in, out], PyTorch as [out, in]."""
    for owner, module in model.named_modules():
        if isinstance(module, nn.LSTM):
            for layer in range(module.num_layers):
                getattr(module, f"weight_ih_l{layer}").copy_(weights[f"{owner}.{layer}.0.input.w"].T)
                getattr(module, f"bias_ih_l{layer}").copy_(weights[f"{owner}.{layer}.0.input.b"])
                getattr(module, f"weight_hh_l{layer}").copy_(weights[f"{owner}.{layer}.0.hidden.w"].T)
                # A second bias that adds to the first; the other libraries have one.
                getattr(module, f"bias_hh_l{layer}").zero_().requires_grad_(False)
            continue
        for kind, parameter in module.named_parameters(recurse=False):
            norm = isinstance(module, (nn.LayerNorm, nn.BatchNorm2d))
            name = f"{owner}.{ {'weight': 'scale' if norm else 'w', 'bias': 'shift' if norm else 'b'}.get(kind, kind)}"
            name = name.removeprefix(".")
            if name not in weights and "qkv" in name:
                value = torch.cat([weights[name.replace("qkv", part)] for part in "qkv"], -1)
            else:
                # A GPT's block has its feed-forward layers beside its attention.
                value = weights[name if name in weights else name.replace("feedForward.", "")]
            parameter.copy_(value.T if isinstance(module, nn.Linear) and kind == "weight" else value)


def make_optimizer(model, o):
    parameters = [p for p in model.parameters() if p.requires_grad]
    if o["name"] == "sgd":
        return torch.optim.SGD(parameters, lr=o["lr"], momentum=o.get("momentum", 0), fused=True)
    kind = torch.optim.AdamW if o["name"] == "adamw" else torch.optim.Adam
    decay = o.get("weightDecay", 0)
    return kind(parameters, lr=o["lr"], betas=(o["b1"], o["b2"]), eps=o["eps"], weight_decay=decay, fused=True)


def compiled(f):
    return torch.compile(f) if COMPILED else f


def cross_entropy(logits, y):
    return F.cross_entropy(logits.flatten(0, -2), y.flatten())


def train(model, workload):
    optimizer = make_optimizer(model, workload["optimizer"])
    loss_of = compiled(lambda x, y: cross_entropy(model(x), y))

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return lambda x, y: step(x, y).item()


def many(model, workload):
    optimizer = make_optimizer(model, workload["optimizer"])
    loss_of = compiled(lambda x, y: cross_entropy(model(x), y))

    def steps(xs, ys):
        losses = []
        for x, y in zip(xs, ys):
            optimizer.zero_grad()
            loss = loss_of(x, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()

    return steps


def norms(model, workload):
    params = {k: v.detach() for k, v in model.named_parameters()}

    def norm(p, x, y):
        grads = grad(lambda q: cross_entropy(functional_call(model, q, (x[None],)), y[None]))(p)
        return torch.stack([g.norm() for g in grads.values()]).norm()

    # Chunks whose gradients stay in the cache: four times as fast as all at once, and a tenth of the memory.
    each = compiled(vmap(norm, in_dims=(None, 0, 0), chunk_size=32))
    return lambda x, y: each(params, x, y).cpu().numpy()


def hvp(model, workload):
    params = {k: v.detach() for k, v in model.named_parameters()}
    direction = {k: v.clone() for k, v in params.items()}
    leaves = {k: v.clone().requires_grad_() for k, v in params.items()}

    def loss(p, x, y):
        return cross_entropy(functional_call(model, p, (x,)), y)

    def twice_backward(x, y):
        grads = torch.autograd.grad(loss(leaves, x, y), list(leaves.values()), create_graph=True)
        return torch.autograd.grad(grads, list(leaves.values()), list(direction.values()))

    def forward_over_reverse(x, y):
        return list(jvp(grad(lambda p: loss(p, x, y)), (params,), (direction,))[1].values())

    # The first is the faster one, which torch.compile cannot do.
    product = forward_over_reverse if COMPILED else twice_backward

    def run(x, y):
        result = product(x, y)
        return result, torch.stack([g.norm() for g in result]).norm()

    run = compiled(run)
    return lambda x, y: run(x, y)[1].item()


def infer(model, workload):
    run = compiled(model.eval())

    @torch.inference_mode()
    def apply(x, y):
        return run(x).cpu().numpy()

    return apply


TASKS = {"train": train, "many": many, "norms": norms, "hvp": hvp, "infer": infer}


def describe(threads):
    torch.set_num_threads(threads)
    how = "torch.compile" if COMPILED else "eager"
    if DEVICE == "cuda":
        # An error as a sentence where there is no GPU.
        return {"version": torch.__version__, "runtime": f"{how}, CUDA, {torch.cuda.get_device_name()}"}
    return {"version": torch.__version__, "runtime": f"{how}, CPU, {threads} thread{'' if threads == 1 else 's'}"}


def prepare(workload, params, x, y):
    model = MODELS[workload["model"]["kind"]](workload["model"])
    with torch.no_grad():
        load(model, {name: torch.from_numpy(value) for name, value in params.items()})
    model = model.to(DEVICE)
    x, y = torch.from_numpy(x), torch.from_numpy(y).long()
    if x.dtype == torch.int32:
        x = x.long()
    batches = [(x[i].contiguous().to(DEVICE), y[i].contiguous().to(DEVICE)) for i in range(len(x))]
    run = TASKS[workload["task"]](model, workload)
    return lambda i: run(*batches[i % len(batches)])


serve(describe, prepare)
