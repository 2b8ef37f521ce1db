"""What runs a network: pictures in, heatmaps out, by PyTorch or by ONNX Runtime."""

from onedheat.engines.choice import ENGINES, make_engine
from onedheat.engines.onnx_engine import OnnxEngine
from onedheat.engines.torch_engine import Engine, TorchEngine
from onedheat.errors import EngineError

__all__ = ["ENGINES", "Engine", "EngineError", "OnnxEngine", "TorchEngine", "make_engine"]
