"""Joints from other people's files: in space (CSV, TRC, C3D) and in pictures (COCO, DeepLabCut, OpenPose)."""
