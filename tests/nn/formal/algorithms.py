"""The pseudocode of "Formal Algorithms for Transformers" (Phuong and Hutter 2022), line by line.

Plain loops over Python's floats, which are float64; no matrix library. A matrix is a list of rows.
As in the paper a token is a column: X is d × ℓ. Names are the paper's. Two things are more than it
has: an MLP may have a second matrix `W_up` that gates the first, as in Llama, and activations are
an argument. Biases are left out where the core has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Vector = list[float]
Matrix = list[list[float]]
Mask = Callable[[int, int], bool]
Activation = Callable[[float], float]


@dataclass
class Head:
    """W_q, W_k (d_attn × d_x) and W_v (d_out × d_z)."""

    W_q: Matrix
    W_k: Matrix
    W_v: Matrix


@dataclass
class MultiHead:
    """The heads, and W_o (d_out × H·d_mid)."""

    heads: list[Head]
    W_o: Matrix


@dataclass
class Norm:
    """γ, β; `rms` is the remark after algorithm 6: m = β = 0."""

    gamma: Vector
    beta: Vector
    rms: bool = False


@dataclass
class MLP:
    """W_mlp1 (d_mlp × d), W_mlp2 (d × d_mlp); `W_up` (d_mlp × d) is Llama's."""

    W_mlp1: Matrix
    b_mlp1: Vector
    W_mlp2: Matrix
    b_mlp2: Vector
    W_up: Matrix | None = None


@dataclass
class Layer:
    """One layer; `cross` only in the decoder of EDTransformer. Norms in the order of use."""

    attention: MultiHead
    mlp: MLP
    norms: list[Norm]
    cross: MultiHead | None = None


@dataclass
class Parameters:
    """W_e (d × N_V), W_p (d × ℓ_max), layers, W_u (N_V × d), a norm at the end."""

    W_e: Matrix
    W_p: Matrix
    layers: list[Layer]
    W_u: Matrix
    norm: Norm | None = None
    encoder: list[Layer] = field(default_factory=list)


def everything(t_z: int, t_x: int) -> bool:
    """Mask ≡ 1."""
    return True


def causal(t_z: int, t_x: int) -> bool:
    """Mask[t_z, t_x] = [[t_z ≤ t_x]]."""
    return t_z <= t_x


def product(a: Matrix, b: Matrix) -> Matrix:
    result = []
    for row in a:
        line = []
        for column in range(len(b[0])):
            total = 0.0
            for i in range(len(row)):
                total += row[i] * b[i][column]
            line.append(total)
        result.append(line)
    return result


def plus(a: Matrix, b: Matrix) -> Matrix:
    return [
        [x + y for x, y in zip(one, other, strict=True)] for one, other in zip(a, b, strict=True)
    ]


def transposed(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def softmax(column: Vector) -> Vector:
    top = max(column)
    powers = [math.exp(x - top) for x in column]
    return [x / sum(powers) for x in powers]


def token_embedding(v: int, W_e: Matrix) -> Vector:
    """Algorithm 1."""
    return [row[v] for row in W_e]


def positional_embedding(position: int, W_p: Matrix) -> Vector:
    """Algorithm 2."""
    return [row[position] for row in W_p]


def attention(X: Matrix, Z: Matrix, head: Head, mask: Mask) -> Matrix:
    """Algorithm 4: X (d_x × ℓ_x) attends to Z (d_z × ℓ_z)."""
    Q, K, V = product(head.W_q, X), product(head.W_k, Z), product(head.W_v, Z)
    S = product(transposed(K), Q)  # ℓ_z × ℓ_x
    for t_z in range(len(S)):
        for t_x in range(len(S[0])):
            S[t_z][t_x] = S[t_z][t_x] / math.sqrt(len(Q)) if mask(t_z, t_x) else -math.inf
    A = transposed([softmax(column) for column in transposed(S)])
    return product(V, A)


def mh_attention(X: Matrix, Z: Matrix, many: MultiHead, mask: Mask) -> Matrix:
    """Algorithm 5."""
    Y = [row for head in many.heads for row in attention(X, Z, head, mask)]
    return product(many.W_o, Y)


def layer_norm(e: Vector, norm: Norm) -> Vector:
    """Algorithm 6."""
    m = 0.0 if norm.rms else sum(e) / len(e)
    v = sum((x - m) ** 2 for x in e) / len(e)
    return [
        (x - m) / math.sqrt(v) * gamma + beta
        for x, gamma, beta in zip(e, norm.gamma, norm.beta, strict=True)
    ]


def normed(X: Matrix, norm: Norm) -> Matrix:
    """Algorithm 6 for every token."""
    return transposed([layer_norm(e, norm) for e in transposed(X)])


def unembedding(e: Vector, W_u: Matrix) -> Vector:
    """Algorithm 7."""
    return softmax([row[0] for row in product(W_u, [[x] for x in e])])


def mlp(X: Matrix, p: MLP, activation: Activation) -> Matrix:
    """W_mlp2 activation(W_mlp1 X + b_mlp1 1ᵀ) + b_mlp2 1ᵀ."""
    hidden = product(p.W_mlp1, X)
    hidden = [[activation(x + b) for x in row] for row, b in zip(hidden, p.b_mlp1, strict=True)]
    if p.W_up is not None:
        up = product(p.W_up, X)
        hidden = [
            [x * y for x, y in zip(*rows, strict=True)] for rows in zip(hidden, up, strict=True)
        ]
    return [
        [x + b for x in row] for row, b in zip(product(p.W_mlp2, hidden), p.b_mlp2, strict=True)
    ]


def embedded(tokens: Sequence[int], p: Parameters) -> Matrix:
    columns = []
    for t, token in enumerate(tokens):
        e, position = token_embedding(token, p.W_e), positional_embedding(t, p.W_p)
        columns.append([x + y for x, y in zip(e, position, strict=True)])
    return transposed(columns)


def encoder_layers(X: Matrix, layers: list[Layer], activation: Activation) -> Matrix:
    """Lines 3 to 8 of algorithm 8, 3 to 8 of algorithm 9: post-norm, without a mask."""
    for layer in layers:
        X = plus(X, mh_attention(X, X, layer.attention, everything))
        X = normed(X, layer.norms[0])
        X = plus(X, mlp(X, layer.mlp, activation))
        X = normed(X, layer.norms[1])
    return X


def ed_transformer(
    z: Sequence[int], x: Sequence[int], p: Parameters, activation: Activation
) -> Matrix:
    """Algorithm 8: probabilities (N_V × ℓ_x) of the next token of x, given all of z."""
    Z = encoder_layers(embedded(z, p), p.encoder, activation)
    X = embedded(x, p)
    for layer in p.layers:
        assert layer.cross is not None
        X = normed(plus(X, mh_attention(X, X, layer.attention, causal)), layer.norms[0])
        X = normed(plus(X, mh_attention(X, Z, layer.cross, everything)), layer.norms[1])
        X = normed(plus(X, mlp(X, layer.mlp, activation)), layer.norms[2])
    return transposed([unembedding(e, p.W_u) for e in transposed(X)])


def e_transformer(x: Sequence[int], p: Parameters, activation: Activation) -> Matrix:
    """Algorithm 9, without its last projection W_f: probabilities (N_V × ℓ)."""
    X = encoder_layers(embedded(x, p), p.layers, activation)
    return transposed([unembedding(e, p.W_u) for e in transposed(X)])


def d_transformer(x: Sequence[int], p: Parameters, activation: Activation) -> Matrix:
    """Algorithm 10: pre-norm, causal; probabilities (N_V × ℓ)."""
    X = embedded(x, p)
    for layer in p.layers:
        seen = normed(X, layer.norms[0])
        X = plus(X, mh_attention(seen, seen, layer.attention, causal))
        X = plus(X, mlp(normed(X, layer.norms[1]), layer.mlp, activation))
    assert p.norm is not None
    return transposed([unembedding(e, p.W_u) for e in transposed(normed(X, p.norm))])
