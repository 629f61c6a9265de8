"""Coded streams of pictures: decoded by index (coded), looked into without decoding (nal, display_order, holes), and
as they lie in video files (timeline, video_file)."""
