"""BatchNorm by the batch's own statistics, then ReLU, with both derivatives written out.

For each task and channel, over its rows (bars are means over them), at scale c and offset b:

    x = (y - y_bar) r,  r = 1 / sqrt(mean((y - y_bar)^2) + eps),  z = max(0, c x + b)

With g = dL/dz where z > 0 and 0 elsewhere, G = g_bar and H = mean(g x), the slopes are

    dL/dy = c r (g - G - x H),  dL/dc = n H,  dL/db = n G                        for n rows

MAML differentiates these once more. Let v, p, q be what a second loss owes to the three of them,
V = mean(v x), s = c r and u = mean(v g) - v_bar G - V H. It owes

    to dL/dz  where z > 0:  s v + (p - s V) x + q - s v_bar
    to c:     n r u
    to y:     r (-s H v + (p - s V) g - k - m x)
              k = p G - s (H v_bar + V G),  m = p H - 2 s H V + s u

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
    z: Tensor = _NormRelu.apply(y, scale, offset)  # type: ignore[no-untyped-call]
    return z


class _NormRelu(Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
        x = y - y.mean(1, keepdim=True)
        r = torch.linalg.vecdot(x, x, dim=1).div_(y.shape[1]).add_(EPSILON).rsqrt_()
        x *= r.unsqueeze(1)
        z = torch.addcmul(offset.unsqueeze(1), x, scale.unsqueeze(1)).relu_()
        ctx.save_for_backward(y, scale, x, r, z)
        return z

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, scale, x, r, z = ctx.saved_tensors
        return _Slopes.apply(slopes[0], y, scale, x, r, z > 0)  # type: ignore[no-untyped-call,no-any-return]


class _Slopes(Function):
    @staticmethod
    def forward(
        ctx: Any, slope: Tensor, y: Tensor, scale: Tensor, x: Tensor, r: Tensor, on: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        g, n = slope * on, slope.shape[1]
        g_mean, gx_mean = g.mean(1), torch.linalg.vecdot(g, x, dim=1) / n
        ctx.save_for_backward(g, scale, x, r, on, g_mean, gx_mean)
        to_y = torch.addcmul(g, x, gx_mean.unsqueeze(1), value=-1)
        to_y.sub_(g_mean.unsqueeze(1)).mul_((scale * r).unsqueeze(1))
        return to_y, n * gx_mean, n * g_mean

    @staticmethod
    def backward(ctx: Any, *owed: Tensor) -> tuple[Tensor | None, ...]:
        g, scale, x, r, on, g_mean, gx_mean = ctx.saved_tensors
        (v, p, q), n, s = owed, g.shape[1], scale * r
        v_mean, vx_mean = v.mean(1), torch.linalg.vecdot(v, x, dim=1) / n
        u = torch.linalg.vecdot(v, g, dim=1) / n - v_mean * g_mean - vx_mean * gx_mean
        tilt = p - s * vx_mean
        k = p * g_mean - s * (gx_mean * v_mean + vx_mean * g_mean)
        m = p * gx_mean - 2 * s * gx_mean * vx_mean + s * u

        def row(of_channel: Tensor) -> Tensor:
            return of_channel.unsqueeze(1)

        to_slope = torch.addcmul(row(q - s * v_mean), v, row(s)).addcmul_(x, row(tilt)).mul_(on)
        to_y = torch.addcmul(row(-k * r), v, row(-s * gx_mean * r))
        to_y.addcmul_(g, row(tilt * r)).addcmul_(x, row(m * r), value=-1)
        return to_slope, to_y, n * r * u, None, None, None
