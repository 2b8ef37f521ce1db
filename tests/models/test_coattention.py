"""Eq. 9 and 10, against loops that follow the paper index by index."""

import math

import pytest
import torch

from onedheat.models.coattention import CoAttention

B, K, A, H = 2, 3, 7, 4  # h differs from a on purpose: laid out the other way the formula runs too


def module(gamma: float = 0.4) -> CoAttention:
    attention = CoAttention(H, gamma).double()
    torch.nn.init.normal_(attention.p)
    torch.nn.init.normal_(attention.q)
    return attention


def features() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(B, K, A, H).double(), torch.randn(B, K, A, H).double()


def by_loops(dx, dy, p, q, gamma):
    """The paper's D^x is (a × h), its D^y is (h × a); here dy holds (D^y)^T."""
    new_x, new_y = dx.clone(), dy.clone()
    for b in range(B):
        for k in range(K):
            Dx, Dy = dx[b, k], dy[b, k].T
            for i in range(A):
                row_yx = torch.stack(
                    [sum(Dx[i, m] * q[m, n] * Dy[n, j] for m in range(H) for n in range(H))
                     for j in range(A)]
                ) / math.sqrt(H)  # fmt: skip
                row_xy = torch.stack(
                    [sum(Dy[m, i] * p[m, n] * Dx[j, n] for m in range(H) for n in range(H))
                     for j in range(A)]
                ) / math.sqrt(H)  # fmt: skip
                for h in range(H):
                    new_x[b, k, i, h] += gamma * (row_yx.softmax(0) * Dy[h, :]).sum()
                    new_y[b, k, i, h] += gamma * (row_xy.softmax(0) * Dx[:, h]).sum()
    return new_x, new_y


def test_it_equals_plain_loops():
    attention, (dx, dy) = module(), features()
    expected = by_loops(dx, dy, attention.p, attention.q, 0.4)
    for found, wanted in zip(attention(dx, dy), expected, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_affinities_have_a_row_of_probabilities_for_each_position():
    for affinity in module().affinities(*features()):
        assert affinity.shape == (B, K, A, A)
        assert torch.allclose(affinity.sum(-1), torch.ones(B, K, A).double())
        assert affinity.min() >= 0


def test_at_gamma_0_it_is_the_identity():
    dx, dy = features()
    assert all(torch.equal(a, b) for a, b in zip(module(0.0)(dx, dy), (dx, dy), strict=True))


def test_channels_share_p_and_q_and_do_not_mix():
    attention, (dx, dy) = module(), features()
    changed = dx.clone()
    changed[:, 1] += 1
    before, after = attention(dx, dy), attention(changed, dy)
    for a, b in zip(before, after, strict=True):
        assert (a == b).all(dim=(0, 2, 3)).tolist() == [True, False, True]


def test_the_axes_exchange_places_with_p_and_q():
    attention, (dx, dy) = module(), features()
    x, y = attention(dx, dy)
    attention.p, attention.q = attention.q, attention.p
    y_first, x_second = attention(dy, dx)
    assert torch.allclose(y, y_first) and torch.allclose(x, x_second)


def test_gradients_are_right():
    attention = module()
    dx, dy = (torch.randn(1, 2, 5, H).double().requires_grad_() for _ in range(2))

    def run(dx, dy, p, q):
        return torch.func.functional_call(attention, {"p": p, "q": q}, (dx, dy))

    assert torch.autograd.gradcheck(run, (dx, dy, attention.p, attention.q))


@pytest.mark.parametrize("name", ["p", "q"])
def test_p_and_q_are_learned(name):
    attention, (dx, dy) = module(), features()
    sum(out.square().sum() for out in attention(dx, dy)).backward()
    assert getattr(attention, name).grad.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_features_stay_narrow(dtype):
    attention, (dx, dy) = module(), features()
    wanted = attention(dx, dy)
    for found, exact in zip(attention.to(dtype)(dx.to(dtype), dy.to(dtype)), wanted, strict=True):
        assert found.dtype == dtype
        assert torch.allclose(found.double(), exact, atol=0.1, rtol=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_in_mixed_precision_shares_are_made_narrow_once_when_they_are_already_weighed(dtype):
    attention, (dx, dy) = module().float(), features()
    dx, dy = dx.to(dtype), dy.to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        yx, xy = attention.affinities(dx, dy)
        wanted = dx + 0.4 * yx @ dy, dy + 0.4 * xy @ dx
        found = attention(dx, dy)
    assert yx.dtype == torch.float32
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
