"""XML and JSON from strangers: parsed without entities or overflow, refused in a sentence."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from stereo3d import limits
from stereo3d.errors import CalibrationError

__all__ = ["Element", "parse_json", "parse_xml"]


def parse_xml(text: str) -> Element:
    """The root of an XML document. Raises CalibrationError, also for one that defines entities."""
    if "<!" in text.replace("<!--", ""):
        raise CalibrationError("expected plain XML, got one with a document type or entities; remove them")
    try:
        return ElementTree.fromstring(text.encode())
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise CalibrationError(f"expected XML, got something else ({error})") from error


def parse_json(text: str) -> dict[str, Any]:
    """The object of a JSON document, all numbers as floats. Raises InputError."""
    content = limits.parse_json(text, parse_int=float)
    if not isinstance(content, dict):
        raise CalibrationError(f"expected a JSON object with names, got {type(content).__name__}")
    return content
