"""A checkpoint of heat maps as a detector of one person, in the runtime that is asked for."""

from __future__ import annotations

from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.topdown import PADDING, TopDown, decoder_of, device_named, set_threads, told
from stereo3d.detectors.tuning import Tuning
from stereo3d.models import remembered
from stereo3d.models.families import Decoder
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.runtimes import RUNTIMES, Workshop, runtime_named
from stereo3d.models.weights import Checkpoint, build_network


def top_down(
    checkpoint: Checkpoint, *, decoder: Decoder | None = None, flip: bool = True, device: str = "auto",
    threads: int | None = None, runtime: str = "torch",
) -> TopDown:
    """A checkpoint's network as a detector, with the crop, flip test and decoder that belong to the checkpoint.

    `decoder` overrules its decoder; `threads` holds for all of torch. `runtime` is one of models.runtimes, or `auto`;
    `auto` and networks of 8 bits want pictures the first time (`TopDown.tune`) and run in torch until then. Raises
    CheckpointError for weights that do not fit, UsageError for a device or runtime that is not there or where the file
    does not tell what has to be known, MissingPackage.
    """
    tuning = tuning_of(checkpoint, decoder=decoder, flip=flip, device=device, threads=threads, runtime=runtime)
    if runtime == "torch":
        return tuning.detector
    if runtime != "auto" and RUNTIMES[runtime].precision != "int8":
        detector = tuning.detector.run_by(tuning.workshop.network(runtime))
        detector.runtime = runtime
        return detector
    found = tuning.recalled()
    if found is not None:
        return found
    tuning.detector.tune = tuning.tuned
    return tuning.detector


def tuning_of(
    checkpoint: Checkpoint, *, decoder: Decoder | None = None, flip: bool = True, device: str = "auto",
    threads: int | None = None, runtime: str = "auto",
) -> Tuning[TopDown]:
    """What is needed to try a checkpoint's network in several runtimes. Raises what `top_down` raises."""
    size, skeleton = told(checkpoint)
    set_threads(threads)
    device = device_named(device)
    if runtime != "auto":
        runtime_named(runtime, device)
    net = fold_batchnorm(build_network(checkpoint))
    detector = TopDown(
        net, skeleton,
        crop=CropRule(size, PADDING, checkpoint.convention),  # type: ignore[arg-type]
        decode=decoder_of(decoder or checkpoint.decoder, checkpoint),
        flip_shift=checkpoint.flip_shift if flip else None,
        device=device,
    )
    key = {"weights": checkpoint.sha256, "size": list(size), "flip": flip, "decoder": decoder or checkpoint.decoder,
           "device": device, "threads": threads}
    workshop = Workshop(net, size, device=device, threads=threads, cache=remembered.folder())
    return Tuning(detector, workshop, runtime, key)
