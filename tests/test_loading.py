"""`onedheat.load` refuses in words what it cannot use."""

import inspect

import pytest
import torch

import onedheat


@pytest.mark.parametrize("name", [None, 68, ["tiny68"]])
def test_a_name_is_text_or_a_path(name):
    load = inspect.unwrap(onedheat.load)  # as it is outside tests, whose types are checked
    with pytest.raises(TypeError, match="named by text or a path, not by .*; give 'tiny68'"):
        load(name)


@pytest.mark.parametrize("device", ["foo", "", "cuda:99"])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(
        ValueError, match=f"device '{device}' cannot be had here; give device='cpu'"
    ):
        onedheat.load("tiny68", device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has what it should not have")
def test_a_gpu_is_not_asked_of_a_machine_without_one():
    with pytest.raises(ValueError, match="device 'cuda' cannot be had here"):
        onedheat.load("tiny68", device=torch.device("cuda"))


def test_a_device_that_is_there_is_used():
    assert onedheat.load("tiny68", device="cpu", engine="torch").engine.device.type == "cpu"
