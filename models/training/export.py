"""Export the trained parts as a model pack: ONNX files (opset 16, dynamic batch) and manifest.json.

Every file is opened again with onnxruntime and compared with torch; the speed of each part on one thread is measured.
Large weights are stored as float16 with a Cast behind them, which onnxruntime folds away when it loads the file.
"""

import hashlib
import time
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from .denoiser import Denoiser, SamplerStep
from .latent import CHANNELS, TOKENS, Latent
from .manifest import share_fast_refiner, write_manifest
from .particles import PARTICLES
from .pictures import DECODED_PX, I420Decoder, I420Probe, I420Refiner
from .presets import Preset
from .probe import Probe
from .refiner import GRAIN_PX, S_SIZE, XS_SIZE, Refiner, SliceRefiner
from .text_encoder import BUCKETS, FEATURES_PER_WORD, MAX_WORDS, TextCondition, TextEncoder
from .upscaler import UPSCALED_PX, I420Upscaler, LumaUpscaler
from .world import CONDITION_WIDTH, SLICE_FRAMES, condition_of, sample_fields

OPSET = 16
# How a part's large weights are stored; they are computed with as float32 either way.
Weights = Literal["fp32", "fp16"]
# Smaller tensors (biases, shapes) stay float32: nothing to gain.
SMALL_VALUES = 512


def example_inputs(part: str, batch: int, seed: int = 0) -> dict[str, Tensor]:
    """Random inputs of a part, by name, in the order of its forward."""
    generator = torch.Generator().manual_seed(seed)

    def latent() -> Tensor:
        return torch.randn(batch, TOKENS, CHANNELS, generator=generator)

    condition = condition_of(sample_fields(batch, generator))
    ones = torch.ones(batch)
    match part:
        case "text":
            shape = (batch, MAX_WORDS, FEATURES_PER_WORD)
            ids = torch.randint(1, BUCKETS, shape, generator=generator)
            ids[:, 9:] = 0
            return {"ids": ids}
        case "denoiser":
            return {
                "latent": latent(), "condition": condition, "previous": latent(), "has_previous": ones,
                "sigma": ones * 0.8, "sigma_next": ones * 0.5, "guidance": ones * 2,
            }  # fmt: skip
        case "decoder":
            return {"latent": latent()}
        case "refiner":
            return {
                "latent": latent(), "previous": latent(), "has_previous": ones, "condition": condition,
                "particles": torch.rand(batch, PARTICLES, 3, generator=generator),
                "grain": torch.randn(batch, 1, GRAIN_PX, GRAIN_PX, generator=generator),
                "time_s": ones * 1.5, "frames": torch.arange(SLICE_FRAMES),
            }  # fmt: skip
        case "upscaler":
            size = (batch, (UPSCALED_PX // 2) ** 2 * 3 // 2)
            return {"refined": torch.randint(16, 236, size, generator=generator).byte()}
        case "probe":
            size = (batch, SLICE_FRAMES, DECODED_PX**2 * 3 // 2)
            return {"i420": torch.randint(16, 236, size, generator=generator).byte()}
    raise ValueError(f"unknown part: {part}")


def output_shapes(part: str, refined_px: int) -> dict[str, list[int | str]]:
    """Names are dynamic axes. The tracer loses some of them, so they are written into the file again."""
    latent: list[int | str] = ["b", TOKENS, CHANNELS]
    return {
        "text": {"condition": ["b", CONDITION_WIDTH], "probabilities": ["b", CONDITION_WIDTH]},
        "denoiser": {"denoised": latent, "latent_next": latent},
        "decoder": {"i420": ["b", SLICE_FRAMES, DECODED_PX**2 * 3 // 2]},
        "refiner": {"i420": ["b", "k", refined_px**2 * 3 // 2]},
        "upscaler": {"i420": ["k", UPSCALED_PX**2 * 3 // 2]},
        "probe": {"probabilities": ["b", CONDITION_WIDTH]},
    }[part]


def load_parts(work_dir: Path, pack: str) -> dict[str, nn.Module]:
    def load(module: nn.Module, name: str) -> nn.Module:
        module.load_state_dict(torch.load(work_dir / name, map_location="cpu"))
        return module.eval()

    if pack == "probe":
        return {"probe": I420Probe(load(Probe(), "probe.pt").fused())}
    small = pack == "glimpse-xs"
    latent = load(Latent(), "latent.pt")
    denoiser = load(Denoiser(Latent()), "student.pt")
    refiner = load(Refiner(XS_SIZE), "refiner_xs.pt") if small else load(Refiner(S_SIZE), "refiner.pt")
    parts = {
        "text": TextCondition(load(TextEncoder(), "text.pt")),
        "denoiser": SamplerStep(denoiser),
        "decoder": I420Decoder(latent),
        "refiner": I420Refiner(SliceRefiner(latent, refiner)),
    }
    return parts if small else parts | {"upscaler": I420Upscaler(load(LumaUpscaler(), "upscaler.pt"))}


def rounded(module: nn.Module) -> nn.Module:
    """Round the weights to what will be stored, so that torch and the file agree."""
    for tensor in list(module.parameters()) + list(module.buffers()):
        if tensor.dtype == torch.float32 and tensor.numel() >= SMALL_VALUES:
            tensor.data = tensor.data.half().float()
    return module


def finish_graph(shapes: dict[str, list[int | str]], path: Path, weights: Weights) -> None:
    """Declare the output shapes; store large float32 initializers as float16 with a Cast behind them."""
    model = onnx.load(path)
    graph = model.graph
    for output in graph.output:
        for declared, size in zip(output.type.tensor_type.shape.dim, shapes[output.name], strict=True):
            declared.Clear()
            if isinstance(size, str):
                declared.dim_param = size
            else:
                declared.dim_value = size
    casts = []
    for initializer in graph.initializer if weights == "fp16" else ():
        if initializer.data_type != TensorProto.FLOAT or int(np.prod(initializer.dims)) < SMALL_VALUES:
            continue
        name, values = initializer.name, numpy_helper.to_array(initializer)
        initializer.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export_part(part: str, module: nn.Module, path: Path, refined_px: int, weights: Weights) -> None:
    shapes = output_shapes(part, refined_px)
    inputs = example_inputs(part, batch=2)
    axes = {name: {0: "k" if name == "frames" or part == "upscaler" else "b"} for name in inputs}
    for name, shape in shapes.items():
        axes[name] = {i: size for i, size in enumerate(shape) if isinstance(size, str)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, tuple(inputs.values()), str(path), input_names=list(inputs), output_names=list(shapes),
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    finish_graph(shapes, path, weights)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """One thread that does not spin: what a share of a busy machine looks like."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_part(part: str, module: nn.Module, path: Path) -> None:
    """Print the largest difference to torch at batch 1 and 2 (for the refiner also with 3 frames), and the speed."""
    session = open_session(path)
    worst = 0.0
    for batch in (1, 2):
        inputs = example_inputs(part, batch, seed=batch)
        if part == "refiner" and batch == 2:
            inputs["frames"] = torch.tensor([1, 4, 7])
        with torch.no_grad():
            expected = module(*inputs.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        actual = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        for want, have in zip(expected, actual):
            assert tuple(want.shape) == have.shape, (part, want.shape, have.shape)
            worst = max(worst, float(np.abs(want.numpy().astype(np.float64) - have).max()))
    feed = {name: value.numpy() for name, value in example_inputs(part, 1).items()}
    durations = []
    for _ in range(15):
        started = time.perf_counter()
        session.run(None, feed)
        durations.append(time.perf_counter() - started)
    milliseconds = 1000 * float(np.median(durations[3:]))
    print(f"{part}: {path.stat().st_size / 1e6:.2f} MB, max difference {worst:.2g}, {milliseconds:.1f} ms", flush=True)


def part_entry(path: Path, variant: str) -> dict:
    """Manifest entry of one file, read back from the file itself."""
    types = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(uint8)": "uint8"}
    session = open_session(path)

    def described(values) -> list[dict]:
        return [{"name": v.name, "type": types[v.type], "shape": list(v.shape)} for v in values]

    content = path.read_bytes()
    return {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "variant": variant,
        "inputs": described(session.get_inputs()),
        "outputs": described(session.get_outputs()),
    }


def export_pack(work_dir: Path, pack: str, out: Path) -> None:
    """pack: glimpse-s, glimpse-xs or probe (which is one file and has no manifest)."""
    out.mkdir(parents=True, exist_ok=True)
    refined_px = (XS_SIZE if pack == "glimpse-xs" else S_SIZE).refined_px
    entries = {}
    for part, module in load_parts(work_dir, pack).items():
        path = out / f"{part}.onnx"
        export_part(part, rounded(module.eval()), path, refined_px, "fp16")
        check_part(part, module, path)
        entries[part] = part_entry(path, "fp16-weights")
    if pack != "probe":
        write_manifest(out / "manifest.json", pack, entries, refined_px)
    print(f"{pack}: {sum(entry['bytes'] for entry in entries.values()) / 1e6:.1f} MB", flush=True)


def run(_preset: Preset, work_dir: Path, packs: Path) -> None:
    """Write the packs whose weights exist into folder `packs`, each under its name."""
    export_pack(work_dir, "glimpse-s", packs / "glimpse-s")
    export_pack(work_dir, "probe", packs / "probe")
    if (work_dir / "refiner_xs.pt").exists():
        export_pack(work_dir, "glimpse-xs", packs / "glimpse-xs")
        share_fast_refiner(packs)
