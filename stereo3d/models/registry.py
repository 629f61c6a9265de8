"""Published checkpoints: what each is, and where its makers keep it.

From MMPose's model zoo and the authors' pages; the eight hex digits in MMPose's file names are the start of a file's
sha256. Nothing is fetched from here unless `stereo3d weights fetch` is asked to. Scores are the makers' own.
"""

from __future__ import annotations

from dataclasses import dataclass

from stereo3d.errors import unknown_name
from stereo3d.models.families import Family, use_of

_MMPOSE = "https://download.openmmlab.com/mmpose/"
_COCO = f"{_MMPOSE}v1/body_2d_keypoint/topdown_heatmap/coco/"
_DEKR = f"{_MMPOSE}v1/body_2d_keypoint/dekr/"
_EFFICIENTPOSE = "https://github.com/daniegr/EfficientPose/raw/master/models/pytorch/"
APACHE = "Apache-2.0"
COCO = "COCO (its pictures' licences vary)"
CROWDPOSE = "CrowdPose (its pictures' licences vary)"
MEGABYTES = {"hrnet_w32": 115, "hrnet_w48": 255, "dekr_w32": 119, "dekr_w48": 264}
"""About what a file takes, by its network: four bytes a parameter, and a little."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A published checkpoint."""

    name: str
    """What it is called here: --weights NAME, once it is on this machine."""
    file: str
    """Its name as published, by which a file that someone brings is known."""
    address: str
    """Where it can be fetched; of those without, the page that says how to come by it."""
    sha256: str
    """The first digits of the file's check sum, as far as they are known."""
    detector: str
    """The detector that it is for; nothing for what training begins with."""
    input_size: tuple[int, int] | None
    """(w, h) px."""
    skeleton: str
    data: str
    """What it was trained on."""
    licence: str
    score: float | None = None
    """AP on the data it was trained for, as its makers found it."""
    megabytes: float | None = None
    fetchable: bool = True
    """False for what lies on a personal drive, or asks for consent: such a file is brought by hand."""

    @property
    def convention(self) -> str:
        """How its crop is laid (detectors.crops); nothing for what training begins with."""
        if not self.detector:
            return ""
        family: Family = "mmpose" if self.address.startswith(_COCO) else self.detector  # type: ignore[assignment]
        return use_of(family, self.file).convention


def _top_down(name: str, file: str, score: float, detector: str) -> Entry:
    """HRNet of MMPose: size and digits stand in the file's name, which says height x width."""
    height, _, width = name.rpartition("-")[2].partition("x")
    width_of_net = name.split("-")[1]
    return Entry(
        name, f"{file}.pth", f"{_COCO}{file}.pth", file.split("-")[-1].partition("_")[0], detector,
        (int(width), int(height)), "COCO-17", COCO, APACHE, score, MEGABYTES[f"hrnet_{width_of_net}"],
    )


def _dekr(name: str, file: str, score: float, side: int) -> Entry:
    crowd = "crowdpose" in name
    folder = "crowdpose" if crowd else "coco"
    digits = file.rpartition("_")[2].partition("-")[0]
    return Entry(
        name, f"{file}.pth", f"{_DEKR}{folder}/{file}.pth", digits, "dekr", (side, side),
        "CrowdPose-14" if crowd else "COCO-17", CROWDPOSE if crowd else COCO, APACHE, score,
        MEGABYTES[f"dekr_{name.split('-')[1]}"],
    )


def _backbone(width: int, digits: str) -> Entry:
    file = f"hrnet_w{width}-{digits}.pth"
    address = f"{_MMPOSE}pretrain_models/{file}"
    return Entry(f"imagenet-w{width}", file, address, digits, "", None, "", "ImageNet", APACHE)


def _efficientpose(variant: str, digits: str, size: int, n_bytes: int) -> Entry:
    file = f"EfficientPose{variant}"
    return Entry(
        f"efficientpose-{variant.lower()}", file, _EFFICIENTPOSE + file, digits, "efficientpose", (size, size),
        "MPII-16", "MPII", APACHE, None, n_bytes / 1e6,
    )


def _by_hand(name: str, file: str, page: str, detector: str, licence: str) -> Entry:
    size = {"384x288": (288, 384), "256x192": (192, 256)}.get(name.rpartition("-")[2])
    skeleton = "OpenPose-18" if detector == "openpose" else "COCO-17"
    data = "SyRIP, COCO" if detector == "fidip" else COCO
    return Entry(name, file, page, "", detector, size, skeleton, data, licence, fetchable=False)


_W32, _W48 = "td-hm_hrnet-w32{}-8xb64-210e_coco-", "td-hm_hrnet-w48{}-8xb32-210e_coco-"
_PLAIN_W32, _PLAIN_W48 = "td-hm_hrnet-w32_8xb64-210e_coco-", "td-hm_hrnet-w48_8xb32-210e_coco-"
_DARK, _UDP = "_dark", "_udp"
ENTRIES = (
    _top_down("darkpose-w32-256x192", _W32.format(_DARK) + "256x192-0e00bf12_20220914", .757, "darkpose"),
    _top_down("darkpose-w32-384x288", _W32.format(_DARK) + "384x288-9bab4c9b_20220917", .766, "darkpose"),
    _top_down("darkpose-w48-256x192", _W48.format(_DARK) + "256x192-e1ebdd6f_20220913", .764, "darkpose"),
    _top_down("darkpose-w48-384x288", _W48.format(_DARK) + "384x288-39c3c381_20220916", .772, "darkpose"),
    _top_down("hrnet-w32-256x192", _PLAIN_W32 + "256x192-81c58e40_20220909", .749, "hrnet"),
    _top_down("hrnet-w32-384x288", _PLAIN_W32 + "384x288-ca5956af_20220909", .761, "hrnet"),
    _top_down("hrnet-w48-256x192", _PLAIN_W48 + "256x192-0e67c616_20220913", .756, "hrnet"),
    _top_down("hrnet-w48-384x288", _PLAIN_W48 + "384x288-c161b7de_20220915", .767, "hrnet"),
    _top_down("udp-w32-256x192", _W32.format(_UDP) + "256x192-73ede547_20220914", .762, "darkpose"),
    _top_down("udp-w32-384x288", _W32.format(_UDP) + "384x288-9a3f7c85_20220914", .768, "darkpose"),
    _top_down("udp-w48-256x192", _W48.format(_UDP) + "256x192-3feaef8f_20220913", .768, "darkpose"),
    _top_down("udp-w48-384x288", _W48.format(_UDP) + "384x288-70d7ab01_20220913", .773, "darkpose"),
    _dekr("dekr-w32-coco", "dekr_hrnet-w32_8xb10-140e_coco-512x512_ac7c17bf-20221228", .686, 512),
    _dekr("dekr-w48-coco", "dekr_hrnet-w48_8xb10-140e_coco-640x640_74796c32-20230124", .714, 640),
    _dekr("dekr-w32-crowdpose", "dekr_hrnet-w32_8xb10-300e_crowdpose-512x512_147bae97-20221228", .663, 512),
    _dekr("dekr-w48-crowdpose", "dekr_hrnet-w48_8xb5-300e_crowdpose-640x640_4ea6031e-20230128", .679, 640),
    _efficientpose("RT", "d0a41bc858b1154f", 224, 1_931_521),
    _efficientpose("I", "b7065b99aede05f9", 256, 3_014_723),
    _backbone(32, "36af842e"),
    _backbone(48, "8ef0771d"),
    _by_hand(
        "hrnet-w32-authors-384x288", "pose_hrnet_w32_384x288.pth",
        "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch", "hrnet", "MIT",
    ),
    _by_hand(
        "darkpose-w32-authors-384x288", "w32_384x288.pth", "https://github.com/ilovepose/DarkPose", "darkpose", APACHE
    ),
    _by_hand(
        "higherhrnet-w32", "pose_higher_hrnet_w32_512.pth",
        "https://github.com/HRNet/HigherHRNet-Human-Pose-Estimation", "higherhrnet", "MIT",
    ),
    _by_hand(
        "higherhrnet-w48", "pose_higher_hrnet_w48_640.pth",
        "https://github.com/HRNet/HigherHRNet-Human-Pose-Estimation", "higherhrnet", "MIT",
    ),
    _by_hand("dekr-w32-authors", "pose_dekr_hrnetw32_coco.pth", "https://github.com/HRNet/DEKR", "dekr", "MIT"),
    _by_hand(
        "fidip-w48-384x288", "FiDIP.pth", "https://github.com/ostadabbas/Infant-Pose-Estimation", "fidip",
        "none given; non-commercial use only",
    ),
    _by_hand(
        "openpose-coco", "body_pose_model.pth", "https://github.com/Hzzone/pytorch-openpose", "openpose",
        "CMU's; academic, non-commercial research only",
    ),
)
REGISTRY = {entry.name: entry for entry in ENTRIES}


def entry_named(name: str) -> Entry:
    """The checkpoint of that name. Raises UsageError, which names the nearest one and lists all."""
    if name not in REGISTRY:
        raise unknown_name("checkpoint", name, REGISTRY)
    return REGISTRY[name]


def entry_of(file: str) -> Entry | None:
    """The checkpoint that is published under that file's name, None for none."""
    return next((entry for entry in REGISTRY.values() if entry.file == file), None)
