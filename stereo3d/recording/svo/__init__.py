"""Recordings of ZED cameras, read without their maker's SDK: `open_svo` is the way in.

container and chunk know MCAP; header, message and sensors what the camera puts into it; frames and pictures make
pictures by index of that; rig finds the calibration; sdk is the way round for what only the maker's programs read.
"""

from stereo3d.recording.svo.recording import open_svo

__all__ = ["open_svo"]
