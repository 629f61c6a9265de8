"""Files made wrong: bytes, numbers, words and parts of containers changed, at random but the same for the same seed."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
WORDS = (
    "nan", "inf", "-inf", "-1", "0", "1e308", "-1e308", "1e-320", "99999999999999999999", "0x10", "1_000", "true", "null",
    '""', "''", "[]", "{}", "''' '''", "1e999", "\0", "\ufeff", "é", "../outside/secret", "/etc/hostname",
    "file:///etc/hostname", "!!python/object:os.system", "&a", "*a", "<!ENTITY a 'b'>", "2147483648", "-2147483649", "\t", "\n",
)
DEEP = ("[", "{", "(", "<a>", '{"a":', "[[", "a.", "- ")
LONGEST = 8 << 20
LOOKED_AT = 1 << 18
"""Characters of a long text in which words are looked for."""
_WORD = re.compile(r"[-+]?\d[\d.eE+-]*|\w+|\"[^\"]*\"|[^\w\s]")
Mutation = Callable[[bytes, random.Random], bytes]


def bits(data: bytes, rng: random.Random) -> bytes:
    """One to eight bits turned."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def number(data: bytes, rng: random.Random) -> bytes:
    """A number of 1 to 8 bytes put over others, often into the file's beginning, where headers are."""
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice((*INTERESTING, len(data), rng.getrandbits(64))) & ((1 << 8 * width) - 1)
    end = max(1, len(data) - width)
    at = rng.randrange(end if rng.random() < 0.6 else min(end, 512))
    return data[:at] + value.to_bytes(width, rng.choice(("little", "big"))) + data[at + width:]


def cut(data: bytes, rng: random.Random) -> bytes:
    """Cut off somewhere, or some bytes after it."""
    return data[:rng.randrange(len(data))] if rng.random() < 0.8 else data + rng.randbytes(rng.randint(1, 300))


def run(data: bytes, rng: random.Random) -> bytes:
    """A run of bytes left out, doubled, moved, zeroed or made noise."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    b = min(b, a + rng.choice((1, 8, 64, 512, 4096)))
    part = data[a:b]
    other = rng.randrange(len(data) + 1)
    return rng.choice((
        data[:a] + data[b:], data[:b] + part + data[b:], data[:a] + bytes(b - a) + data[b:],
        data[:a] + rng.randbytes(b - a) + data[b:], data[:other] + part + data[other:],
    ))


def words(data: bytes, rng: random.Random) -> bytes:
    """A number or word of a text replaced, a line doubled or lost, or brackets without end."""
    text = data.decode("utf-8", "surrogateescape")
    start = rng.randrange(len(text) - LOOKED_AT) if len(text) > LOOKED_AT else 0
    found = list(_WORD.finditer(text, start, start + LOOKED_AT))
    kind = rng.random()
    if kind < 0.6 and found:
        for match in sorted(rng.sample(found, min(len(found), rng.randint(1, 3))), key=lambda m: -m.start()):
            text = text[:match.start()] + rng.choice((*WORDS, rng.choice(found)[0])) + text[match.end():]
    elif kind < 0.85:
        lines = text.splitlines(keepends=True) or [text]
        at = rng.randrange(len(lines))
        line = lines[at][:LONGEST // 3000]
        lines[at:at + 1] = rng.choice(([], [lines[at]] * 2, [line] * 3000, [rng.choice(lines)], [line.strip() * 50]))
        text = "".join(lines)
    else:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(DEEP) * rng.choice((3, 40, 1000, 100_000)) + text[at:]
    return text.encode("utf-8", "surrogateescape")


BINARY: tuple[Mutation, ...] = (bits, number, number, cut, run)
TEXT: tuple[Mutation, ...] = (words, words, words, words, bits, cut, run)


def mutate(data: bytes, rng: random.Random, how: tuple[Mutation, ...]) -> bytes:
    """The file with one to four things wrong, which is never the same as before, nor much longer."""
    out = data
    while out == data:
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            out = rng.choice(how)(out, rng) if 0 < len(out) < LONGEST else rng.randbytes(8)
    return out


def member(data: bytes, rng: random.Random) -> bytes:
    """A zip with one of its files changed, and the right check sums."""
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", rng.choice((0, 0, 8))) as new:
            entries = old.infolist()
            chosen = rng.choice([e for e in entries if e.filename.endswith((".pkl", ".npy"))] or entries)
            for entry in entries:
                content = old.read(entry)
                name = entry.filename if entry is not chosen or rng.random() < 0.9 else f"../outside/{entry.filename}"
                new.writestr(name, mutate(content, rng, BINARY) if entry is chosen and content else content)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError, OverflowError):
        return bits(data, rng)
    return buffer.getvalue()


def summed_png(data: bytes, rng: random.Random) -> bytes:
    """A PNG with something wrong in a part, and the right check sums."""
    parts, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        parts.append((data[at + 4:at + 8], data[at + 8:at + 8 + length]))
        at += 12 + length
    if not parts:
        return bits(data, rng)
    place = rng.randrange(len(parts))
    kind, content = parts[place]
    parts[place] = kind, mutate(content, rng, BINARY) if content else rng.randbytes(13)
    if rng.random() < 0.1:
        parts.insert(place, parts[place])
    return data[:8] + b"".join(
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in parts
    )


def tensors_header(data: bytes, rng: random.Random) -> bytes:
    """safetensors with something wrong in its header of JSON, whose length is right."""
    length = int.from_bytes(data[:8], "little")
    if not 0 < length < len(data):
        return bits(data, rng)
    header = words(data[8:8 + length], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length:]


def json_value(data: bytes, rng: random.Random) -> bytes:
    """JSON with a value somewhere in it replaced by another kind of value."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return words(data, rng)
    at = content
    for _ in range(30):
        if not isinstance(at, (dict, list)) or not at:
            break
        key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if rng.random() < 0.3 or not isinstance(at[key], (dict, list)):
            odd = (None, -1, 1e308, float("nan"), 10**400, "", "x" * 9999, [], {}, [[]], True, [at[key]] * 20, 0, {"a": 1}, 1 << 62)
            at[key] = rng.choice(odd)
            break
        at = at[key]
    return json.dumps(content).encode()
