"""The first thing on the page: how much of the recording can be trusted, and why not the rest."""

from __future__ import annotations

import numpy as np

from stereo3d.evaluation import metrics
from stereo3d.poses import Status
from stereo3d.values import Floats
from stereo3d.visual.page import checks, svg, words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Markup, join, tag
from stereo3d.visual.page.trust import SHORT, Doubt, Limits

_GRADES = ((0.9, "good", "Most of this recording can be trusted."),
           (0.6, "fair", "Parts of this recording can be trusted."),
           (0.0, "poor", "Most of this recording cannot be trusted."))  # fmt: skip
_NOTHING = ("poor", "There is nothing here to trust.")
_DOUBTFUL = ("fair", "Frame by frame most of this recording looks right, but not as a whole.")
_SEEN = 0.25
"""Of the strip's height, red at least where a frame is not trusted."""
CLASSES = {doubt: f"doubt{int(doubt)}" for doubt in Doubt}


def section(findings: Findings) -> Markup:
    """The verdict, its reasons, and the timeline of quality."""
    checked = checks.check(findings)
    failed = list(checks.failures(checked))
    grade, headline = _grade(findings, bool(failed))
    warnings = [tag("p", tag("b", one.name), " ", one.told) for one in failed]
    return tag(
        "section",
        tag("div",
            tag("p", words.percent(findings.trust.share), tag("span", "of frames trusted"), class_="share"),
            tag("div", tag("h2", headline), tag("p", _sentence(findings)), *warnings, *_truth_sentence(findings)),
            class_=f"verdict {grade}"),
        _tiles(findings), quality(findings), _reasons(findings), checks.section(checked), id="verdict",
    )  # fmt: skip


def _grade(findings: Findings, failed: bool) -> tuple[str, str]:
    """What the whole is worth, and in words; no better than fair where a check of the whole fails."""
    if not _any(findings):
        return _NOTHING
    grade, headline = next((name, said) for low, name, said in _GRADES if findings.trust.share >= low)
    return _DOUBTFUL if failed and grade == _GRADES[0][1] else (grade, headline)


def _any(findings: Findings) -> bool:
    return bool((findings.trust.doubt == Doubt.NONE).any())


def _sentence(findings: Findings) -> Markup:
    trust, frames = findings.trust, len(findings.poses)
    if not frames:
        return Markup("The result holds no frames.")
    good = int(trust.trusted.sum())
    start = f"{good:,} of {words.count(frames, 'frame')} have enough joints in a place that makes sense."
    if good == frames:
        return Markup(start)
    causes = np.bincount(trust.cause[~trust.trusted], minlength=len(Doubt))
    first = Doubt(int(causes.argmax()))
    return Markup(f"{start} The commonest reason in the others: {_WHY[first]}.")


_WHY = {
    Doubt.NONE: "none", Doubt.UNSEEN: "joints were not seen in both views",
    Doubt.VIEWS_DISAGREE: "the two views disagree about where joints are",
    Doubt.DEPTH: "joints would lie at an impossible distance", Doubt.JUMP: "joints jump from one frame to the next",
    Doubt.LENGTH: "limbs change their length", Doubt.WIDE: "the error bars are too wide",
    Doubt.OUTLIER: "joints do not go with the rest of the body", Doubt.FROZEN: "joints stand still while limbs move",
    Doubt.FILLED: "joints were filled in, not seen",
}  # fmt: skip


def _truth_sentence(findings: Findings) -> list[Markup]:
    if findings.evaluation is None:
        return [tag("p", "No truth was given, so accuracy itself was not measured; this is a check of consistency.")]
    mean, _, median = metrics.spread(findings.error)
    good = findings.trust.doubt == Doubt.NONE
    trusted, others = (metrics.spread(findings.error[which])[0] for which in (good, ~good))
    parts = f"Held against the truth, joints are {words.centimetres(mean)} off on average, half of them less than "
    parts += f"{words.centimetres(median)}"
    if np.isfinite(others):
        parts += f". Those that are trusted: {words.centimetres(trusted)}, those in doubt: {words.centimetres(others)}"
    return [tag("p", parts + ".")]


def _tiles(findings: Findings) -> Markup:
    doubt, poses = findings.trust.doubt, findings.poses
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((poses.sigma * poses.sigma).sum(-1))
    tiles = [
        ("Length", _length(findings), words.count(len(poses), "frame")),
        ("Joints placed", words.percent(float(poses.found.mean()) if doubt.size else np.nan),
         f"{len(poses.skeleton)} joints, {poses.skeleton.name}"),
        ("Joints trusted", words.percent(float((doubt == Doubt.NONE).mean()) if doubt.size else np.nan),
         "placed and plausible"),
        ("Longest trusted stretch", _span(findings, _stretch(findings)), "without a break"),
        ("Longest gap", _span(findings, _gap(findings)), "not trusted, or without frames"),
        ("Typical error bar", words.centimetres(metrics.spread(spread)[2]),
         "one standard deviation, as stated"),
    ]  # fmt: skip
    if findings.evaluation is not None:
        near = findings.evaluation.pck(0.05)
        tiles.append(("Within 5 cm", words.percent(near), "of the truth, misses count as wrong"))
    return tag("dl", *[tag("div", tag("dt", a), tag("dd", tag("b", b), tag("small", c))) for a, b, c in tiles],
               class_="tiles")  # fmt: skip


def _length(findings: Findings) -> str:
    return words.duration(findings.duration) if findings.seconds else words.count(len(findings.poses), "frame")


def _stretch(findings: Findings) -> float:
    """The longest time in which every frame is trusted and none is missing, on the clock."""
    usual, clock = findings.step, findings.clock
    if not findings.trust.trusted.any():
        return 0.0
    goes_on = findings.trust.trusted[1:] & findings.trust.trusted[:-1] & (np.diff(clock) < 1.5 * usual)
    run = np.concatenate([[0], np.cumsum(~goes_on)])
    first, last = np.unique(run, return_index=True)[1], len(run) - 1 - np.unique(run[::-1], return_index=True)[1]
    return float((clock[last] - clock[first])[findings.trust.trusted[first]].max()) + usual


def _gap(findings: Findings) -> float:
    """The longest time without a trusted frame, on the clock."""
    clock, usual = findings.clock, findings.step
    if not len(clock):
        return 0.0
    good = clock[findings.trust.trusted]
    ends = np.concatenate([[clock[0] - usual], good, [clock[-1] + usual]])
    return max(float(np.diff(ends).max()) - usual, 0.0)


def _span(findings: Findings, length: float) -> str:
    """A length of the clock, in words."""
    if length < 0.5 * findings.step or not length:
        return "none"
    return words.duration(length) if findings.seconds else words.count(round(length), "frame")


def quality(findings: Findings) -> Markup:
    """The share of joints over time, stacked by what is wrong with them."""
    counts = findings.trust.counts().astype(float) / max(len(findings.poses.skeleton), 1)
    shares = findings.bins.means(counts)
    tops = np.cumsum(shares, axis=1)
    left = findings.bins.middle - findings.bins.width / 2
    width = findings.bins.width
    stacks = [
        svg.bars(left, width, tops[:, i] - shares[:, i], tops[:, i], CLASSES[doubt])
        for i, doubt in enumerate(Doubt) if shares.size and shares[:, i].any()
    ]  # fmt: skip
    legend = [(CLASSES[d], SHORT[d]) for i, d in enumerate(Doubt) if shares.size and shares[:, i].any()]
    y = svg.Axis(0.0, 1.0, ((0.0, "0"), (0.5, "50"), (1.0, "100 %")))
    needed = svg.level(Limits().joints, y, "limit")
    return svg.plot([*stacks, needed], findings.axis, y, title="Quality over time: joints that can be trusted",
                    timed=True, legend=legend)  # fmt: skip


def strip(findings: Findings) -> Markup:
    """A thin picture for the player's time line: as much red as frames are not trusted, grey where there are none."""
    share = findings.bins.means(findings.trust.trusted.astype(float))
    left, width = findings.bins.middle - findings.bins.width / 2, findings.bins.width
    none, whole = np.zeros_like(share), np.ones_like(share)
    wrong = np.where(share < 1, np.maximum(1 - share, _SEEN), 0.0)
    drawn = [svg.bars(left, width, none, whole, "doubt0"), svg.bars(left, width, none, wrong, "doubt2")]
    return tag("svg", *drawn, viewBox="0 0 1000 1000", preserveAspectRatio="none", class_="strip", aria_hidden="true")


def _reasons(findings: Findings) -> Markup:
    doubt = findings.trust.doubt
    frames = np.bincount(findings.trust.cause[~findings.trust.trusted], minlength=len(Doubt))
    joints = np.bincount(doubt.ravel(), minlength=len(Doubt))
    order = sorted((d for d in Doubt if d and joints[d]), key=lambda d: -joints[d])
    if not order:
        why = tag("p", "Every joint of every frame is trusted.") if doubt.size else Markup("")
        return join([why, _mended(findings)])
    n, total = max(len(doubt), 1), max(doubt.size, 1)
    items = [
        tag("li", tag("i", class_=f"key {CLASSES[d]}"), tag("b", words.percent(joints[d] / total, 2)),
            f" of joints: {MEANING[d]}",
            f" Main reason in {words.percent(frames[d] / n)} of frames." if frames[d] else "")
        for d in order
    ]  # fmt: skip
    return tag("div", tag("h3", "Why not the rest"), tag("ul", *items, class_="reasons"), _mended(findings))


def _mended(findings: Findings) -> Markup:
    """What the refinement changed in joints that now have a place; they are judged like all others."""
    poses = findings.poses
    shares = {why: float(((poses.status & flag) != 0)[poses.found].mean()) if poses.found.any() else 0.0
              for flag, why in _MENDED.items()}  # fmt: skip
    said = [f"in {words.percent(share, 2)} of joints {why}" for why, share in shares.items() if share]
    return tag("p", f"Mended, and judged like all others: {'; '.join(said)}.") if said else Markup("")


_LIMITS = Limits()
MEANING = {
    Doubt.UNSEEN: "not seen in both views, or with hardly any confidence.",
    Doubt.VIEWS_DISAGREE: "the two views put it on different rows of the picture, so they saw different things.",
    Doubt.DEPTH: "the place would be too near, too far or behind the camera.",
    Doubt.OUTLIER: "its rows or its depth do not go with the rest of the body.",
    Doubt.FROZEN: "it stood still while the rest of its limb moved.",
    Doubt.FILLED: "no view showed it well; its place is filled in from the frames before and after.",
    Doubt.JUMP: f"more than {_LIMITS.jump * 100:g} cm away from where it is just before and after, or faster than an "
    "infant moves.",
    Doubt.LENGTH: f"the limb that ends there is {100 * _LIMITS.length:g} % longer or shorter than it usually is, or of "
    "a length that it cannot have.",
    Doubt.WIDE: f"the error bar is longer than {_LIMITS.spread * 100:g} cm.",
}
_MENDED = {
    Status.SWAPPED: "left and right had changed places and were put right",
    Status.RESCUED: "one view missed it or was wrong, and the pictures gave its place",
}


def explanation() -> Markup:
    """How joints, frames and the whole are judged."""
    items = [tag("li", tag("b", SHORT[d]), ": ", MEANING[d]) for d in Doubt if d]
    return join([
        tag("p", f"A frame is trusted when at least {100 * _LIMITS.joints:g} % of its joints are. A joint is trusted "
            "when none of these holds; the first that does is given as the reason:"),
        tag("ol", *items),
        tag("p", "None of this needs a truth, and none of it proves accuracy: an error that both views share, that "
            "is steady over time and keeps limbs at their length stays unseen."),
    ])  # fmt: skip


def joint_shares(findings: Findings) -> Floats:
    """(K,) the share of frames in which each joint is trusted."""
    good = findings.trust.doubt == Doubt.NONE
    return good.mean(0) if len(good) else np.full(good.shape[1], np.nan)
