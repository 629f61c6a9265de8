"""Small good files of every kind that is read, and some that lead elsewhere: what the fuzz makes wrong."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / room) for room in ("recording", "evaluation", "models", "detectors", "calibration", ".")]

import made  # noqa: E402
import svo_files  # noqa: E402
from annotations import annotated  # noqa: E402
from mutations import BINARY, TEXT, json_value, member, summed_png, tensors_header  # noqa: E402
from specimen import Kind, Specimen, one, several, text  # noqa: E402
from test_c3d_file import integers  # noqa: E402
from test_kalibr import CHAIN  # noqa: E402

from stereo3d import storage  # noqa: E402
from stereo3d.calibration.files import read_rig, write_rig  # noqa: E402
from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.synthetic.scene import simulate  # noqa: E402

ROOT = TESTS.parent
CONF = ROOT / "calibration" / "rigs" / "made_up_zed2.conf"
N = 5


def kinds(folder: Path) -> dict[str, Kind]:
    """All kinds by name; `folder` is for making them."""
    makers = (_recordings, _leading, _svo, _videos, _pictures, _settings, _rigs, _weights, _networks, _joints, _pictured, annotated)
    found: dict[str, Kind] = {}
    for maker in makers:
        place = folder / maker.__name__
        place.mkdir(parents=True)
        found |= maker(place)
    return found


def _recordings(folder: Path) -> dict[str, Kind]:
    ours = made.write_ours(folder / "ours.h5", N)
    raw = made.write_ours(folder / "raw.h5", N, quality=None)
    small = ROOT / "sample_data" / "infant.h5"
    with h5py.File(ours, "a") as file, h5py.File(small) as full:
        for name in ("rig", "truth", "joints"):
            full.copy(name, file)
    plain = {
        "rgb": lambda x: x, "planes": lambda x: x.transpose(2, 0, 1), "grey": lambda x: x[..., 0], "rows": made.jpeg,
    }
    written = [made.write_plain(folder / f"{name}.h5", how, N) for name, how in plain.items()]
    for filters in ({"compression": "gzip"}, {"compression": "lzf"}, {"shuffle": True}, {"fletcher32": True}):
        path = folder / f"{next(iter(filters))}{len(written)}.h5"
        with h5py.File(path, "w") as file:
            for side in ("left", "right"):
                file.create_dataset(side, data=np.stack([made.picture(i, side) for i in range(N)]), chunks=(1, 48, 64, 3), **filters)  # type: ignore[arg-type]
            file["time"] = np.arange(N) / 30
        written.append(path)
    scene = simulate(1, 0.3, fps=15)
    result = storage.write(folder / "result.h5", poses=scene.truth, left=scene.detections.left, right=scene.detections.right, rig=scene.rig)
    return {
        "our recordings": Kind("recording", BINARY, [one(ours), one(raw), one(_unsummed(ours)), one(_unsummed(raw))]),
        "plain HDF5": Kind("recording", BINARY, [one(p) for p in written]),
        "results": Kind("result", BINARY, [one(result), one(_unsummed(result))]),
        "joints to replay": Kind("replay", BINARY, [one(_unsummed(result)), one(_unsummed(ours))]),
        "truths": Kind("truth", BINARY, [one(_unsummed(result)), one(_unsummed(ours))]),
    }


def _unsummed(path: Path) -> Path:
    """The same without check sums, so that what is wrong gets through to what reads the numbers."""
    other = path.with_name(f"unsummed_{path.name}")

    def copy(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            made_of = new.create_group(name)
        else:
            made_of = new.create_dataset(name, data=item[()], chunks=item.chunks, maxshape=item.maxshape)
        made_of.attrs.update(item.attrs)

    with h5py.File(path) as old, h5py.File(other, "w") as new:
        new.attrs.update(old.attrs)
        old.visititems(copy)
    return other


def _leading(folder: Path) -> dict[str, Kind]:
    """HDF5 that reads other files where it is let."""
    found = []
    for name in ("link", "soft", "storage", "virtual"):
        for base in (made.write_plain(folder / f"{name}.h5", lambda x: x, N), made.write_ours(folder / f"o{name}.h5", N, quality=None)):
            with h5py.File(base, "a") as file:
                place = "left" if isinstance(file["left"], h5py.Dataset) else "left/images"
                shape = file[place].shape
                del file[place]
                if name == "link":
                    file[place] = h5py.ExternalLink("../outside/secret.h5", "left")
                elif name == "soft":
                    file[place] = h5py.SoftLink("/right")
                elif name == "storage":
                    file.create_dataset(place, shape, np.uint8, external=[("../outside/secret.h5", 0, int(np.prod(shape)))])
                else:
                    layout = h5py.VirtualLayout(shape, np.uint8)
                    layout[:] = h5py.VirtualSource("../outside/secret.h5", "left", shape)
                    file.create_virtual_dataset(place, layout)
            found.append(one(base))
    return {"HDF5 that leads elsewhere": Kind("anything", BINARY, found)}


def _svo(folder: Path) -> dict[str, Kind]:
    from mcap.writer import CompressionType

    found = []
    for mode in ("h264", "refreshed", "hevc", "jpeg"):
        for name, more in (("plain", {}), ("packed", {"compression": CompressionType.ZSTD})):
            place = folder / f"{mode} {name}"
            place.mkdir()
            settings: Any = {"enable_crcs": False, "enable_data_crcs": False} | more
            svo_files.write_svo(place / "a.svo2", mode, 10, **settings)
            shutil.copy(CONF, place / f"SN{svo_files.SERIAL}.conf")
            found.append(several(place, "a.svo2", "a.svo2"))
    return {"SVO2": Kind("recording", BINARY, found)}


def _videos(folder: Path) -> dict[str, Kind]:
    def video(name: str, codec: str, **options: str) -> Specimen:
        return one(made.write_video(folder / name, map(made.both, range(N)), codec=codec, **options))

    (folder / "two").mkdir()
    for side in ("left", "right"):
        made.write_video(folder / "two" / f"{side}.mp4", (made.picture(i, side) for i in range(N)))
    leading = [
        text("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n../outside/secret.mp4\n#EXT-X-ENDLIST\n"),
        text("a.mp4", "ffconcat version 1.0\nfile ../outside/secret.mp4\n"),
        text("a.avi", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
        text("a.mkv", "<?xml version='1.0'?><MPD><Period><AdaptationSet><Representation><BaseURL>../outside/secret.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"),
    ]
    return {
        "side-by-side video": Kind("recording", BINARY, [
            video("h.mp4", "libx264"), video("h.mkv", "libx264"), video("m.avi", "mjpeg"), video("m.mov", "mpeg4"), video("x.mp4", "libx265", **{"x265-params": "log-level=none:pools=1"}),
        ]),
        "two videos": Kind("recording", BINARY, [several(folder / "two", "right.mp4", "left.mp4", "right.mp4")]),
        "play lists": Kind("recording", TEXT, leading),
    }


def _pictures(folder: Path) -> dict[str, Kind]:
    for i in range(3):
        for side in ("left", "right"):
            made.write_png(folder / "png" / side / f"{i}.png", made.picture(i, side))
            made.write_png(folder / "jpg" / side / f"{i}.jpg", made.picture(i, side))
            made.write_png(folder / "bmp" / side / f"{i}.bmp", made.picture(i, side))
    (folder / "png" / "times.txt").write_text("0.0\n0.0333\n0.0667\n")
    image = made.picture(3, "left")
    coded = {
        "progressive.jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], "restarts.jpg": [cv2.IMWRITE_JPEG_RST_INTERVAL, 2], "plain.jpg": [],
    }
    jpegs = [text(n, cv2.imencode(".jpg", image, s)[1].tobytes()) for n, s in coded.items()]
    grey = cv2.imencode(".png", image[..., 0])[1].tobytes()
    deep = cv2.imencode(".png", image.astype(np.uint16) * 256)[1].tobytes()
    pngs = [text("rgb.png", cv2.imencode(".png", image)[1].tobytes()), text("grey.png", grey), text("deep.png", deep)]
    return {
        "JPEG": Kind("picture", BINARY, jpegs),
        "PNG": Kind("picture", (*BINARY, summed_png, summed_png, summed_png), pngs),
        "folders": Kind("recording", BINARY, [
            several(folder / "png", "left/1.png"), several(folder / "jpg", "right/0.jpg"), several(folder / "bmp", "left/0.bmp"),
        ]),
        "times.txt": Kind("recording", TEXT, [several(folder / "png", "times.txt")]),
    }


def _settings(_: Path) -> dict[str, Kind]:
    settings = '[detect]\nname = "darkpose"\nbatch = 8\n[triangulate]\nrow = 5.0\nscore = 0.2\ndepth = [0.3, 2.0]\n'
    description = 'model = "net.onnx"\nsize = [192, 256]\noutput = "heatmap"\nskeleton = "COCO-17"\nmean = [1.0, 2.0, 3.0]\n'
    boards = [text(p.name, p.read_bytes()) for p in sorted((ROOT / "calibration" / "boards").glob("*.toml"))]
    return {
        "settings": Kind("settings", TEXT, [text("a.toml", settings)]),
        "boards": Kind("board", TEXT, boards),
        "model descriptions": Kind("description", TEXT, [text("a.toml", description)]),
    }


def _rigs(folder: Path) -> dict[str, Kind]:
    rig: Any = read_rig(CONF, (1280, 720))
    bare = dataclasses.replace(rig, serial=None)
    for name in ("a.json", "a.conf", "sdk.yml", "sdk.xml", "a.qca.txt"):
        write_rig(folder / name, rig)
    write_rig(folder / "cv.yml", bare, "opencv")
    write_rig(folder / "cv.xml", bare, "opencv")
    kitti = "".join(f"P{i}: 721.5 0 609.6 {-388 * i} 0 721.5 172.9 0 0 0 1 0\n" for i in range(4)) + "Tr: 1 0 0 0 0 1 0 0 0 0 1 0\n"
    return {
        "rigs as JSON": Kind("rig", (*TEXT, json_value), [one(folder / "a.json")]),
        "ZED .conf": Kind("rig", TEXT, [one(CONF), one(folder / "a.conf")]),
        "OpenCV files": Kind("rig", TEXT, [one(folder / n) for n in ("sdk.yml", "sdk.xml", "cv.yml", "cv.xml")]),
        "Kalibr": Kind("rig", TEXT, [text("camchain.yaml", CHAIN)]),
        "Qualisys": Kind("rig", TEXT, [one(folder / "a.qca.txt")]),
        "KITTI": Kind("rig of KITTI", TEXT, [text("calib.txt", kitti)]),
    }


def _weights(folder: Path) -> dict[str, Kind]:
    import torch
    from safetensors.torch import save_file
    from test_keras_h5 import write_keras

    from stereo3d.models.efficientpose import EfficientPose
    from stereo3d.models.shelf import CARD

    state = {f"layer{i}.weight": torch.arange(12.0).reshape(3, 4) for i in range(4)}
    run = {"epoch": 3, "state_dict": state, "history": [np.float64(0.5)], "best": torch.tensor(2)}
    torch.save(run, folder / "zip.pt")
    torch.save(run, folder / "older.pth", _use_new_zipfile_serialization=False)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    torch.save(net, folder / "whole.pt")
    card = {"file": "a.pth", "sha256": "0" * 64, "tensors": "0" * 64, "family": "hrnet", "architecture": "hrnet_w32",
            "n_joints": 17, "input_size": [192, 256], "skeleton": "COCO-17"}
    save_file(state, folder / "a.safetensors", {CARD: json.dumps(card)})
    network = EfficientPose("RT")
    torch.save(network.state_dict(), folder / "rt.pt")
    write_keras(folder / "rt.h5", network)
    return {
        "checkpoints, zipped": Kind("weights", (*BINARY, *[member] * 5), [one(folder / n) for n in ("zip.pt", "whole.pt", "rt.pt")]),
        "checkpoints, older": Kind("weights", BINARY, [one(folder / "older.pth")]),
        "safetensors": Kind("weights", (*BINARY, *[tensors_header] * 5), [one(folder / "a.safetensors")]),
        "Keras": Kind("weights", BINARY, [one(folder / "rt.h5")]),
    }


def _networks(folder: Path) -> dict[str, Kind]:
    from test_described import described
    from tflite_files import write_tflite

    found = []
    for output in ("heatmap", "simcc"):
        place = folder / output
        place.mkdir()
        described(place, output=output)
        found.append(several(place, "dots.onnx", "dots.toml"))
    small = [write_tflite(folder / "movenet.tflite", 51), write_tflite(folder / "blazepose.tflite", 195)]
    return {"ONNX": Kind("network", BINARY, found), "TFLite": Kind("TFLite network", BINARY, [one(p) for p in small])}


def _joints(folder: Path) -> dict[str, Kind]:
    from stereo3d.export import export

    scene = simulate(1, 0.3, fps=15)
    for name in ("tidy.csv", "a.trc", "a.c3d"):
        export(scene.truth, folder / name)
    wide = "frame,time_s,nose_x_m,nose_y_m,nose_z_m,left_eye_x_m,left_eye_y_m,left_eye_z_m\n" + "".join(
        f"{i},{i / 15},.1,.2,.7,.1,.2,.{i + 1}\n" for i in range(6)
    )
    np.savez(folder / "a.npz", xyz=scene.truth.xyz, joints=np.array(scene.truth.skeleton.joints), time=scene.truth.time)
    np.savez_compressed(folder / "b.npz", xyz=scene.truth.xyz, joints=np.array(scene.truth.skeleton.joints), frame="left")
    return {
        "CSV": Kind("truth", TEXT, [one(folder / "tidy.csv"), text("wide.csv", wide)]),
        "TRC": Kind("truth", TEXT, [one(folder / "a.trc")]),
        "C3D": Kind("truth", BINARY, [one(folder / "a.c3d"), text("i.c3d", integers())]),
        "npz": Kind("truth", (*BINARY, *[member] * 5), [one(folder / "a.npz"), one(folder / "b.npz")]),
    }


def _pictured(folder: Path) -> dict[str, Kind]:
    import marked

    xy = marked.places(4)
    results = [marked.result(i, xy[i]) for i in range(4)]
    truth = marked.dataset([marked.annotation(i, xy[i]) for i in range(4)], [*range(4)])
    head = ["scorer,d,d,d,d,d,d", "bodyparts,left_eye,left_eye,left_eye,right_eye,right_eye,right_eye", "coords,x,y,likelihood,x,y,likelihood"]
    table = "\n".join([*head, *(f"{i},1.5,2.5,0.9,3,4,0.8" for i in range(4))]) + "\n"
    person = {"people": [{"pose_keypoints_2d": np.column_stack([xy[0], np.ones(17)]).ravel().tolist() + [1, 1, 1]}]}
    openpose = Specimen({f"a_{i:012d}_keypoints.json": json.dumps(person).encode() for i in range(3)}, (".",))
    return {
        "COCO results": Kind("pictured", (*TEXT, *[json_value] * 6), [text("r.json", json.dumps(results))]),
        "COCO annotations": Kind("marked", (*TEXT, *[json_value] * 6), [text("t.json", json.dumps(truth))]),
        "OpenPose": Kind("pictured", (*TEXT, *[json_value] * 6), [openpose]),
        "DeepLabCut CSV": Kind("pictured", TEXT, [text("d.csv", table)]),
        "DeepLabCut HDF5": Kind("pictured", BINARY, [one(_deeplabcut(folder / "d.h5"))]),
    }


def _deeplabcut(path: Path) -> Path:
    """As PyTables writes pandas' tables."""
    import pickle

    columns = [("d", part, c) for part in COCO_17.joints[:3] for c in ("x", "y", "likelihood")]
    rows = np.zeros(4, [("index", "<i8"), ("values_block_0", "<f8", (9,))])
    rows["index"], rows["values_block_0"] = np.arange(4), 0.5
    with h5py.File(path, "w") as file:
        table = file.create_dataset("df_with_missing/table", data=rows, chunks=(4,))
        table.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(columns, 0))
        file["df_with_missing"].attrs["pandas_type"] = np.bytes_("frame_table")
    return path


def secrets(folder: Path) -> None:
    """Files that nothing in a specimen's folder may lead to."""
    folder.mkdir()
    made.write_plain(folder / "secret.h5", lambda x: x, N)
    made.write_video(folder / "secret.mp4", map(made.both, range(N)))
    (folder / "secret").write_text("a secret")
    with zipfile.ZipFile(folder / "data.pkl", "w") as archive:
        archive.writestr("a", "b")
