"""JAX, CPU: each workload as a pure function under jit, arguments donated. Parameters are a flat dict of names."""

import os

from peer import serve  # first: it keeps stdout for the protocol

jax = jnp = lax = None


def describe(threads):
    global jax, jnp, lax
    # XLA on CPU has no setting for its threads: it takes as many as the process may use cores.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy as jnp
    from jax import lax

    return {"version": jax.__version__, "runtime": f"jit, XLA, CPU, {threads} thread{'' if threads == 1 else 's'}"}


def linear(p, name, x):
    y = x @ p[f"{name}.w"]
    return y + p[f"{name}.b"] if f"{name}.b" in p else y


def conv(x, w, stride=1, padding="SAME"):
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NCHW", "OIHW", "NCHW"))


def mlp(m, p, x):
    last = len(m["sizes"]) - 2
    for i in range(last):
        x = jax.nn.relu(linear(p, f"layers.{i}", x))
    return linear(p, f"layers.{last}", x)


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def cnn(m, p, x):
    for i in range(len(m["channels"])):
        x = conv(x, p[f"convs.{i}.w"]) + p[f"convs.{i}.b"][:, None, None]
        x = max_pool(jax.nn.relu(x))
    return linear(p, "layers.0", x.reshape(x.shape[0], -1))


def resnet(m, p, x):
    """Training mode; nothing reads the running statistics in a training step, but they are part of it."""
    running = {}

    def conv_norm(name, x, stride=1):
        x = conv(x, p[f"{name}.conv.w"], stride, [(1, 1), (1, 1)])
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
        running[name] = (mean, variance * (x.size / x.shape[1]) / (x.size / x.shape[1] - 1))
        scale = p[f"{name}.norm.scale"] * lax.rsqrt(variance + 1e-5)
        return x * scale[:, None, None] + (p[f"{name}.norm.shift"] - mean * scale)[:, None, None]

    x = jax.nn.relu(conv_norm("stem", x))
    for i in range(len(m["channels"]) * m["blocks"]):
        outputs = m["channels"][i // m["blocks"]]
        more = outputs - x.shape[1]
        shortcut = jnp.pad(x[:, :, ::2, ::2], ((0, 0), (0, more), (0, 0), (0, 0))) if more else x
        h = jax.nn.relu(conv_norm(f"blocks.{i}.first", x, 2 if more else 1))
        x = jax.nn.relu(conv_norm(f"blocks.{i}.second", h) + shortcut)
    return linear(p, "head", x.mean((2, 3))), running


def norm(p, name, x):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-5) * p[f"{name}.scale"] + p[f"{name}.shift"]


def attend(q, k, v, heads, causal):
    batch, time, width = q.shape
    q, k, v = (t.reshape(batch, time, heads, width // heads) for t in (q, k, v))
    return jax.nn.dot_product_attention(q, k, v, is_causal=causal).reshape(batch, time, width)


def forward(p, up, down, x):
    return linear(p, down, jax.nn.gelu(linear(p, up, x), approximate=False))


def gpt(m, p, tokens):
    x = p["tokens.w"][tokens] + p["positions.w"]
    for i in range(m["layers"]):
        name = f"blocks.{i}"
        qkv = jnp.split(linear(p, f"{name}.attention.qkv", norm(p, f"{name}.norm1", x)), 3, -1)
        x = x + linear(p, f"{name}.attention.out", attend(*qkv, m["heads"], True))
        x = x + forward(p, f"{name}.up", f"{name}.down", norm(p, f"{name}.norm2", x))
    return linear(p, "head", norm(p, "norm", x))


def vit(m, p, x):
    batch, width = x.shape[0], m["width"]
    x = conv(x, p["patches.w"], m["patch"], "VALID") + p["patches.b"][:, None, None]
    x = x.reshape(batch, width, -1).swapaxes(1, 2)
    x = jnp.concatenate([jnp.broadcast_to(p["token.w"], (batch, 1, width)), x], 1) + p["positions.w"]
    for i in range(m["layers"]):
        name = f"encoder.blocks.{i}"
        h = norm(p, f"{name}.norm1", x)
        q, k, v = (linear(p, f"{name}.attention.{part}", h) for part in "qkv")
        x = x + linear(p, f"{name}.attention.out", attend(q, k, v, m["heads"], False))
        x = x + forward(p, f"{name}.feedForward.up", f"{name}.feedForward.down", norm(p, f"{name}.norm2", x))
    return linear(p, "head", norm(p, "encoder.norm", x)[:, 0])


def lstm(m, p, tokens):
    x = p["tokens.w"][tokens].swapaxes(0, 1)
    for layer in range(m["layers"]):
        projected = linear(p, f"lstm.{layer}.0.input", x)
        hidden = p[f"lstm.{layer}.0.hidden.w"]

        def step(state, projected):
            h, c = state
            i, f, g, o = jnp.split(projected + h @ hidden, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((x.shape[1], m["width"]))
        x = lax.scan(step, (zeros, zeros), projected)[1]
    return linear(p, "head", x.swapaxes(0, 1))


MODELS = {"mlp": mlp, "cnn": cnn, "resnet": resnet, "gpt": gpt, "vit": vit, "lstm": lstm}
MODELS["matmul"] = lambda m, p, x: x @ p["w"]


def cross_entropy(logits, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[..., None], -1).mean()


def init_state(o, p):
    zeros = {k: jnp.zeros_like(v) for k, v in p.items()}
    if o["name"] == "sgd":
        return zeros if "momentum" in o else {}
    return {"t": jnp.zeros(()), "m": zeros, "v": {k: jnp.zeros_like(v) for k, v in p.items()}}


def update(o, p, grads, state):
    """As optax would, written out."""
    if o["name"] == "sgd":
        if "momentum" in o:
            grads = state = {k: o["momentum"] * state[k] + g for k, g in grads.items()}
        return {k: p[k] - o["lr"] * g for k, g in grads.items()}, state
    b1, b2 = o["b1"], o["b2"]
    t = state["t"] + 1
    m = {k: b1 * state["m"][k] + (1 - b1) * g for k, g in grads.items()}
    v = {k: b2 * state["v"][k] + (1 - b2) * g * g for k, g in grads.items()}
    keep = 1 - o["lr"] * o.get("weightDecay", 0)

    def move(k):
        return o["lr"] / (1 - b1**t) * m[k] / (jnp.sqrt(v[k] / (1 - b2**t)) + o["eps"])

    return {k: keep * p[k] - move(k) for k in p}, {"t": t, "m": m, "v": v}


def train(apply, p, workload):
    o = workload["optimizer"]
    state = init_state(o, p)
    if workload["model"]["kind"] == "resnet":
        _, shapes = jax.eval_shape(apply, p, jax.ShapeDtypeStruct((2, *workload["model"]["image"]), jnp.float32))
        running = {k: (jnp.zeros(mean.shape), jnp.ones(variance.shape)) for k, (mean, variance) in shapes.items()}
    else:
        running = {}

    def loss_of(p, x, y):
        out = apply(p, x)
        logits, batch = out if isinstance(out, tuple) else (out, {})
        return cross_entropy(logits, y), batch

    def step(p, state, running, x, y):
        (loss, batch), grads = jax.value_and_grad(loss_of, has_aux=True)(p, x, y)
        running = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, running, batch)
        return loss, *update(o, p, grads, state), running

    compiled = jax.jit(step, donate_argnums=(0, 1, 2))

    def run(x, y):
        nonlocal p, state, running
        loss, p, state, running = jax.block_until_ready(compiled(p, state, running, x, y))
        return float(loss)

    return run


def many(apply, p, workload):
    o = workload["optimizer"]
    state = init_state(o, p)

    def step(carry, batch):
        loss, grads = jax.value_and_grad(lambda q: cross_entropy(apply(q, batch[0]), batch[1]))(carry[0])
        return update(o, carry[0], grads, carry[1]), loss

    def steps(p, state, xs, ys):
        (p, state), losses = lax.scan(step, (p, state), (xs, ys))
        return losses.mean(), p, state

    compiled = jax.jit(steps, donate_argnums=(0, 1))

    def run(x, y):
        nonlocal p, state
        loss, p, state = jax.block_until_ready(compiled(p, state, x, y))
        return float(loss)

    return run


def norms(apply, p, workload):
    def norm(p, x, y):
        grads = jax.grad(lambda q: cross_entropy(apply(q, x[None]), y[None]))(p)
        return jnp.sqrt(sum((g * g).sum() for g in grads.values()))

    compiled = jax.jit(jax.vmap(norm, in_axes=(None, 0, 0)))
    return lambda x, y: jax.device_get(compiled(p, x, y))


def hvp(apply, p, workload):
    def product(p, v, x, y):
        result = jax.jvp(jax.grad(lambda q: cross_entropy(apply(q, x), y)), (p,), (v,))[1]
        return result, jnp.sqrt(sum((g * g).sum() for g in result.values()))

    compiled = jax.jit(product)
    direction = {k: jnp.array(v) for k, v in p.items()}
    return lambda x, y: float(jax.block_until_ready(compiled(p, direction, x, y))[1])


def infer(apply, p, workload):
    compiled = jax.jit(apply)
    return lambda x, y: jax.device_get(compiled(p, x))


TASKS = {"train": train, "many": many, "norms": norms, "hvp": hvp, "infer": infer}


def prepare(workload, params, x, y):
    m = workload["model"]
    weights = {name: jnp.array(value) for name, value in params.items()}
    batches = [(jnp.array(x[i]), jnp.array(y[i])) for i in range(len(x))]
    run = TASKS[workload["task"]](lambda p, x: MODELS[m["kind"]](m, p, x), weights, workload)
    return lambda i: run(*batches[i % len(batches)])


serve(describe, prepare)
