"""Batch norm folded into the convolution before it: the same function with less to compute."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """A copy of a network, for use only, that computes the same with fewer batch norms.

    A batch norm that follows a convolution within one `nn.Sequential` becomes part of its weights.
    FAN's blocks normalise *before* they convolve, with a ReLU in between, and what is normalised is
    handed on as it was too: these batch norms have no convolution to go into, and stay.

    Args:
        network: left as it is. Its own forward must run these `nn.Sequential` whole.

    Returns:
        The copy, in eval mode. Its weights have other names than the network's: it cannot be trained
        on or saved as a checkpoint.
    """
    folded = copy.deepcopy(network).eval()
    for chain in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for index, (first, second) in enumerate(pairwise(list(chain))):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                chain[index] = fuse_conv_bn_eval(first, second)
                chain[index + 1] = nn.Identity()
    return folded
