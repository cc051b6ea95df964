"""The denoiser of glimpse-xs in int8 arithmetic (static QDQ, a scale a channel), and a trial that says what that costs.

Calibrated on what the sampler really feeds it. Weights keep seven bits: processors without VNNI add pairs of products in
16 bits, which eight would overflow. `python -m training int8` measures speed and adherence beside float32.
"""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .clips import Clips
from .denoiser import GUIDANCE, draw_noise, sampler_sigmas
from .export import export_part, finish_graph, load_parts, open_session, output_shapes, part_entry
from .latent import load_latent
from .measure import BATCH
from .presets import Preset
from .probe import as_line, field_accuracy, load_probe
from .refiner import S_SIZE
from .world import condition_of

CALIBRATION_SLICES, TIMED_RUNS = 16, 30


def sample_with(run, fields: torch.Tensor, seed: int, slices: int = 2) -> list[torch.Tensor]:
    """Final latents of consecutive slices; run(feed) -> [denoised, latent_next]."""
    generator, count = torch.Generator().manual_seed(seed), len(fields)
    condition, finals = condition_of(fields).numpy(), []
    previous, has_previous = np.zeros((count, *draw_noise(1, generator).shape[1:]), np.float32), np.zeros(count, np.float32)
    for _ in range(slices):
        latent = draw_noise(count, generator).numpy()
        sigmas = sampler_sigmas()
        for sigma, sigma_next in zip(sigmas, sigmas[1:]):
            levels = {"sigma": sigma, "sigma_next": sigma_next, "guidance": GUIDANCE}
            feed = {"latent": latent, "condition": condition, "previous": previous, "has_previous": has_previous}
            feed |= {name: np.full(count, value, np.float32) for name, value in levels.items()}
            _, latent = run(feed)
        finals.append(torch.from_numpy(latent))
        previous, has_previous = latent, np.ones(count, np.float32)
    return finals


class SamplerInputs(CalibrationDataReader):
    """The inputs of real sampler steps, one after another."""

    def __init__(self, session: onnxruntime.InferenceSession, fields: torch.Tensor):
        self.feeds: list[dict] = []

        def record(feed: dict):
            self.feeds.append({name: value.copy() for name, value in feed.items()})
            return session.run(None, feed)

        for index in range(CALIBRATION_SLICES):
            sample_with(record, fields[index : index + 1], index)
        self.rest = iter(self.feeds)

    def get_next(self) -> dict | None:
        return next(self.rest, None)


def milliseconds(session: onnxruntime.InferenceSession, feed: dict) -> float:
    durations = []
    for _ in range(TIMED_RUNS):
        started = time.perf_counter()
        session.run(None, feed)
        durations.append(time.perf_counter() - started)
    return 1000 * float(np.median(durations[3:]))


def quantised_denoiser(work_dir: Path) -> tuple[Path, Path, SamplerInputs]:
    """-> the denoiser as float32 and as int8, both in the work folder, and the steps it was calibrated on."""
    plain, prepared, quantised = (work_dir / f"denoiser.{kind}.onnx" for kind in ("fp32", "prepared", "int8"))
    export_part("denoiser", load_parts(work_dir, "glimpse-s")["denoiser"].eval(), plain, S_SIZE.refined_px, "fp32")
    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    fields = torch.from_numpy(Clips(work_dir, "valid").shards["valid000"][2])
    reader = SamplerInputs(open_session(plain), fields[-CALIBRATION_SLICES:])
    quantize_static(
        str(prepared), str(quantised), reader, quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=["Conv"],
    )  # fmt: skip
    # What stays float, is stored as float16 like everywhere.
    finish_graph(output_shapes("denoiser", S_SIZE.refined_px), quantised, "fp16")
    return plain, quantised, reader


def quantise_pack(work_dir: Path, pack: Path) -> None:
    """Replace a pack's denoiser by the int8 one."""
    _, quantised, _ = quantised_denoiser(work_dir)
    shutil.copyfile(quantised, pack / "denoiser.onnx")
    manifest = json.loads((pack / "manifest.json").read_text())
    manifest["parts"]["denoiser"] = part_entry(pack / "denoiser.onnx", "int8")
    (pack / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def run(preset: Preset, work_dir: Path) -> None:
    plain, quantised, reader = quantised_denoiser(work_dir)
    fields = torch.from_numpy(Clips(work_dir, "valid").shards["valid000"][2])
    probe, latent = load_probe(work_dir), load_latent(work_dir)
    for path in (plain, quantised):
        session = open_session(path)
        read: list[list[torch.Tensor]] = [[], []]
        for seed, part in enumerate(fields[: preset.captions].split(BATCH)):
            for logits, final in zip(read, sample_with(lambda feed: session.run(None, feed), part, seed)):
                with torch.no_grad():
                    logits.append(probe(latent.decode(final).clamp(-1, 1)))
        speed = milliseconds(session, reader.feeds[-1])
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {speed:.1f} ms a step", flush=True)
        for index, logits in enumerate(read):
            print(f"  slice {index + 1}: {as_line(field_accuracy(torch.cat(logits), fields[: preset.captions]))}", flush=True)
