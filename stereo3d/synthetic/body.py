"""An infant's measures: how long each segment is, how thick, and where the face sits on the head.

Sources: growth by age, INTERGROWTH-21st postnatal growth of preterm infants (Villar et al. 2015, Lancet Glob Health
3:e681); external measures, Snyder et al. 1977 (UM-HSRI-77-17); long bones, fetal biometry (Jeanty; Chitty). Joint
centres lie inside those measures: the ratios below are shaft lengths plus cartilage ends, cross-checked with the
external measures less soft tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.values import Floats, Value, array, number

YOUNGEST, OLDEST = 25.0, 64.0
"""Weeks of postmenstrual age for which the growth curves hold."""
_POSTNATAL = 27.0
"""Weeks from which the postnatal curves hold; before, size at birth is scaled to meet them."""
RATIOS = {
    "vertex": 0.275, "trunk": 0.338, "thigh": 0.175, "shank": 0.170, "ankle": 0.042, "upper_arm": 0.155,
    "forearm": 0.130, "hand": 0.120, "foot": 0.150, "shoulders": 0.195, "hips": 0.110,
}
"""Each segment over the crown-heel length; the first five, one after the other, are that length."""
AXIAL = 5
VARIATION = 0.04
"""How far a segment of one infant may lie from its ratio, as a fraction."""
GIRTHS = {
    "upper_arm": 1.26, "forearm": 1.25, "wrist": 0.95, "thigh": 1.85, "calf": 1.42, "ankle": 1.09,
    "chest": 4.0, "abdomen": 3.8, "neck": 2.2,
}
"""A girth in cm is this times sqrt(mass in g / length in cm): fits Snyder 1977 and newborn tables to 5 %."""


@dataclass(frozen=True, slots=True, eq=False)
class InfantBody(Value):
    """One infant's measures in metres; left and right are alike."""

    weeks: float
    """Postmenstrual age."""
    length: float
    """Crown to heel."""
    mass: float
    """kg."""
    head: float
    """Head circumference."""
    cephalic_index: float
    """Width of the head over its length; preterm heads are flattened sideways."""
    vertex: float
    """Vertex to the line between the shoulders."""
    trunk: float
    """Line between the shoulders to the line between the hips."""
    thigh: float
    shank: float
    ankle: float
    """Ankle's height above the sole."""
    upper_arm: float
    forearm: float
    hand: float
    """Wrist to fingertip."""
    foot: float
    shoulders: float
    """Between the centres of the shoulder joints."""
    hips: float
    """Between the centres of the hip joints."""

    def __post_init__(self) -> None:
        self._set(weeks=number("weeks", self.weeks, YOUNGEST, OLDEST))
        self._set(**{n: number(n, getattr(self, n), 1e-3, 20.0) for n in self.__slots__[1:]})

    def radius(self, place: str) -> float:
        """m, of a limb of that girth (a key of GIRTHS)."""
        girth = GIRTHS[place] * np.sqrt(self.mass * 10 / self.length) / 100
        return float(girth / (2 * np.pi))

    @property
    def head_axes(self) -> Floats:
        """(3,) m, half of the head's width, of its height from chin to vertex, of its length from brow to occiput.

        Occipitofrontal diameter .347 and vertex to chin .34 of the circumference (INTERGROWTH-21st at term).
        """
        half_length = 0.347 / 2 * self.head
        return np.array([self.cephalic_index * half_length, 0.17 * self.head, half_length])

    @property
    def face(self) -> Floats:
        """(5, 3) m, nose, left and right eye, left and right ear from the head's centre.

        x to the infant's left, y to the vertex, z out of the face. Eyes .120 of the circumference apart (interorbital
        distances), .45 of the face above the chin; the nose's tip before them; ear canals between bimastoid and
        bitemporal width, 47 % of the head behind the brow.
        """
        places = [(0, -0.068, 0.186), (0.060, -0.017, 0.155), (-0.060, -0.017, 0.155)]
        return self.head * np.array([*places, (0.118, -0.040, 0.010), (-0.118, -0.040, 0.010)])

    @property
    def hip_height(self) -> float:
        """m, of the hip joints above the mattress while the infant lies on its back."""
        return 0.85 * self.radius("abdomen")

    @property
    def shoulder_height(self) -> float:
        """m, of the shoulder joints above the mattress while the infant lies on its back."""
        return 0.75 * self.radius("chest")


def growth(weeks: float, *, sex: float = 0.5) -> tuple[float, float, float]:
    """Median (length m, mass kg, head circumference m) at that postmenstrual age; sex 0 for girls, 1 for boys.

    INTERGROWTH-21st, Villar et al. 2015, for 27 to 64 weeks; below, the shape of size at birth (Villar et al. 2016).
    Raises InvalidValue outside 25 to 64 weeks.
    """
    w, sex = number("weeks", weeks, YOUNGEST, OLDEST), number("sex", sex, 0, 1)
    later = np.array(_postnatal(max(w, _POSTNATAL), sex))
    if w < _POSTNATAL:
        later = later * np.array(_at_birth(w, sex)) / np.array(_at_birth(_POSTNATAL, sex))
    length, mass, head = later.tolist()
    return length, mass, head


def _postnatal(w: float, sex: float) -> tuple[float, float, float]:
    length = np.exp(4.136244 - 547.0018 / w**2 + 0.0026066 * w + 0.0315 * sex) / 100
    mass = np.exp(2.591277 - 0.01155 * np.sqrt(w) - 2201.705 / w**2 + 0.09116 * sex)
    return float(length), float(mass), float(55.53617 - 852.0059 / w + 0.79579 * sex) / 100


def _at_birth(w: float, sex: float) -> tuple[float, float, float]:
    mass = np.exp(-7.00303 + 1.325911 * np.sqrt(w) + 0.05719 * sex)
    return 1.3076 + 1.27002 * w + 0.4264 * sex, float(mass), 0.7867 + 0.88764 * w + 0.2513 * sex


def age_of(length: float) -> float:
    """Weeks of postmenstrual age at which that crown-heel length (m) is the median, or the nearest there are."""
    ages = np.linspace(YOUNGEST, OLDEST, 500)
    return float(np.interp(length, [growth(w)[0] for w in ages], ages))


def infant_body(
    weeks: float | None = None, *, length: float | None = None, seed: int = 0, sex: float = 0.5,
    z: tuple[float, float, float] | None = None, cephalic_index: float | None = None,
) -> InfantBody:
    """An infant of that postmenstrual age, crown-heel length (m) or both, else at term; `seed` makes it an individual.

    Each segment lies within 4 % of its ratio, then all along the body are scaled to add up to the length. Length
    varies by 4 %, mass by 8 %, head by 3 % (standard deviations) about the medians: by how many is drawn, or given as
    `z`. `sex` is 0 for girls, 1 for boys; `cephalic_index` .70 to .86 is the head's width over its length. Raises
    InvalidValue for less than 25 or more than 64 weeks and for lengths and heads that no such infant has.
    """
    if weeks is None:
        weeks = 40.0 if length is None else age_of(length)
    rng = np.random.default_rng([seed, 1])
    drawn = np.clip(rng.standard_normal(3), -2, 2)
    z_length, z_mass, z_head = drawn if z is None else array("z", z, (3,))
    median, mass, head = growth(weeks, sex=sex)
    length = median * np.exp(0.04 * z_length) if length is None else number("length", length, 0.3, 0.75)
    longer = length / median
    segments = np.array(list(RATIOS.values())) * rng.uniform(1 - VARIATION, 1 + VARIATION, len(RATIOS))
    segments[:AXIAL] /= segments[:AXIAL].sum()
    index = rng.uniform(0.74, 0.84)
    return InfantBody(
        weeks=weeks, length=length, mass=mass * longer**2 * np.exp(0.08 * z_mass),
        head=head * longer**0.8 * np.exp(0.03 * z_head),
        cephalic_index=index if cephalic_index is None else number("cephalic_index", cephalic_index, 0.70, 0.86),
        **dict(zip(RATIOS, segments * length)),
    )
