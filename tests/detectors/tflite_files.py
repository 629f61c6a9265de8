"""Small TFLite models of MoveNet's and BlazePose's shapes: a convolution, and every number from all of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIDE, STEP, CHANNELS = 16, 8, 1


def write_tflite(path: Path, n_numbers: int = 51, *, side: int = SIDE, whole: bool = False) -> Path:
    """A model from (1, 16, 16, 3) to (1, n), its numbers from 0 to 1.

    side: what it says its pictures are high and wide. whole: whether it says they are of whole numbers of 64 bits.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    rng = np.random.default_rng(0)
    n_seen = (SIDE // STEP) ** 2 * CHANNELS
    held = [
        rng.normal(0, 0.1, (CHANNELS, STEP, STEP, 3)).astype(np.float32), np.zeros(CHANNELS, np.float32),
        np.array([1, n_seen], np.int32), rng.normal(0, 0.1, (n_numbers, n_seen)).astype(np.float32),
        np.zeros(n_numbers, np.float32), np.array([1, n_numbers], np.int32),
    ]
    flowing = [(1, side, side, 3), (1, SIDE // STEP, SIDE // STEP, CHANNELS), (1, n_seen), (1, n_numbers), (1, n_numbers), tuple(held[5])]
    tensors = [_tensor(schema, x.shape, f"held{i}", i + 1, whole=x.dtype == np.int32) for i, x in enumerate(held)]
    tensors += [_tensor(schema, shape, f"flowing{i}", 0) for i, shape in enumerate(flowing)]
    at = len(held)
    tensors[at].type = schema.TensorType.INT64 if whole else schema.TensorType.FLOAT32
    kinds, options = schema.BuiltinOperator, schema.BuiltinOptions
    steps = [
        (kinds.CONV_2D, [at, 0, 1], options.Conv2DOptions, schema.Conv2DOptionsT(strideW=STEP, strideH=STEP)),
        (kinds.RESHAPE, [at + 1, 2], options.NONE, None),
        (kinds.FULLY_CONNECTED, [at + 2, 3, 4], options.FullyConnectedOptions, schema.FullyConnectedOptionsT()),
        (kinds.LOGISTIC, [at + 3], options.NONE, None),
        (kinds.RESHAPE, [at + 4, 5], options.NONE, None),
    ]
    codes = sorted({kind for kind, *_ in steps})
    operators = [
        schema.OperatorT(
            opcodeIndex=codes.index(kind), inputs=inputs, outputs=[at + 1 + i], builtinOptionsType=which, builtinOptions=how,
        )
        for i, (kind, inputs, which, how) in enumerate(steps)
    ]
    graph = schema.SubGraphT(tensors=tensors, inputs=[at], outputs=[at + len(steps)], operators=operators, name="main")
    model = schema.ModelT(
        version=3, operatorCodes=[schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code) for code in codes],
        subgraphs=[graph], description="small",
        buffers=[schema.BufferT()] + [schema.BufferT(data=np.frombuffer(x.tobytes(), np.uint8)) for x in held],
    )
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(builder.Output())
    return path


def _tensor(schema, shape, name, buffer, *, whole=False):
    kind = schema.TensorType.INT32 if whole else schema.TensorType.FLOAT32
    return schema.TensorT(shape=[int(n) for n in shape], type=kind, buffer=buffer, name=name)
