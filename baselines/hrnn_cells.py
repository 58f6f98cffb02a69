"""One step of the hierarchical RNN optimizer in plain PyTorch, tensor after tensor.

Of each tensor the rows are its coordinates. With its gradient g there, and old states on the right,

    d_k = d_{k-1}^{1/2}, d_1 = input decay       m_k <- (1 - d_k) g + d_k m_k           k = 1..4
    b = scale decay, 0 where all v_k are 0       v_k <- (1 - b) (m_k^2 + 1e-12) + b v_k
    y_k = asinh(m_k / sqrt(v_k + 1e-16))         q_k = ln(v_k + 1e-16) - mean_k ln(v_k + 1e-16)
    x = [y_1..y_4, y_1 y_2, y_2 y_3, y_3 y_4, q_1..q_4, log rate - the task's mean log rate]
    h <- gru_0(x, h; (L P01 + p01) + (t P02 + p02))             a coordinate's state
    L <- gru_1(mean over rows of [h, x], L; t P12 + p12)        a tensor's state
    u = h wu + [y_1..y_4] sc,  d = u / sqrt(mean over rows of u^2 + 1e-16)
    r = log rate + h wl + bl, clipped to +-33, its derivative being that without the clip
    theta <- theta - exp(r + off) d              log rate <- s(mu) log rate + (1 - s(mu)) r
    scale decay <- s(h ws + bs0)                 input decay <- s(h wi + bi0)

and, after all tensors, t <- gru_2(L of the last tensor, t). s is the logistic function.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.declare.learner import Params
from suites.hrnn import TIMESCALES, Hrnn, Rows, Standing

MOST_LOG_RATE = 33.0


def step(
    hrnn: Hrnn, params: Params, standing: Standing, sizes: Sequence[int], gradient: Tensor
) -> Standing:
    """Move one task, given the sizes of its tensors and the gradient by all its coordinates."""
    of_task, mean_rate = standing.of_task, standing.rows.log_rate.mean()
    moved, of_tensor = [], []
    parts = standing.rows.split(sizes), standing.of_tensor.split(1), gradient.split(sizes)
    for rows, state, own in zip(*parts, strict=True):
        rows, state = _tensor_step(params, rows, state, of_task, mean_rate, own.unsqueeze(1))
        moved.append(rows)
        of_tensor.append(state)
    below = of_tensor[-1]
    if hrnn.level2 == "mean":
        below = torch.cat(of_tensor).mean(0, keepdim=True)
    of_task = gru(params, 2, below, of_task)
    return Standing(Rows.join(moved), torch.cat(of_tensor), of_task, standing.first_loss)


def _tensor_step(
    params: Params, rows: Rows, state: Tensor, of_task: Tensor, mean_rate: Tensor, gradient: Tensor
) -> tuple[Rows, Tensor]:
    """Move one tensor; return its rows and its state."""
    decay = timescales(rows.input_decay)
    averages = (1 - decay) * gradient + decay * rows.averages
    keep = torch.where((rows.squares == 0).all(0), 0.0, rows.scale_decay)
    squares = (1 - keep) * (averages.square() + 1e-12) + keep * rows.squares
    scaled = torch.asinh(averages / (squares + 1e-16).sqrt())
    x = features(scaled, squares, rows.log_rate - mean_rate)

    above = (state @ params["P01"] + params["p01"]) + (of_task @ params["P02"] + params["p02"])
    hidden = gru(params, 0, x, rows.hidden, above)
    seen = torch.cat([hidden, x], 1).mean(0, keepdim=True)
    state = gru(params, 1, seen, state, of_task @ params["P12"] + params["p12"])

    log_rate = clipped(rows.log_rate + hidden @ params["wl"] + params["bl"])
    direction = _normalised(hidden @ params["wu"] + scaled @ params["sc"])
    theta = rows.theta - (torch.exp(log_rate + params["off"]) * direction).squeeze(1)
    attended = None
    if rows.attended is not None:
        lead = _normalised(hidden @ params["wa"] + scaled @ params["sca"])
        attended = rows.theta - (torch.exp(log_rate) * lead).squeeze(1)
    momentum = torch.sigmoid(params["mu"])
    moved = Rows(
        theta=theta,
        attended=attended,
        hidden=hidden,
        averages=averages,
        squares=squares,
        input_decay=torch.sigmoid(hidden @ params["wi"] + params["bi0"]),
        scale_decay=torch.sigmoid(hidden @ params["ws"] + params["bs0"]),
        log_rate=momentum * rows.log_rate + (1 - momentum) * log_rate,
    )
    return moved, state


def gru(
    params: Params, level: int, x: Tensor, state: Tensor, above: Tensor | None = None
) -> Tensor:
    """Return a level's next state; what comes from above is added to gates and candidate.

    The reset gate acts before the product, so that this is not torch.nn.GRUCell.
    """
    units = state.shape[1]
    gates = torch.cat([x, state], 1) @ params[f"G{level}"] + params[f"g{level}"]
    if above is not None:
        gates = gates + above[:, : 2 * units]
    reset, update = torch.sigmoid(gates).split(units, 1)
    candidate = torch.cat([x, reset * state], 1) @ params[f"C{level}"] + params[f"c{level}"]
    if above is not None:
        candidate = candidate + above[:, 2 * units :]
    after: Tensor = update * state + (1 - update) * torch.tanh(candidate)
    return after


def timescales(decay: Tensor) -> Tensor:
    """Return the decay and its roots, one a timescale.

    Before a task's first step the decay is 0, where a root has no derivative: 0 stays 0 there.
    """
    root, roots = torch.where(decay > 0, decay, 1.0), []
    for _ in range(TIMESCALES):
        roots.append(root)
        root = root.sqrt()
    return torch.where(decay > 0, torch.cat(roots, 1), 0.0)


def features(scaled: Tensor, squares: Tensor, relative_rate: Tensor) -> Tensor:
    """Return what a coordinate's cell is fed with."""
    log_squares = (squares + 1e-16).log()
    return torch.cat(
        [
            scaled,
            scaled[:, :-1] * scaled[:, 1:],
            log_squares - log_squares.mean(1, keepdim=True),
            relative_rate,
        ],
        1,
    )


def clipped(log_rate: Tensor) -> Tensor:
    """Clip the values and leave the derivative as it was."""
    return log_rate + (log_rate.clamp(-MOST_LOG_RATE, MOST_LOG_RATE) - log_rate).detach()


def _normalised(direction: Tensor) -> Tensor:
    return direction / (direction.square().mean() + 1e-16).sqrt()
