"""Compute CTC and per-step cross-entropy over thousands of classes at a fraction of the usual cost.

With 7 000 classes and plain CTC, four fifths of a training step on a CPU go into softmax and its gradient over classes
that no line of the batch contains. Here the classifier runs on the classes of the batch plus a sample of the others;
each sampled class counts for as many as it stands for, so the normalizer stays unbiased (Jean et al. 2015, "On Using
Very Large Target Vocabulary", in the uniform case). Products, exponentials and gradients go through the cache in
slices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recognition.method import LossRecipe

IGNORE = -1
_ROWS = 512  # time steps of one slice: 512 x 2 000 float32 are 4 MB


class Targets(NamedTuple):
    """What a batch should say.

    Attributes:
        labels: (N, L) int64 classes, zero padded.
        lengths: (N,) int64 characters of each line.
        steps: (N,) int64 time steps of each line.
        aligned: (N, T) int64: 0 blank, j + 1 for the line's character j, IGNORE where nothing is
            known.
    """

    labels: Tensor
    lengths: Tensor
    steps: Tensor
    aligned: Tensor


class _Picked(torch.autograd.Function):
    """Logits of a few classes per row, minus the log of the sum of all, without keeping all logits."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, index: Tensor) -> Tensor:
        """Map x (M, D), weight (C, D), bias (C,), index (M, K) to log-probabilities (M, K)."""
        out, sums = torch.empty(index.shape), torch.empty(len(x), 1)
        out, sums = out.to(x.device), sums.to(x.device)
        for rows in torch.arange(len(x)).split(_ROWS):
            a, b = int(rows[0]), int(rows[-1]) + 1
            logits = torch.addmm(bias, x[a:b], weight.t()).float()
            sums[a:b] = logits.logsumexp(1, keepdim=True)
            out[a:b] = logits.gather(1, index[a:b]) - sums[a:b]
        ctx.save_for_backward(x, weight, bias, index, sums)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of a log-softmax: what was asked for, minus the softmax times its sum."""
        (grad,) = grads
        x, weight, bias, index, sums = ctx.saved_tensors
        dx, dweight, dbias = torch.empty_like(x), torch.zeros_like(weight, dtype=torch.float32), 0
        total = grad.sum(1, keepdim=True)
        for rows in torch.arange(len(x)).split(_ROWS):
            a, b = int(rows[0]), int(rows[-1]) + 1
            logits = torch.addmm(bias, x[a:b], weight.t()).float()
            slope = logits.sub_(sums[a:b]).exp_().mul_(-total[a:b])
            slope.scatter_add_(1, index[a:b], grad[a:b])
            dbias = dbias + slope.sum(0)
            slope = slope.to(x.dtype)
            dx[a:b] = slope @ weight
            dweight += slope.t() @ x[a:b]
        return dx, dweight.to(weight.dtype), dbias.to(bias.dtype), None


def coarser(targets: Targets, factor: int) -> Targets:
    """Return the targets for steps that are `factor` times as wide.

    A step in which two characters stand is left to CTC.
    """
    if factor == 1:
        return targets
    n, t = targets.aligned.shape
    groups = targets.aligned[:, : t - t % factor].reshape(n, -1, factor)
    last = groups.amax(2)
    several = (groups > 0) & (groups != last[:, :, None])
    unknown = several.any(2) | ((last == 0) & (groups == IGNORE).any(2))
    return targets._replace(
        steps=-(-targets.steps // factor), aligned=torch.where(unknown, IGNORE, last)
    )


def line_loss(
    features: Tensor, weight: Tensor, bias: Tensor, targets: Targets, *, sampled: int | None
) -> tuple[Tensor, Tensor]:
    """Return (CTC, cross-entropy), each a mean.

    Args:
        features: (N, T, D) input of the classifier.
        weight: (C, D) of the classifier; class 0 is the blank.
        bias: (C,) of the classifier.
        targets: see `Targets`.
        sampled: classes outside the batch that take part, or None for all.
    """
    n, t, d = features.shape
    labels, weight, bias = _subset(targets.labels, weight, bias, sampled)
    columns, places = _columns(labels, targets.lengths)
    dtype = torch.bfloat16 if features.dtype == torch.bfloat16 else torch.float32
    index = columns[:, None, :].expand(n, t, -1).reshape(n * t, -1)
    picked = _Picked.apply(features.reshape(n * t, d), weight.to(dtype), bias.to(dtype), index)
    log_probs = picked.view(n, t, -1)
    return _ctc(log_probs, places, targets), _aligned(log_probs, targets.aligned)


def losses(
    network: nn.Module,
    features: Tensor,
    seen: Tensor,
    targets: Targets,
    progress: float,
    recipe: LossRecipe,
    *,
    keep_classifier: bool = False,
) -> dict[str, Tensor]:
    """Return the losses of a network read by CTC, see `recognition.method.Losses`.

    Cross-entropy per step stands alone for the first part of a training; then CTC joins.
    """
    weight, bias = network.classify.weight, network.classify.bias
    if keep_classifier:
        weight, bias = weight.detach(), bias.detach()
    ctc, aligned = line_loss(features, weight, bias, targets, sampled=recipe.sampled)
    if progress < recipe.aligned_until:
        return {"aligned": recipe.aligned_weight * aligned}
    return {"ctc": ctc, "aligned": aligned}


def _subset(
    labels: Tensor, weight: Tensor, bias: Tensor, sampled: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the blank, the classes of the batch and a sample; labels are renumbered."""
    classes = len(bias)
    present = torch.unique(torch.cat([labels.new_zeros(1), labels.flatten()]))
    rest = classes - len(present)
    if sampled is None or sampled >= rest:
        return labels, weight, bias
    absent = torch.ones(classes, dtype=torch.bool, device=labels.device)
    absent[present] = False
    others = absent.nonzero()[:, 0]
    others = others[torch.randperm(rest, device=labels.device)[:sampled]]
    kept = torch.cat([present, others])
    number = torch.zeros(classes, dtype=torch.int64, device=labels.device)
    number[kept] = torch.arange(len(kept), device=labels.device)
    lift = torch.zeros(len(kept), device=bias.device)
    lift[len(present) :] = torch.log(torch.tensor(rest / sampled))
    return number[labels], weight[kept], bias[kept] + lift


def _columns(labels: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return the classes looked up for each line, (N, L + 1) with the blank first, and where each label stands.

    A character that comes twice in a line must be one class to CTC, or the blank between two equal
    neighbours would not be asked for: its later places point at its first column.
    """
    n, length = labels.shape
    columns = torch.cat([labels.new_zeros(n, 1), labels], 1)
    same = labels[:, :, None] == labels[:, None, :]  # (N, L, L)
    first = same.int().argmax(2) + 1
    valid = torch.arange(length, device=labels.device)[None] < lengths[:, None]
    return columns, torch.where(valid, first, 0)


def _ctc(log_probs: Tensor, places: Tensor, targets: Targets) -> Tensor:
    """CTC over the columns of each line, mean per character."""
    losses = F.ctc_loss(
        log_probs.transpose(0, 1),
        places,
        targets.steps,
        targets.lengths,
        reduction="none",
        zero_infinity=True,
    )
    # PyTorch's gradient of CTC presumes that the classes given sum to one: it returns probability minus occupancy.
    # Over a part of the classes only the occupancy is right, so the other term is taken out.
    inside = torch.arange(log_probs.shape[1], device=places.device)[None] < targets.steps[:, None]
    reachable = (losses.detach() > 0)[:, None, None] & inside[:, :, None]
    extra = (log_probs.detach().exp() * log_probs * reachable).sum((1, 2))
    per_line = losses - extra + extra.detach()
    return (per_line / targets.lengths.clamp(min=1)).mean()


def _aligned(log_probs: Tensor, aligned: Tensor) -> Tensor:
    """Cross-entropy of the steps whose character is known, mean over them."""
    known = aligned != IGNORE
    chosen = log_probs.gather(2, aligned.clamp(min=0)[:, :, None])[:, :, 0]
    return -(chosen * known).sum() / known.sum().clamp(min=1)
