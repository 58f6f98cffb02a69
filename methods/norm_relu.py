"""BatchNorm by the batch's own statistics, then ReLU, with both derivatives written out.

For each task and channel, over its rows (bars are means over them), at scale c and offset b:

    x = (y - y_bar) r,  r = 1 / sqrt(mean((y - y_bar)^2) + eps),  z = max(0, c x + b)

With g = dL/dz where z > 0 and 0 elsewhere, G = g_bar and H = mean(g x), the slopes are

    dL/dy = c r (g - G - x H),  dL/dc = n H,  dL/db = n G                        for n rows

MAML differentiates these once more. Let v, p, q be what a second loss owes to the three of them,
V = mean(v x), s = c r and u = mean(v g) - v_bar G - V H, and write tilt = p - s V, bend = s H. It
owes

    to dL/dz  where z > 0:  s v + tilt x + q - s v_bar
    to c:     n r u
    to y:     -r (bend v + m x - tilt g + k)
              k = tilt G - bend v_bar,  m = (tilt - s V) H + s u

Forward over reverse goes the other way: along a direction of y, c, b and dL/dz (dotted), x and s
change by

    x. = r (y. - y._bar - x mean(x y.)),    s. = r (c. - s mean(x y.))

and z, G, H and the slopes by the product rule.

Autograd's way through elementary operations reads and writes each row some thirty times, and
torch's own second derivative is wrong under vmap (see batched_maml).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

EPSILON = 1e-5


def norm_relu(y: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Return z for y [tasks, rows, channels], and scale and offset [tasks, channels]."""
    z: Tensor = _NormRelu.apply(y, scale.unsqueeze(1), offset.unsqueeze(1))  # type: ignore[no-untyped-call]  # torch's is bare
    return z


class _NormRelu(Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, c: Tensor, b: Tensor) -> Tensor:
        x = y - _mean(y)
        r = _mean(x * x).add_(EPSILON).rsqrt_()
        x *= r
        z = torch.addcmul(b, x, c).relu_()
        ctx.save_for_backward(y, c, x, r, z)
        ctx.save_for_forward(c, x, r, z)
        return z

    @staticmethod
    def jvp(ctx: Any, *along: Tensor) -> Tensor:
        c, x, r, z = ctx.saved_tensors
        to_y, to_c, to_b = along
        return _where_on(torch.addcmul(to_b, _tangent(to_y, x, r), c).addcmul_(x, to_c), z)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _Slopes.apply(slopes[0], *ctx.saved_tensors)  # type: ignore[no-untyped-call,no-any-return]  # torch's is bare


class _Slopes(Function):
    @staticmethod
    def forward(
        ctx: Any, slope: Tensor, y: Tensor, c: Tensor, x: Tensor, r: Tensor, z: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        g, n, s = _where_on(slope, z), slope.shape[1], c * r
        g_mean, gx_mean = _mean(g), _mean(g * x)
        kept = g, s, x, r, z, g_mean, gx_mean
        ctx.save_for_backward(*kept)
        ctx.save_for_forward(*kept)
        to_y = torch.addcmul(g, x, gx_mean, value=-1).sub_(g_mean).mul_(s)
        return to_y, n * gx_mean, n * g_mean

    @staticmethod
    def jvp(ctx: Any, *along: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        g, s, x, r, z, g_mean, gx_mean = ctx.saved_tensors
        (to_slope, to_y, to_c), n = along[:3], g.shape[1]
        to_g, to_x = _where_on(to_slope, z), _tangent(to_y, x, r)
        to_g_mean, to_gx_mean = _mean(to_g), _mean(to_g * x).add_(_mean(g * to_x))
        to_s = r * (to_c - s * _mean(x * to_y))

        plain = torch.addcmul(g, x, gx_mean, value=-1).sub_(g_mean).mul_(to_s)
        bent = torch.addcmul(to_g, x, to_gx_mean, value=-1).addcmul_(to_x, gx_mean, value=-1)
        return plain.addcmul_(bent.sub_(to_g_mean), s), n * to_gx_mean, n * to_g_mean

    @staticmethod
    def backward(ctx: Any, *owed: Tensor) -> tuple[Tensor | None, ...]:
        g, s, x, r, z, g_mean, gx_mean = ctx.saved_tensors
        (v, p, q), n = owed, owed[0].shape[1]
        v_mean, vx_mean, vg_mean = _mean(v), _mean(v * x), _mean(v * g)
        u = vg_mean - v_mean * g_mean - vx_mean * gx_mean
        tilt, bend = p - s * vx_mean, s * gx_mean
        k = tilt * g_mean - bend * v_mean
        m = (tilt - s * vx_mean) * gx_mean + s * u

        to_slope = torch.addcmul(q - s * v_mean, v, s).addcmul_(x, tilt)
        to_y = torch.addcmul(k, v, bend).addcmul_(x, m).addcmul_(g, tilt, value=-1).mul_(-r)
        return _where_on(to_slope, z), to_y, n * r * u, None, None, None


def _tangent(to_y: Tensor, x: Tensor, r: Tensor) -> Tensor:
    """Return how x changes along a direction of y."""
    return torch.addcmul(to_y - _mean(to_y), x, _mean(x * to_y), value=-1).mul_(r)


def _mean(rows: Tensor) -> Tensor:
    return rows.mean(1, keepdim=True)


def _where_on(rows: Tensor, z: Tensor) -> Tensor:
    """Return the rows where ReLU let them through, and else nothing."""
    let_through: Tensor = torch.ops.aten.threshold_backward(rows, z, 0)
    return let_through
