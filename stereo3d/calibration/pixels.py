"""Grey levels between the pixels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from stereo3d.values import Bytes, Floats


def sample(grey: Bytes, xy: Floats) -> Floats:
    """(...) grey levels at px (..., 2), between the pixels in a straight line; NaN beyond the picture."""
    places = np.nan_to_num(np.moveaxis(xy, -1, 0)[::-1], nan=-9.0)
    return np.asarray(map_coordinates(grey, places, np.float64, order=1, mode="constant", cval=np.nan))
